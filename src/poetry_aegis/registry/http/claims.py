"""What an upload form claims of the file that it brings, and whether it is so."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from poetry_aegis.registry.archives.agreement import check_agreement
from poetry_aegis.registry.attestations import provenance_of
from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.http.form import DIGESTS

if TYPE_CHECKING:
    from poetry_aegis.registry.http.form import Form, UploadedFile
    from poetry_aegis.registry.names import DistributionName

_FILE_TYPES = {"wheel": "bdist_wheel", "sdist": "sdist"}


def required(form: Form, field: str) -> str:
    """Return the value of a *field* that every form has. Raises `BadUpload`."""
    value = form.fields.get(field)
    if not value:
        raise BadUpload(f"The form has no {field!r}.")
    return value


def check_form(form: Form, name: DistributionName) -> None:
    """Check that the form speaks of the file that it brings. Raises `BadUpload`."""
    check_agreement("form", required(form, "name"), required(form, "version"), name)
    if form.fields.get("protocol_version", "1") not in ("", "1"):
        raise BadUpload("The form's 'protocol_version' is not '1'.")
    if form.fields.get("filetype", "") not in ("", _FILE_TYPES[name.kind]):
        raise BadUpload(
            f"The form's 'filetype' is {form.fields['filetype']!a}, but {name.file_name} is "
            f"of the type {_FILE_TYPES[name.kind]!r}."
        )


def check_digests(form: Form, file: UploadedFile) -> None:
    """Check that *file* came as it was sent. Raises `BadUpload`."""
    for digest in DIGESTS:
        declared = form.fields.get(f"{digest}_digest", "").strip().lower()
        if declared and not hmac.compare_digest(declared.encode(), file.digests[digest].encode()):
            raise BadUpload(
                f"The {digest} digest of {file.name!a} is not the declared one: "
                f"the file was changed on its way."
            )


def provenance_in(form: Form, name: DistributionName, sha256: str) -> bytes | None:
    """Return the provenance of a form's file, ``None`` without one. Raises `BadAttestations`."""
    attestations = form.fields.get("attestations")
    return provenance_of(attestations, name.file_name, sha256) if attestations else None
