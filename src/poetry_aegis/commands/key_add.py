"""``poetry aegis key add``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.key_base import KeyCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.signatures.keys import PublicKey


class KeyAddCommand(KeyCommand):
    """Takes note of a key that is kept elsewhere."""

    name = "aegis key add"
    description = "Adds a key of GnuPG's or of a KMS."
    arguments: ClassVar[list[Argument]] = [
        argument("name", "What to call it: letters, digits, dots, hyphens and underscores.")
    ]
    options: ClassVar[list[Option]] = [
        option("gpg", description="The fingerprint of a key that GnuPG has.", flag=False),
        option("uri", description="Where the key is, as securesystemslib writes it.", flag=False),
        JSON,
    ]
    help = """\
The private part stays where it is and signs there; only its public part is
taken down. Of GnuPG's keys those of RSA, DSA and ed25519 can be used, by the
fingerprint of the very key that signs, which may be a subkey.

  <c1>gnupg:FOLDER</c1>      GnuPG's home, beside <c1>--gpg</c1>
  <c1>awskms:KEY</c1>        AWS KMS, with boto3
  <c1>gcpkms:VERSION</c1>    Google Cloud KMS, with google-cloud-kms; VERSION is
                    the whole name, projects/.../cryptoKeyVersions/1
  <c1>azurekms://VAULT.vault.azure.net/keys/KEY</c1>
                    Azure, with azure-identity and azure-keyvault-keys
  <c1>hv:KEY</c1>            HashiCorp Vault, with hvac
  <c1>hsm:2?label=NAME</c1>  a security token, with python-pkcs11

What such a place needs is added with <c1>poetry self add</c1>, and it finds its own
credentials, as its other programs do.

<b>Examples:</b>
  <c1>poetry aegis key add ada --gpg FINGERPRINT</c1>
  <c1>poetry aegis key add release --uri awskms:alias/release</c1>"""

    def perform(self) -> int:
        """Ask the place for the public part and take it down."""
        from poetry_aegis.signing.sharing import describe, share

        name = self.argument("name")
        self.store.require_free(name)
        uri, public = self._find()
        key = self.store.add(name, public, uri)
        if self.wants_json:
            self.print_json(describe(key))
            return 0
        self.say(f"<success>The key {name} is known now; it stays where it is.</success>")
        self.say("\nHand its public part to those who are to trust it:\n")
        self.say(plain(share(key)))
        return 0

    def _find(self) -> tuple[str, PublicKey]:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.signing.elsewhere import import_gnupg, import_uri

        fingerprint, uri = self.option("gpg"), self.option("uri")
        if fingerprint:
            place, _, home = (uri or "gnupg:").partition(":")
            if place != "gnupg":
                raise UsageError("A key is one of GnuPG's or at another place, not both.")
            return import_gnupg(fingerprint, home)
        if uri:
            return import_uri(uri)
        raise UsageError(
            "Where is the key?", hint="Add --gpg FINGERPRINT or --uri URI; see --help for these."
        )
