"""What the pages' tables of tests/docs/stage.py share: how a block is named, and common scenes."""

from __future__ import annotations

Key = tuple[str, str, str]

# Makes the project $1, called $2, with the release $3 and a remote beside it, and goes there.
NEW_PROJECT = """\
new_project() {
    poetry new -q "$1"
    cd "$1"
    sed -i "s/^name = .*/name = \\"$2\\"/" pyproject.toml
    echo "dist/" > .gitignore
    git init -q
    git add .
    git commit -q -m "feat: greet people by name"
    git init -q --bare "../$1.git"
    git remote add origin "../$1.git"
    poetry aegis release "$3" --push-tag > /dev/null
}
"""

# An index that Poetry knows, and the project of the pages with its first release.
INDEX = """\
poetry aegis server init --driver embedded
poetry aegis server start > /dev/null
poetry aegis client poetry > /dev/null
"""
PROJECT = f"{NEW_PROJECT}new_project acme-greeter acme-greeter 0.1.0\n"
PUBLISHED = f"{INDEX}{PROJECT}poetry aegis publish > /dev/null\n"
RELEASED = f"{INDEX}{NEW_PROJECT}new_project acme-greeter acme-greeter 0.3.0\n"
# What this machine says of its own to pip, uv and requests.
ALONE = "unset PIP_CERT PIP_FIND_LINKS SSL_CERT_DIR SSL_CERT_FILE REQUESTS_CA_BUNDLE\n"
