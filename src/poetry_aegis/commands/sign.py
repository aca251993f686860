"""``poetry aegis sign``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.key_base import PASSPHRASE_STDIN
from poetry_aegis.commands.signing_base import SigningCommand

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.signing.files import Signed
    from poetry_aegis.signing.signers import SigningKey


class SignCommand(SigningCommand):
    """Signs distributions."""

    name = "aegis sign"
    description = "Signs distributions."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "files",
            "Wheels and sdists; without any, those of this version in dist/.",
            optional=True,
            multiple=True,
        )
    ]
    options: ClassVar[list[Option]] = [
        option("key", description="Which of your keys to sign with.", flag=False),
        PASSPHRASE_STDIN,
        JSON,
    ]
    help = """\
Writes an attestation (PEP 740) beside each file, as FILE.publish.attestation:
that a file of this name has this sha256, signed. What others have signed
there stays, so two people sign one after the other.

The key is the one that is named, else that in <c1>AEGIS_SIGNING_KEY</c1>, else the
one in [tool.poetry-aegis.publish], else the only one that you have. Its
passphrase is asked for, or taken from <c1>AEGIS_SIGNING_PASSPHRASE</c1>.

<b>Examples:</b>
  <c1>poetry aegis sign</c1>
  <c1>poetry aegis sign dist/acme-1.2.0.tar.gz --key ada-2026</c1>"""

    def perform(self) -> int:
        """Sign each file and say where the attestation is."""
        from poetry_aegis.commands.publish_signing import passphrases, warn_of_worth
        from poetry_aegis.poetry_api import publish_predicate
        from poetry_aegis.publish.withholding import lent
        from poetry_aegis.signatures.attestation import dump_attestations
        from poetry_aegis.signing.files import sign_beside
        from poetry_aegis.signing.signers import open_key

        distributions, setting, pyproject = self._distributions()
        ask = passphrases(self, from_stdin=self.option("passphrase-stdin"))
        with lent():
            key = open_key(self.option("key"), setting, ask)
        predicate = publish_predicate()
        signed = [sign_beside(one.path, one.sha256, key, predicate) for one in distributions]
        self._tell(key, distributions, signed)
        if pyproject is not None:
            attested = {
                one.filename: dump_attestations(done.attestations)
                for one, done in zip(distributions, signed, strict=True)
            }
            warn_of_worth(self, pyproject, distributions, attested)
        return 0

    def _distributions(self) -> tuple[Sequence[Distribution], str | None, Path | None]:
        """Return the files to sign, the key in the settings, and the project's file.

        Named files need no project.
        """
        from pathlib import Path

        from poetry_aegis import poetry_api
        from poetry_aegis.errors import NoProject
        from poetry_aegis.publish.distributions import (
            find_distributions,
            read_distribution,
            without_attestations,
        )
        from poetry_aegis.release.engine import current_version
        from poetry_aegis.release.packages.workspace import require_one_package
        from poetry_aegis.settings import load_settings

        files = without_attestations(self.argument("files"))
        named = [read_distribution(Path(file)) for file in files]
        try:
            project = poetry_api.load_project(self)
        except NoProject:
            if named:
                return named, None, None
            raise
        setting = load_settings(project.pyproject).publish.key
        if named:
            return named, setting, project.pyproject
        require_one_package(project.pyproject, "sign")
        version = current_version(project.pyproject)
        found = find_distributions(project.root / "dist", project.name, version)
        return found, setting, project.pyproject

    def _tell(
        self, key: SigningKey, distributions: Sequence[Distribution], signed: Sequence[Signed]
    ) -> None:
        if self.wants_json:
            files = [
                {
                    "filename": distribution.filename,
                    "sha256": distribution.sha256,
                    "attestation": str(done.kept),
                    "signed": done.anew,
                    "signatures": len(done.attestations),
                }
                for distribution, done in zip(distributions, signed, strict=True)
            ]
            self.print_json({"key": key.name, "key_id": key.public.id, "files": files})
            return
        for done in signed:
            what = "signed" if done.anew else "signed by this key already"
            count = f"{len(done.attestations)} in all" if len(done.attestations) > 1 else ""
            self.say(f"  <c1>{plain(done.kept.name)}</c1> {what}{f', {count}' if count else ''}")
        self.say(f"<success>Signed with the key {key.name}</success> ({key.public.id[:16]}).")
