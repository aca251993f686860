"""The tables of `tests.docs.stage` for docs/registry.md and CONTRIBUTING.md."""

from __future__ import annotations

from tests.docs.pages import ROOT, blocks
from tests.docs.scenes import INDEX, PUBLISHED, Key

REGISTRY = "docs/registry.md"
CONTRIBUTING = "CONTRIBUTING.md"

PAGES: dict[str, str | None] = {REGISTRY: None, CONTRIBUTING: None}

LINES_THAT_CANNOT_RUN = {
    'pip install "poetry-aegis[registry]"': "installs from an index that has this plugin",
    "make setup": "takes minutes, and every CI run begins with it",
    "make unit": "runs the tests that `make test` runs, this one too",
}

LIMITS: Key = (REGISTRY, "Limits", "poetry aegis server user add robot --publish 'acme-*'")
WITH_TOKEN: Key = (REGISTRY, "Tokens", "export POETRY_HTTP_BASIC_AEGIS_USERNAME=__token__")
TURNED_AWAY: Key = (
    REGISTRY,
    "Signed uploads",
    "poetry aegis server audit acme-greeter --limit 2",
)
STATUS: Key = (
    REGISTRY,
    "The status of a project",
    'poetry aegis project acme-greeter --status deprecated --reason "use acme-hello"',
)
MOVED_IN: Key = (REGISTRY, "Moving in", "poetry aegis server import ~/packages --dry-run")
PRUNED: Key = (REGISTRY, "Old releases", "poetry aegis server prune")
TRAIL: Key = (REGISTRY, "The audit trail", "poetry aegis server audit acme-greeter --limit 3")
COUNTED: Key = (REGISTRY, "Downloads", "poetry aegis server stats acme-greeter")
SERVED: Key = (REGISTRY, "Without Poetry", 'pip install "poetry-aegis[registry]"')
ACL: Key = (
    REGISTRY,
    "Behind nginx",
    "setfacl -m u:www-data:x /srv/aegis /srv/aegis/data",
)
MADE: Key = (CONTRIBUTING, "Check", "make format")
ITSELF: Key = (CONTRIBUTING, "Release the project", "poetry aegis release auto --dry-run")

# Give server.toml what a block of TOML says; its keys and tables take the place of those there.
ADD_SETTINGS = """\
server=~/.local/share/poetry-aegis/server
cp $server/server.toml ~/server.toml
python -c '
import sys, tomlkit
from pathlib import Path
file = Path(sys.argv[1])
settings = tomlkit.parse(file.read_text()).unwrap() | tomlkit.parse(sys.stdin.read()).unwrap()
file.write_text(tomlkit.dumps(settings))
' $server/server.toml <<'END'
{settings}END
"""
RESTORE_SETTINGS = (
    "mv ~/server.toml ~/.local/share/poetry-aegis/server/\npoetry aegis server apply\n"
)
# What is at the root of the machine on the page is in the home here; it ends when ada got in.
UNTIL_ADA_GOT_IN = """\
cat > ~/.local/bin/python <<'END'
#!/bin/bash
address=127.0.0.1:8080
arguments=("${@/#\\/srv/$HOME}")
PATH=${PATH#*:} python "${arguments[@]/#\\/etc/$HOME}" --port ${address#*:} &
asked="curl -fsS --retry 60 --retry-delay 1 --retry-connrefused -u ada:correct-horse-battery"
$asked http://$address/audit > /dev/null
code=$?
kill $! && wait $! && exit $code
END
chmod +x ~/.local/bin/python
"""


def shown(heading: str, first_line: str) -> str:
    """Return the block of docs/registry.md below *heading* that begins with *first_line*."""
    key = (REGISTRY, heading, first_line)
    (code,) = (block.code for block in blocks(ROOT / REGISTRY) if block.key == key)
    return code


def settings(heading: str, first_line: str) -> str:
    """Return what adds that block to ``server.toml``."""
    return ADD_SETTINGS.format(settings=shown(heading, first_line))


BLOCKS_THAT_CANNOT_RUN: dict[Key, str] = {
    ACL: "changes rights of folders outside of the home, for a user of nginx",
}

