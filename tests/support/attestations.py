"""Attestations of distributions, as clients upload them (PEP 740), with signatures of nobody."""

from __future__ import annotations

import base64
import json
from typing import Any

FOR_PUBLISHING = "https://index.example.com/attestations/publish/v1"


def attestation(file_name: str, sha256: str, **changes: object) -> dict[str, Any]:
    """Return an attestation about a file; *changes* replaces keys of its statement."""
    encoded = json.dumps(statement(file_name, sha256) | changes).encode()
    return {
        "version": 1,
        "verification_material": {"certificate": "", "transparency_entries": [{"n": 1}]},
        "envelope": {
            "statement": base64.b64encode(encoded).decode(),
            "signature": base64.b64encode(b"signed").decode(),
        },
    }


def statement(file_name: str, sha256: str) -> dict[str, Any]:
    """Return the in-toto statement of an attestation."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": file_name, "digest": {"sha256": sha256}}],
        "predicateType": FOR_PUBLISHING,
        "predicate": None,
    }
