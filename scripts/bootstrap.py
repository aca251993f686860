"""Set the project up in a virtual environment: bootstrap.py DIRECTORY [REQUIREMENT ...].

Kept to what any Python 3.6 understands, so that an old one gets a sentence and not a syntax error.
"""

import os
import subprocess
import sys
from pathlib import Path

LOWEST = (3, 10)


def main(directory: str, *requirements: str) -> None:
    """Make the virtual environment, install the project in it, and mark it as ready."""
    if sys.version_info < LOWEST:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"poetry-aegis needs Python 3.10 or newer, and this is {found}.\n"
            "Name another one: make setup PYTHON=python3.12"
        )
    print(f"Setting up {directory} (once; a minute or less) ...", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", directory], check=False)
    if made.returncode:
        sys.exit(
            "This Python cannot make virtual environments.\n"
            "On Debian and Ubuntu: apt-get install python3-venv"
        )
    python = Path(directory, "Scripts" if os.name == "nt" else "bin", "python")
    pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check", "install"]
    # Dependency groups (PEP 735) need pip 25.1.
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
    project = ["--editable", ".[registry,templates,cluster,signing]", "--group", "dev"]
    subprocess.run([*pip, *project, *requirements], check=True)
    Path(directory, "ready").touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
