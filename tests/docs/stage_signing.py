"""What docs/signing.md takes for granted: see tests/docs/stage.py."""

from __future__ import annotations

from tests.docs.scenes import INDEX, NEW_PROJECT, Key

SIGNING = "docs/signing.md"

PAGES = {SIGNING: None}

LINES_THAT_CANNOT_RUN = {
    "poetry aegis key add release --uri awskms:alias/release": (
        "needs a key at Amazon; tests/unit/signing has its documented answers"
    ),
}

INSTALLED: Key = (SIGNING, "Ten minutes", 'poetry self add "poetry-aegis[signing]"')
HANDED_ON: Key = (SIGNING, "Trust it", "poetry aegis key export ada-2026 > ada.toml")
TOO_FEW: Key = (SIGNING, "Several signers", "poetry aegis verify acme-greeter")
CO_SIGNED: Key = (SIGNING, "Several signers", "git switch --detach v0.3.0")
SIGNED: Key = (SIGNING, "Several signers", "poetry aegis sign")
LISTED: Key = (SIGNING, "Keys", "poetry aegis key list")
GPG: Key = (
    SIGNING,
    "GnuPG and KMS",
    "poetry aegis key add ada-gpg --gpg 32EB2557F8CFD94B9FDBD6856A70213925BC6A59",
)
PIPELINE: Key = (SIGNING, "In a pipeline", 'export AEGIS_SIGNING_KEY="$(cat ci-2026.key)"')
TEAM: Key = (SIGNING, "The team's file", "poetry aegis key trust ada-2026 --file")
REVOKED: Key = (SIGNING, "Revoke a key", 'poetry aegis key revoke bob --reason "laptop lost"')
VERIFIED: Key = (SIGNING, "Verify", "poetry aegis verify acme-greeter==0.3.0 -r aegis")
LOCK: Key = (SIGNING, "A lock", "poetry aegis verify --lock")
ALTERED: Key = (SIGNING, "What is installed", "poetry aegis verify --installed")
AT_HAND: Key = (
    SIGNING,
    "Files at hand",
    "poetry aegis verify dist/acme_greeter-0.3.0.tar.gz",
)
STOPPED: Key = (SIGNING, "The guard", "poetry install")
NOT_ADDED: Key = (SIGNING, "The guard", "poetry add --source aegis acme-greeter")
LOCKED: Key = (SIGNING, "The guard", "poetry add --lock --source aegis acme-greeter")
REFUSED: Key = (SIGNING, "A registry that refuses", "poetry aegis publish")
HANDED_OVER: Key = (SIGNING, "A registry that refuses", "poetry build && poetry aegis sign")
SENT: Key = (SIGNING, "A registry that refuses", "poetry aegis publish --skip-build --sign")

PROGRAMS = {SIGNING: ["gpg"]}

NOT_VERIFIED = 83
EXIT_CODES = {
    TOO_FEW: NOT_VERIFIED,
    VERIFIED: NOT_VERIFIED,
    LOCK: NOT_VERIFIED,
    ALTERED: NOT_VERIFIED,
    STOPPED: NOT_VERIFIED,
    NOT_ADDED: NOT_VERIFIED,
    REFUSED: 40,
}

PROJECT = "acme-greeter/pyproject.toml"
CLIENT = "client/pyproject.toml"
TRUST = "[tool.poetry-aegis.trust]"
SETTINGS = {
    (SIGNING, "Publish, signed", "[tool.poetry-aegis.publish]"): PROJECT,
    (SIGNING, "Several signers", TRUST): PROJECT,
    (SIGNING, "The team's file", TRUST): PROJECT,
    (SIGNING, "A lock", TRUST): CLIENT,
    (SIGNING, "The guard", TRUST): CLIENT,
    (SIGNING, "A registry that refuses", "[signatures]"): (
        ".local/share/poetry-aegis/server/server.toml"
    ),
}

# What others do has keys of their own.
PASSPHRASE = 'echo "correct horse battery staple"'
GENERATE = "poetry aegis key generate --passphrase-stdin > /dev/null"

