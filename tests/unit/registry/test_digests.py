from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from poetry_aegis.registry.digests import Digests, sha256_of

if TYPE_CHECKING:
    from pathlib import Path


def test_pieces_give_the_digests_of_the_whole(tmp_path: Path) -> None:
    digests = Digests()
    for piece in (b"one ", b"", b"two"):
        digests.update(piece)
    (tmp_path / "file").write_bytes(b"one two")

    assert digests.hexdigests() == {
        "md5": hashlib.md5(b"one two", usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(b"one two").hexdigest(),
        "blake2_256": hashlib.blake2b(b"one two", digest_size=32).hexdigest(),
    }
    assert sha256_of(tmp_path / "file") == digests.hexdigests()["sha256"]
