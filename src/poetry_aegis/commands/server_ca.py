"""``poetry aegis server ca``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerCaCommand(ServerCommand):
    """Prints the authority that clients should trust."""

    name = "aegis server ca"
    description = "Prints the authority clients should trust."
    options: ClassVar[list[Option]] = [
        option("output", description="Write the certificate to this file instead.", flag=False),
        HOME,
        JSON,
    ]
    help = """\
The certificate, in PEM, of the authority that has signed the server's. It is
no secret. Every client verifies the server with it:

  Poetry     poetry aegis client poetry --url https://HOST/ --ca ca.crt
  pip        pip install --cert ca.crt ...      or PIP_CERT=ca.crt
  uv         SSL_CERT_DIR=FOLDER:/etc/ssl/certs uv pip install ...
  twine      twine upload --cert ca.crt ...
  others     REQUESTS_CA_BUNDLE=ca.crt, curl --cacert ca.crt

On Debian a machine trusts it for all of its users, after
<c1>cp ca.crt /usr/local/share/ca-certificates/poetry-aegis.crt</c1> and
<c1>update-ca-certificates</c1>. Poetry, twine and pip before 24.2 do not look there.

<b>Examples:</b>
  <c1>poetry aegis server ca > ca.crt</c1>
  <c1>poetry aegis server ca --output ca.crt</c1>"""

    def perform(self) -> int:
        """Print the certificate, or write it."""
        from poetry_aegis.server.trust import authority_of

        certificate = authority_of(self.home, self.settings)
        path = self.option("output")
        if path is not None:
            self._write(path, certificate)
        if self.wants_json:
            self.print_json({"certificate": certificate, "file": path})
        elif path is not None:
            self.say(f"The authority's certificate is in {plain(path)}.")
        else:
            self.say(plain(certificate.rstrip("\n")))
        return 0

    def _write(self, path: str, certificate: str) -> None:
        from pathlib import Path

        from poetry_aegis.atomic import write_text

        write_text(Path(path), certificate, mode=0o644)
