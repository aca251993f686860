"""What docs/publishing.md takes for granted: see tests/docs/stage.py."""

from __future__ import annotations

from tests.docs.scenes import RELEASED, Key

PUBLISHING = "docs/publishing.md"

PAGES = {PUBLISHING: None}

HAPPENS: Key = (PUBLISHING, "What happens", "poetry aegis publish")
BRANCHES: Key = (PUBLISHING, "A table of branches", "poetry aegis publish")
ANOTHER_USER: Key = (PUBLISHING, "Another user", "poetry aegis publish -u ada")
CERTIFICATES: Key = (
    PUBLISHING,
    "Proxies and certificates",
    "poetry config certificates.aegis.cert ca.crt",
)
REPLACED: Key = (PUBLISHING, "Replace a file", "poetry aegis publish")
PROMOTED: Key = (
    PUBLISHING,
    "Promote",
    "poetry aegis promote acme-greeter==0.3.0 --from staging --to production",
)

EXIT_CODES = {REPLACED: 47}

SETTINGS = {
    (PUBLISHING, "A table of branches", "[tool.poetry-aegis.repositories]"): (
        "acme-greeter/pyproject.toml"
    ),
}

# Makes the index at $2 known to Poetry as $1, beside others.
KNOW = """\
know() {
    echo correct-horse-battery | poetry aegis server user add $1 --password-stdin > /dev/null
    poetry config repositories.$1 $2
    poetry config http-basic.$1 $1 correct-horse-battery
}
"""

BEFORE: dict[Key, str] = {
    HAPPENS: RELEASED,
    BRANCHES: f"""\
{KNOW}know production http://127.0.0.1:8080/legacy/
git commit -q -a -m "feat: choose where to publish"
poetry aegis release auto > /dev/null
""",
    ANOTHER_USER: """\
poetry aegis server user add ada | tee answer.txt
sed -n 's/^ *password *\\(\\S*\\) .*/\\1/p' answer.txt > password.txt
""",
    REPLACED: """\
echo 'GREETING = "Hello"' >> src/acme_greeter/__init__.py
git commit -q -a -m "fix: greet in words"
""",
    # A second index, of which nothing is known, and signatures on the first one.
    PROMOTED: f"""\
git switch -q --detach v0.3.0
{KNOW}know staging http://127.0.0.1:8080/legacy/
export AEGIS_SERVER_HOME=~/production
poetry aegis server init --driver embedded
poetry aegis server start > /dev/null
know production http://127.0.0.1:8090/legacy/
echo "correct horse battery staple" | poetry aegis key generate ada-2026 --passphrase-stdin
poetry aegis publish --sign -r staging
poetry aegis key trust ada-2026
""",
}

AFTER: dict[Key, str] = {
    BRANCHES: """\
poetry config --unset repositories.production
poetry config --unset http-basic.production
git switch -q --detach v0.3.0
""",
    ANOTHER_USER: "rm answer.txt password.txt\n",
    CERTIFICATES: """\
poetry config --unset certificates.aegis.cert
poetry config --unset certificates.aegis.client-cert
""",
    PROMOTED: "poetry aegis server stop\nunset AEGIS_SERVER_HOME\n",
}
