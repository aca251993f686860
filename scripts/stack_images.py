"""Make the images that tests/stack runs, from Debian's packages: no container registry is asked.

    python scripts/stack_images.py [--again]

What a stack runs is named in ``server.toml``, image by image, as a site without a way out names its
mirror's; the tests name these. Debian's programs are older than those that a new server
names, which shows that the configuration fits both. There is no Grafana in Debian: what answers in
its place says that it is well, and shows whether it was given what Grafana would read.

Images that are there already are left as they are, unless ``--again`` is given.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from packaging.requirements import Requirement

PREFIX = "aegis-test"
SUITE = "bookworm"
BASE = f"{PREFIX}/base:{SUITE}"
PYTHON = "3.11"  # of that suite
IN_BASE = ("python3", "python3-venv", "ca-certificates", "curl", "wget")

# One layer with every program, and one image for each that differs in what it starts as: an image
# of its own for each would be the same test, and take six times as long.
PROGRAMS = f"""\
FROM {BASE}
RUN apt-get update -qq \\
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \\
       nginx redis-server prometheus prometheus-node-exporter prometheus-nginx-exporter \\
       prometheus-redis-exporter >/dev/null \\
    && apt-get clean && rm -rf /var/lib/apt/lists/* /data \\
    && install -d -o 65534 -g 65534 /prometheus && install -d -o 999 -g 999 /data
"""
SERVICES = {
    "nginx": 'CMD ["nginx", "-g", "daemon off;"]\nSTOPSIGNAL SIGQUIT\n',
    "redis": 'WORKDIR /data\nUSER 999:999\nCMD ["redis-server"]\n',
    "prometheus": 'WORKDIR /prometheus\nUSER 65534:65534\nENTRYPOINT ["prometheus"]\n',
    "nginx-exporter": 'USER 1001:1001\nENTRYPOINT ["prometheus-nginx-exporter"]\n',
    "redis-exporter": 'USER 59000:59000\nENTRYPOINT ["prometheus-redis-exporter"]\n',
    "node-exporter": 'USER 65534:65534\nENTRYPOINT ["prometheus-node-exporter"]\n',
}
PYPISERVER = f"""\
FROM {BASE}
COPY wheels /wheels
RUN python3 -m venv /opt/pypiserver \\
    && /opt/pypiserver/bin/pip install -qq --no-index --find-links /wheels \\
       pypiserver passlib bcrypt && rm -rf /wheels
ENV PATH=/opt/pypiserver/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["pypi-server"]
"""
PYPISERVER_NEEDS = ("pypiserver", "passlib", "bcrypt<5")
GRAFANA = f"""\
FROM {BASE}
COPY grafana.py /run.py
RUN install -d -o 472 -g 0 /var/lib/grafana
USER 472:0
ENTRYPOINT ["python3", "/run.py"]
"""
# Says 200 to /api/health, as Grafana does, once it has read what it was provisioned with.
GRAFANA_STANDS_FOR = """\
import http.server
import os
import pathlib

assert os.environ.get("GF_SECURITY_ADMIN_PASSWORD"), "no password was given"
pathlib.Path(os.environ.get("GF_PATHS_DATA", "/var/lib/grafana"), "grafana.db").touch()
places = [os.environ.get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning")]
for folder, _, files in (entry for place in places for entry in os.walk(place)):
    for name in files:
        print("provisioned", folder, name, len(pathlib.Path(folder, name).read_bytes()), flush=True)


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        well = self.path == "/api/health"
        self.send_response(200 if well else 404)
        self.end_headers()
        self.wfile.write(b'{"database": "ok"}' if well else b"")

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 3000), Health).serve_forever()
"""


def main() -> None:
    """Make what is missing, and say how long each took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--again", action="store_true", help="make all of them anew")
    make_images(again=parser.parse_args().again)


def make_images(*, again: bool = False) -> None:
    """Make the images that are missing, all with *again*. Raises `CalledProcessError`."""
    if again or not is_there(BASE):
        make_base()
    if again or not all(is_there(named(service)) for service in SERVICES):
        build(named("programs"), PROGRAMS)
        for service, end in SERVICES.items():
            build(named(service), f"FROM {named('programs')}\n{end}")
    if again or not is_there(named("pypiserver")):
        make_pypiserver()
    if again or not is_there(named("grafana")):
        build(named("grafana"), GRAFANA, {"grafana.py": GRAFANA_STANDS_FOR})


def named(service: str) -> str:
    """Return the name of the image that *service* runs."""
    return f"{PREFIX}/{service}:{SUITE}"


def is_there(image: str) -> bool:
    """Return whether this machine has *image*."""
    asked = ["docker", "image", "inspect", image]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def make_base() -> None:
    """Make a small Debian with Python in it, from the mirror that this machine itself uses."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        include = f"--include={','.join(IN_BASE)}"
        quietly("debootstrap", "--variant=minbase", include, SUITE, str(root), mirror())
        for useless in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
            shutil.rmtree(root / useless, ignore_errors=True)
        pack = ["tar", "-C", str(root), "-c", "."]
        with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
            change = 'CMD ["/bin/bash"]'
            quietly("docker", "import", "--change", change, "-", BASE, stdin=packing.stdout)
        if packing.returncode:
            sys.exit("The files of the base image could not be packed.")


def mirror() -> str:
    """Return the address of the Debian mirror in this machine's own apt sources."""
    wanted = ["Created-By: Packages", "Origin: Debian", "Label: Debian"]
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted]
    found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    if not found:
        sys.exit("apt knows no mirror of Debian.")
    return found[0]


def make_pypiserver() -> None:
    """Make an image of stock pypiserver."""
    with tempfile.TemporaryDirectory() as folder:
        download_wheels(Path(folder, "wheels"), *PYPISERVER_NEEDS)
        build_in(Path(folder), named("pypiserver"), PYPISERVER)


def download_wheels(target: Path, *arguments: str) -> None:
    """Download what ``pip download`` is asked for, as wheels for the base image's Python."""
    only = ["--only-binary=:all:", f"--python-version={PYTHON}", "--dest", str(target)]
    quietly(sys.executable, "-m", "pip", "download", "-qq", *only, *arguments)


def download_pinned(target: Path, requirements: Path) -> None:
    """Download what the file *requirements* pins for the base image's Python, into *target*.

    pip would go by the markers of this machine's Python, be they only a patch apart.
    """
    asked = ["docker", "run", "--rm", BASE, "python3", "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    there = {"python_version": PYTHON, "python_full_version": said.split()[1]}
    lines = (line.partition("#")[0].strip() for line in requirements.read_text().splitlines())
    pinned = [Requirement(line) for line in lines if line]
    wanted = [pin for pin in pinned if pin.marker is None or pin.marker.evaluate(there)]
    download_wheels(target, "--no-deps", *(f"{pin.name}{pin.specifier}" for pin in wanted))


def build(image: str, dockerfile: str, files: dict[str, str] | None = None) -> None:
    """Build *image* from a context that has just *files* in it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (files or {}).items():
            Path(folder, name).write_text(content, encoding="utf-8")
        build_in(Path(folder), image, dockerfile)


def build_in(context: Path, image: str, dockerfile: str) -> None:
    """Build *image* from the files in *context*."""
    (context / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    quietly("docker", "build", "--quiet", "--network=host", "--tag", image, str(context))


def quietly(*command: str, stdin: IO[bytes] | None = None) -> None:
    """Run *command* and show what it says only where it fails."""
    done = subprocess.run(
        command,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-4000:]}\nThis failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
