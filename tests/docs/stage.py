"""What pages take for granted, and what of them cannot be run here: all exceptions, by name.

A block is named by its page, its heading and the first line of its code. All of this runs in the
home of `Terminal`, out of which its git cannot see.

A page with much to tell has a module of its own with the same tables, which is named at the end
here. What several of them need is in tests/docs/scenes.py.
"""

from __future__ import annotations

from typing import Any

from tests.docs import stage_publishing, stage_registry, stage_signing
from tests.docs.scenes import ALONE, INDEX, NEW_PROJECT, PROJECT, PUBLISHED, Key

README = "README.md"
STARTED = "docs/getting-started.md"
SERVER = "docs/server.md"
CLIENTS = "docs/clients.md"
VERSIONS = "docs/versions.md"
ADVANCED = "docs/advanced.md"
CI = "docs/ci.md"
MONITORING = "docs/monitoring.md"
SECURITY = "docs/security.md"
BACKUP = "docs/backup.md"
TROUBLES = "docs/troubleshooting.md"
MIGRATION = "docs/migration.md"

# The pages whose blocks are run, and the heading before which that ends: the rest is still to come.
# docs/stack.md is run by tests/stack/test_page.py, which has Docker.
PAGES: dict[str, str | None] = {
    README: None,
    STARTED: None,
    SERVER: None,
    CLIENTS: None,
    VERSIONS: None,
    ADVANCED: None,
    CI: None,
    MONITORING: None,
    SECURITY: None,
    BACKUP: None,
    TROUBLES: None,
    MIGRATION: None,
}

# Lines that are left away, wherever they stand, and why.
LINES_THAT_CANNOT_RUN = {
    'poetry self add "poetry-aegis[registry]"': "is run by tests/integration/test_self_add.py",
    'poetry self add "poetry-aegis[signing]"': "is run by tests/integration/test_self_add.py",
    "make demo": "takes a minute, and is run by CI itself",
    "make test": "would run this test",
    "systemctl enable --now poetry-aegis": "needs root and systemd",
}

NAME = "pypi.example.com"
ELSEWHERE = f"https://{NAME}/"

BLOCKS_THAT_CANNOT_RUN: dict[Key, str] = {
    (VERSIONS, "Releases on GitHub, GitLab and Gitea", "export GITHUB_TOKEN=..."): (
        "needs a project on GitHub; tests/unit/forge has stand-ins for all forges"
    ),
    (
        CLIENTS,
        "Set them up",
        f"poetry aegis client setup --url {ELSEWHERE} --ca ca.crt --username ada",
    ): "needs an index on another machine; tests/integration has one with TLS",
    (
        TROUBLES,
        "The certificate is refused",
        f"openssl s_client -connect {NAME}:443 -CAfile ca.crt < /dev/null",
    ): "needs a server on another machine",
    (TROUBLES, "No answer", f"getent hosts {NAME}"): "needs a server on another machine",
    (MIGRATION, "From devpi", "devpi-export --serverdir ~/.devpi/server ./export"): (
        "needs a devpi; tests/unit/registry/importing has what its export writes"
    ),
    (
        MIGRATION,
        "From devpi",
        "poetry aegis server import https://index.example.com/simple/ --only 'acme-*'",
    ): "needs another index; tests/unit/registry/importing has some",
}