BEFORE: dict[Key, str] = {
    INSTALLED: f"{INDEX}{NEW_PROJECT}new_project acme-greeter acme-greeter 0.2.0\n",
    CO_SIGNED: f"""\
export AEGIS_KEYS_HOME=~/bob
{PASSPHRASE} | {GENERATE} bob
poetry aegis key trust bob --projects 'acme-*' --valid-until 2027-12-31 > /dev/null
git commit -q -a -m "chore: two sign"
""",
    SIGNED: "cp ~/bob/bob.* ~/.local/share/poetry-aegis/keys/\nrm dist/*.attestation\n",
    LISTED: f"""\
export GNUPGHOME=$(mktemp -d)
gpg -q --batch --passphrase "" --quick-gen-key ada@example.com ed25519 sign never
export FINGERPRINT=$(gpg --list-secret-keys --with-colons | sed -n 's/^fpr:*\\(.*\\):/\\1/p')
poetry aegis key add ada-gpg --gpg $FINGERPRINT > /dev/null
{PASSPHRASE} | AEGIS_KEYS_HOME=~/eve {GENERATE} eve
AEGIS_KEYS_HOME=~/eve poetry aegis key trust eve > /dev/null
""",
    PIPELINE: f"""\
{PASSPHRASE} | AEGIS_KEYS_HOME=~/pipeline {GENERATE} ci-2026
cp ~/pipeline/ci-2026.key .
""",
    TEAM: "AEGIS_KEYS_HOME=~/bob poetry aegis key export bob > bob.toml\n",
    REVOKED: "cp trusted-keys.toml ..\n",
    # A project that installs what was published.
    LOCK: f"""\
poetry config virtualenvs.in-project true
cd ..
poetry new -q client
cd client
poetry source add -q --priority explicit aegis http://127.0.0.1:8080/simple/
poetry add -q --lock --source aegis acme-greeter
cp ../acme-greeter/trusted-keys.toml .
printf '%s\\n' '' '{TRUST}' 'file = "trusted-keys.toml"' >> pyproject.toml
""",
    ALTERED: """\
cp ../trusted-keys.toml .
poetry install -q
echo "x = 1" >> .venv/lib/python*/site-packages/acme_greeter/__init__.py
""",
    AT_HAND: """\
cd ../acme-greeter
cp ../trusted-keys.toml .
mkdir ~/Downloads
cp dist/acme_greeter-0.3.0-py3-none-any.whl ~/Downloads
""",
    STOPPED: """\
cd ../client
rm -r .venv
poetry aegis key revoke bob --reason "laptop lost" > /dev/null
""",
    LOCKED: """\
cp ../trusted-keys.toml .
poetry remove -q --lock acme-greeter
""",
    REFUSED: """\
cd ../acme-greeter
cp trusted-keys.toml ~/.local/share/poetry-aegis/server/trust.toml
poetry aegis server apply
git add .
git commit -q -m "fix: greet in the right order"
poetry aegis release auto --push-tag
""",
    SENT: "export AEGIS_KEYS_HOME=~/bob\n",
}

AFTER: dict[Key, str] = {
    # It goes on as if nobody had limited the key.
    HANDED_ON: """\
rm ada.toml
git restore pyproject.toml
poetry aegis key trust ada-2026 > /dev/null
git commit -q -a -m "feat: trust ada"
poetry aegis release 0.3.0 --push-tag > /dev/null
""",
    CO_SIGNED: "unset AEGIS_KEYS_HOME\ngit switch -q main\n",
    SIGNED: "poetry aegis key remove bob --yes\n",
    LISTED: "poetry aegis key remove ada-gpg --yes\ngit restore pyproject.toml\n",
    GPG: """\
poetry aegis key remove ada-gpg --yes
gpgconf --kill all
rm -r $GNUPGHOME
unset GNUPGHOME FINGERPRINT
""",
    # The keys are to stand in the team's file alone.
    PIPELINE: """\
unset AEGIS_SIGNING_KEY AEGIS_SIGNING_PASSPHRASE
rm ci-2026.key
sed -i '/^\\[tool.poetry-aegis/,$d' pyproject.toml
""",
    TEAM: "rm bob.toml\nsed -i '1i threshold = 2\\n' trusted-keys.toml\n",
    SENT: "unset AEGIS_KEYS_HOME\n",
}
