"""What docs/stack.md takes for granted, and what of it cannot be run here: as tests.docs.stage.

All of this runs in the home of a `tests.docs.terminal.Terminal`, on a machine with Docker.
"""

from __future__ import annotations

from tests.docs.scenes import NEW_PROJECT, Key

PAGE = "docs/stack.md"

LINES_THAT_CANNOT_RUN = {
    "poetry aegis server logs pypi-server --follow": "goes on until somebody presses Ctrl-C",
    'poetry self add "poetry-aegis[registry]@latest"': "is run by test_self_add.py",
}

SSH = "ssh -L 3000:127.0.0.1:3000 -L 9090:127.0.0.1:9090 pypi.example.com"
RESTIC = (
    "restic -r sftp:backup@vault.example.com:/srv/restic backup "
    "~/.local/share/poetry-aegis/server/backups"
)
BLOCKS_THAT_CANNOT_RUN: dict[Key, str] = {
    (PAGE, "Monitoring", SSH): "needs a server on another machine",
    (PAGE, "Off-site", RESTIC): "needs restic and another machine",
}

INIT: Key = (PAGE, "Set it up", "poetry aegis server init")
START: Key = (PAGE, "Set it up", "poetry aegis server start")
AUTHORITY: Key = (PAGE, "Clients", "poetry aegis server ca --output ca.crt")
POETRY: Key = (PAGE, "Clients", "poetry aegis client poetry")
CLIENTS: Key = (
    PAGE,
    "Clients",
    "pip install --cert ca.crt --index-url https://pypi.aegis.local/simple/ acme-greeter",
)
CHANGED: Key = (PAGE, "Changes", "poetry aegis server apply --dry-run")
END: Key = (PAGE, "The end", "poetry aegis server stop")
SIGNED: Key = (PAGE, "Signed uploads", "poetry aegis server apply")
SYSTEM: Key = (
    PAGE,
    "TLS",
    "cp ca.crt /usr/local/share/ca-certificates/poetry-aegis.crt",
)
BACKUP: Key = (PAGE, "Backups", "poetry aegis server backup")
ILL: Key = (PAGE, "The doctor", "poetry aegis server doctor")
WHEELS: Key = (
    PAGE,
    "Sites without a way out",
    "pip download --only-binary=:all: -r requirements.txt -d wheels",
)

# What runs in a container: it is about the whole of a machine.
IN_A_CONTAINER = {SYSTEM}

EXIT_CODES: dict[Key, int] = {ILL: 77}

# Give server.toml what stands on standard input; a table's keys go beside those that it has.
ADD = """\
add() {
    python -c '
import sys, tomlkit
from pathlib import Path
file = Path.home() / ".local/share/poetry-aegis/server/server.toml"
settings = tomlkit.parse(file.read_text()).unwrap()
for key, value in tomlkit.parse(sys.stdin.read()).unwrap().items():
    settings[key] = settings.get(key, {}) | value if isinstance(value, dict) else value
file.write_text(tomlkit.dumps(settings))
'
}
"""
# The images, ports and names of the tests; and what is to be in the registry's image.
OF_THE_TESTS = f"""\
{ADD}add < ~/of-the-tests.toml
mkdir -p ~/.local/share/poetry-aegis/server/stack/image/wheels
cp ~/wheels/* ~/.local/share/poetry-aegis/server/stack/image/wheels
"""

# What this machine says of its own to pip, requests and others comes before what the page says.
ALONE = "export PIP_CERT= REQUESTS_CA_BUNDLE= CURL_CA_BUNDLE=\n"
TRUST = """\
printf '[signatures]\\nrequired = ["acme-*"]\\ntrust = "trust.toml"\\n' | add
poetry aegis key generate ada-2026
poetry aegis key export ada-2026 > ~/.local/share/poetry-aegis/server/trust.toml
"""

BEFORE: dict[Key, str] = {
    INIT: ALONE,
    START: OF_THE_TESTS,
    AUTHORITY: "echo 127.0.0.1 pypi.aegis.local >> /etc/hosts\n",
    POETRY: "poetry aegis server user add ada\n",
    CLIENTS: f"""\
{NEW_PROJECT}new_project acme-greeter acme-greeter 0.1.0
poetry aegis publish
cp ../ca.crt .
python -m venv ~/try
export VIRTUAL_ENV=~/try PATH_BEFORE=$PATH PATH=~/try/bin:$PATH
echo correct-horse-battery | poetry aegis server user add eve --password-stdin
echo machine pypi.aegis.local login eve password correct-horse-battery > ~/.netrc
chmod 600 ~/.netrc
export TWINE_USERNAME=eve TWINE_PASSWORD=correct-horse-battery
""",
    CHANGED: f"""\
{ADD}printf '[web]\\nrate = 50\\n' | add
poetry aegis server apply > /dev/null
printf '[web]\\nrate = 100\\n' | add
""",
    SIGNED: """\
poetry aegis key generate bob
poetry aegis key export bob >> ~/.local/share/poetry-aegis/server/trust.toml
""",
    BACKUP: "rm ~/.local/share/poetry-aegis/server/backups/*\n",
    ILL: """\
project=$(sed -n 's/^project = "\\(.*\\)"$/\\1/p' ~/of-the-tests.toml)
docker stop "$project-nginx-1"
""",
    WHEELS: """\
unset PIP_CERT REQUESTS_CA_BUNDLE
cd ~/.local/share/poetry-aegis/server/stack/image
rm -r wheels
""",
}

AFTER: dict[Key, str] = {
    CLIENTS: "export PATH=$PATH_BEFORE\nunset VIRTUAL_ENV TWINE_USERNAME TWINE_PASSWORD\ncd ..\n",
    END: f"{OF_THE_TESTS}{TRUST}poetry aegis server start > /dev/null\n",
}