INSTALL = 'poetry self add "poetry-aegis[registry]"     # without [registry] where only clients are'
BEGIN: Key = (README, "Use it", INSTALL)
SESSION: Key = (README, "Use it", "git log --oneline -2")
KILLED: Key = (README, "Use it", "poetry aegis release auto --push-tag --publish")
LIVES: Key = (SERVER, "Where it lives", "poetry aegis server status")
APPLY: Key = (SERVER, "Settings", "poetry aegis server apply")
SET_UP: Key = (CLIENTS, "Set them up", "poetry aegis client setup --username installer --dry-run")
PROFILE: Key = (CLIENTS, "Several indexes", "poetry aegis client setup pip --profile dev")
WITH_PIP: Key = (CLIENTS, "With pip", "python3 -m venv try")
UPLOAD: Key = (CLIENTS, "Publish", "poetry publish --build -r aegis")
BREAKING: Key = (VERSIONS, "Breaking changes", "cat > src/acme_greeter/__init__.py <<'EOF'")
LINT: Key = (VERSIONS, "Check the messages", "poetry aegis lint")
MAINTENANCE: Key = (VERSIONS, "Branches", "git switch -c 1.2.x v1.2.0")
LOOK_BACK: Key = (VERSIONS, "Look back, and check", "poetry aegis changelog")
BROKEN: Key = (VERSIONS, "A release that broke off", "poetry aegis release auto --push-tag")
ABORT: Key = (VERSIONS, "A release that broke off", "poetry aegis release --abort")
BRANCH: Key = (
    VERSIONS,
    "Protected branches",
    'poetry aegis release auto --branch "release/{version}" --push-tag',
)
MERGED: Key = (VERSIONS, "Protected branches", "git pull")
SEVERAL: Key = (
    VERSIONS,
    "Several packages in one repository",
    "poetry aegis release auto --all --dry-run",
)
REFUSED: Key = (ADVANCED, "For machines", "poetry aegis release 0.1.0 --json 2> /dev/null")
WRITTEN: Key = (CI, "Have it written", "poetry aegis ci init github")
SNAPSHOT: Key = (CI, "What it does", 'git commit --allow-empty -m "fix: greet in the right order"')
PIPELINE: Key = (CI, "By hand", 'git config user.name "Release robot"')
WATCHED: Key = (MONITORING, "Is it well", "poetry aegis server status --json")
SAFE: Key = (
    SECURITY,
    "The index",
    "poetry aegis server doctor --only passwords --only tokens --only private-files",
)
SAVED: Key = (BACKUP, "Make one", "poetry aegis server backup")
FIRST: Key = (TROUBLES, "First of all", "poetry aegis server doctor")
MOVED: Key = (MIGRATION, "From pypiserver", "poetry aegis server import ~/packages --dry-run")
NEXT: Key = (MIGRATION, "From python-semantic-release", "poetry aegis release auto --dry-run")

# What ends with something else than 0, as the page says.
EXIT_CODES: dict[Key, int] = {
    KILLED: 137,
    LINT: 38,
    MAINTENANCE: 30,
    LOOK_BACK: 39,
    BROKEN: 35,
    REFUSED: 32,
}

# What else than a shell, git and Poetry a page wants.
PROGRAMS: dict[str, list[str]] = {}

# Where each kind of file that a reader is told to write goes, below the home.
FILES = {"netrc": ".netrc"}
# Where a table of TOML that a reader is told to write goes, below the home.
SETTINGS: dict[Key, str] = {}

# Kill Poetry when git is about to do what it was asked for, once.
KILL = """\
kill_at_the_tag() {
    printf '%s\\n' '#!/bin/sh' 'grep -q refs/tags/ || exit 0' 'rm "$0"' \\
        'kill -9 $(ps -o ppid= -p $PPID)' 'exit 1' > .git/hooks/reference-transaction
    chmod +x .git/hooks/reference-transaction
}
kill_after_the_commit() {
    printf '%s\\n' '#!/bin/sh' '[ "$1" = committed ] && grep -q refs/heads/ || exit 0' 'rm "$0"' \\
        'kill -9 $(ps -o ppid= -p $PPID)' > .git/hooks/reference-transaction
    chmod +x .git/hooks/reference-transaction
}
kill_at_the_push() {
    printf '%s\\n' '#!/bin/sh' 'rm "$0"' 'kill -9 $(ps -o ppid= -p $PPID)' 'exit 1' \\
        > .git/hooks/pre-push
    chmod +x .git/hooks/pre-push
}
"""
BREAK_OFF = "poetry aegis release auto --push-tag > /dev/null 2>&1 || true\n"
COPY = """\
cp -r ../acme-greeter ../copy
cp -r ../acme-greeter.git ../copy.git
cd ../copy
git remote set-url origin ../copy.git
"""
RETURN = "cd ../acme-greeter\n"
LEAVE_COPY = f"{RETURN}rm -rf ../copy ../copy.git\n"