BEFORE: dict[Key, str] = {
    LIMITS: PUBLISHED,
    WITH_TOKEN: """\
git commit -q --allow-empty -m "feat: greet everybody"
poetry aegis release 0.2.0 --push-tag > /dev/null
poetry aegis server token create --user robot --allow read,upload --projects 'acme-*' > token
export AEGIS_TOKEN=$(sed -n 's/^ *token  *\\([^ ]*\\).*/\\1/p' token)
rm token
""",
    TURNED_AWAY: f"""\
{settings("Signed uploads", "[signatures]")}
poetry aegis key generate ada-2026
poetry aegis key generate bob
printf '%s\\n' '' '[tool.poetry-aegis.trust]' 'file = "trusted-keys.toml"' >> pyproject.toml
poetry aegis key trust ada-2026 --file
poetry aegis key trust bob --file
sed -i '1i threshold = 2' trusted-keys.toml
cp trusted-keys.toml $server/trust.toml
poetry aegis server apply
git add .
git commit -q -m "fix: trust the team"
poetry aegis release 0.3.1 > /dev/null
rm -r dist
poetry build -q -f sdist
poetry aegis sign --key ada-2026
! poetry aegis publish --skip-build
poetry aegis sign --key bob
poetry aegis publish --skip-build
""",
    STATUS: "poetry aegis yank acme-greeter==0.2.0 --undo\n",
    MOVED_IN: """\
mkdir ~/packages
for version in 0.1.0 0.2.0; do
    git -c advice.detachedHead=false checkout -q v$version
    poetry build -q
    mv dist/acme_greeter-$version* ~/packages
done
""",
    PRUNED: settings("Old releases", "[[retention]]"),
    TRAIL: """\
poetry aegis project acme-greeter --status active > /dev/null
poetry aegis yank acme-greeter==0.2.0 > /dev/null
poetry aegis yank acme-greeter==0.2.0 --undo > /dev/null
poetry aegis project acme-greeter --status deprecated --reason "use acme-hello" > /dev/null
""",
    COUNTED: """\
echo correct-horse-battery | poetry aegis server user add ada --password-stdin > /dev/null
curl -fsS -O -u ada:correct-horse-battery \\
    http://127.0.0.1:8080/packages/acme-greeter/acme_greeter-0.2.0.tar.gz
sleep 2
""",
    SERVED: f"""\
poetry aegis server stop
mkdir -p ~/index/auth
touch ~/aegis.toml
python -c '
import bcrypt
print("ada:" + bcrypt.hashpw(b"correct-horse-battery", bcrypt.gensalt()).decode())
' > ~/index/auth/htpasswd
cat > ~/index/auth/access.toml <<'END'
{shown("Without Poetry", "[users.ada]")}END
{UNTIL_ADA_GOT_IN}""",
    MADE: f"""\
mkdir -p ~/poetry-aegis/.venv
cd ~/poetry-aegis
for name in .gitignore CHANGELOG.md LICENSE Makefile README.md pyproject.toml scripts src; do
    cp -r "{ROOT}/$name" .
done
ln -s "$(dirname "$(command -v python)")" .venv/bin
touch .venv/ready
""",
    ITSELF: f"""\
{INDEX}poetry config repositories.NAME http://127.0.0.1:8080/legacy/
poetry config http-basic.NAME ada correct-horse-battery
echo correct-horse-battery | poetry aegis server user add ada --password-stdin
git init -q
git add .
git commit -q -m "chore: what there is"
git tag "v$(poetry version --short)"
git commit -q --allow-empty -m "fix: greet in the right order"
git init -q --bare ../poetry-aegis.git
git remote add origin ../poetry-aegis.git
""",
}

AFTER: dict[Key, str] = {
    WITH_TOKEN: """\
unset POETRY_HTTP_BASIC_AEGIS_USERNAME POETRY_HTTP_BASIC_AEGIS_PASSWORD
poetry aegis server token revoke "$(echo "$AEGIS_TOKEN" | cut -d _ -f 2)"
unset AEGIS_TOKEN
""",
    TURNED_AWAY: f"{RESTORE_SETTINGS}poetry aegis delete acme-greeter==0.3.1 --yes\n",
    PRUNED: RESTORE_SETTINGS,
}
