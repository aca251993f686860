"""A stack that takes only what the team has signed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tests.support.distributions import make_wheel
from tests.support.docker import inspect
from tests.support.registry import USERS
from tests.unit.registry.signed import Person, signed, trust

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.stack.stack import Stack


def upload(stack: Stack, file: Path, *signers: Person) -> httpx.Response:
    name, version, *_ = file.name.split("-")
    form = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": name,
        "version": version,
        "sha256_digest": hashlib.sha256(file.read_bytes()).hexdigest(),
        **(signed(file, *signers) if signers else {}),
    }
    with stack.client(None) as client:
        files = {"content": (file.name, file.read_bytes())}
        login = ("pub", USERS["pub"][0])
        return client.post("/legacy/", data=form, files=files, auth=login)


def test_only_what_is_signed_comes_in_and_a_revoked_key_is_out_at_once(
    own_stack: Stack, tmp_path: Path
) -> None:
    ada, eve = Person("ada"), Person("eve")
    trusted = own_stack.home.root / "trust.toml"
    trusted.write_text(trust(ada.trusted()))
    own_stack.edit(signatures={"required": ["acme-*"], "trust": "trust.toml"})
    own_stack.ok("start")
    wheel = make_wheel(tmp_path, "acme_core")

    for refused in (upload(own_stack, wheel), upload(own_stack, wheel, eve)):
        assert refused.status_code == 400
        assert "must be signed by ada" in refused.text
    assert upload(own_stack, make_wheel(tmp_path, "other")).status_code == 200
    assert upload(own_stack, wheel, ada).status_code == 200
    with own_stack.client() as reader:
        page = reader.get(
            "/simple/acme-core/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
        ).json()
        provenance = reader.get(page["files"][0]["provenance"])
        assert provenance.status_code == 200
        (bundle,) = provenance.json()["attestation_bundles"]
        assert bundle["attestations"] == json.loads(str(signed(wheel, ada)["attestations"]))

    engine = own_stack.containers["pypi-server"]
    started = inspect(engine)["State"]["StartedAt"]
    trusted.write_text(trust(ada.trusted("revoked = 2020-01-01")))
    own_stack.ok("apply")
    again = make_wheel(tmp_path, "acme_core", "2.0.0")
    late = upload(own_stack, again, ada)
    assert late.status_code == 400, late.text
    assert "revoked" in late.text
    assert inspect(engine)["State"]["StartedAt"] == started