# What has happened before a block, where the page does not show it.
BEFORE: dict[Key, str] = {
    LIVES: f"""\
{PUBLISHED}poetry aegis server user add installer --role reader > /dev/null
poetry aegis server user add robot > /dev/null
""",
    SET_UP: f"""\
{PUBLISHED}{ALONE}cd ..
poetry aegis server user add installer --role reader
""",
    PROFILE: """\
poetry new -q acme-profiles
cd acme-profiles
printf '%s\\n' '' '[tool.poetry-aegis.profiles.dev]' 'url = "http://127.0.0.1:8080/"' \\
    'username = "installer"' >> pyproject.toml
""",
    WITH_PIP: "cd ..\npoetry aegis client setup uv --username installer\n",
    UPLOAD: "poetry aegis client setup twine\n",
    BREAKING: PUBLISHED,
    REFUSED: f"{NEW_PROJECT}new_project acme-greeter acme-greeter 0.2.0\n",
    WRITTEN: f"{INDEX}{PROJECT}git remote set-url origin https://github.com/acme/greeter.git\n",
    WATCHED: PUBLISHED,
    SAFE: INDEX,
    SAVED: PUBLISHED,
    FIRST: PUBLISHED,
    MOVED: f"""\
{INDEX}{PROJECT}poetry build -q
mv dist ~/packages
""",
    BEGIN: """\
poetry new -q oracle
cd oracle
echo "dist/" > .gitignore
poetry lock -q
git init -q
git add .
git commit -q -m "feat: begin"
git init -q --bare ../oracle.git
git remote add origin ../oracle.git
""",
    SESSION: """\
git checkout -q -- . && git clean -fdq
sed -i 's/^version = .*/version = "1.2.0"/' pyproject.toml
git commit -q -a -m "chore: the version"
git tag v1.2.0
git commit -q --allow-empty -m "feat: ask the oracle"
git commit -q --allow-empty -m "fix(api): answer empty questions"
""",
    KILLED: f"{KILL}kill_at_the_push\n",
    LINT: """\
git switch -q -c messages
git commit -q --allow-empty -m "Fix : greet in the right order"
git commit -q --allow-empty -m "update stuff"
""",
    MAINTENANCE: f"""\
{NEW_PROJECT}cd ..
new_project neighbours neighbours 1.2.0
git commit -q --allow-empty -m "feat: more"
poetry aegis release auto > /dev/null
""",
    BROKEN: f"""\
{COPY}{KILL}git commit -q --allow-empty -m "fix: greet in the right order"
kill_at_the_tag
{BREAK_OFF}""",
    ABORT: f"""\
{KILL}git commit -q --allow-empty -m "fix: greet nobody twice"
kill_after_the_commit
{BREAK_OFF}""",
    BRANCH: f"""\
{RETURN}rm -rf ../copy ../copy.git
{NEW_PROJECT}cd ..
new_project protected acme-greeter 0.1.0
git commit -q --allow-empty -m "feat: greet the neighbours"
git push -q -u origin main
""",
    MERGED: """\
git clone -q ../protected.git ../reviewer
git -C ../reviewer merge -q --no-ff -m "Merge release/0.2.0" origin/release/0.2.0
git -C ../reviewer push -q
""",
    PIPELINE: """\
export ROBOT_PASSWORD=correct-horse-battery
echo "$ROBOT_PASSWORD" | poetry aegis server user add robot --password-stdin > /dev/null
git remote set-url origin ../acme-greeter.git
git add .
git commit -q -m "feat!: greet everybody"
""",
    SEVERAL: """\
mkdir ../several
cd ../several
git init -q
printf '%s\\n' '[tool.poetry]' 'package-mode = false' '' \\
    '[tool.poetry-aegis]' 'discover = ["libs/*"]' > pyproject.toml
poetry new -q libs/acme-core
poetry new -q libs/acme-api
sed -i 'N;s/^dependencies = \\[\\n\\]/dependencies = ["acme-core (>=0.1,<0.2)"]/;P;D' \\
    libs/acme-api/pyproject.toml
git add .
git commit -q -m "feat: begin"
poetry aegis release auto --all > /dev/null
echo "x = 1" >> libs/acme-core/src/acme_core/__init__.py
git commit -q -a -m "feat: say x"
""",
    APPLY: """\
sed -i 's/^#* *anonymous_read = .*/anonymous_read = true/' \\
    ~/.local/share/poetry-aegis/server/server.toml
""",
}

# What puts things back after a block that was about something else.
AFTER: dict[Key, str] = {
    LINT: "git switch -q main\ngit branch -q -D messages\n",
    MAINTENANCE: RETURN,
    ABORT: LEAVE_COPY,
    MERGED: RETURN,
    SEVERAL: RETURN,
}

# What the modules of other pages have of these tables, or some of them, is put into them.
TABLES: dict[str, dict[Any, Any]] = {
    "PAGES": PAGES,
    "LINES_THAT_CANNOT_RUN": LINES_THAT_CANNOT_RUN,
    "BLOCKS_THAT_CANNOT_RUN": BLOCKS_THAT_CANNOT_RUN,
    "EXIT_CODES": EXIT_CODES,
    "PROGRAMS": PROGRAMS,
    "SETTINGS": SETTINGS,
    "BEFORE": BEFORE,
    "AFTER": AFTER,
}
for _module in (stage_publishing, stage_registry, stage_signing):
    for _name, _table in TABLES.items():
        _table.update(getattr(_module, _name, {}))
