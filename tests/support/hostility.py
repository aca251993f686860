"""Uploads that nobody should send, drawn at random from a seed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.attestations import attestation
from tests.support.distributions import core_metadata, make_sdist, make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

BOUNDARY = "fuzzfuzzfuzz"
NAMES = ("alpha", "beta", "gamma")
HOSTILE_TEXTS = (
    "", "..", "../../auth/htpasswd", "/etc/passwd", "a\0b", "\r\n\r\n", "%2e%2e%2f", "😈" * 50,
    "A" * 5000, "9" * 4000, "<script>", "'; DROP TABLE audit; --", "\u202egnp.whl", "-", ".", "NaN",
)  # fmt: skip
HOSTILE_FILES = (
    "../alpha-1.0.tar.gz", "/alpha-1.0.tar.gz", "..\\alpha-1.0.tar.gz", "alpha-1.0.tar.gz/../x",
    "alpha-1.0.zip", "alpha-1.0.egg", "alpha-1.0.tar.gz.metadata", ".alpha-1.0.tar.gz", "alpha.whl",
    "alpha-1.0-py3-none-any.WHL", "index.json", "alpha-1.0\n.tar.gz", "álpha-1.0.tar.gz",
    "alpha-1.0-" + ".".join(["py3"] * 60) + "-none-any.whl", "x" * 300 + "-1.0.tar.gz",
)  # fmt: skip
HOSTILE_MEMBERS = (
    "../evil", "/evil", "a/../../evil", "C:evil", "a\\..\\evil", "a\x01", "d/" * 60 + "x",
    "n" * 2000, "alpha-1.0.dist-info/metadata", "other-1.0.dist-info/METADATA", "unlisted.py",
)  # fmt: skip


@dataclass(frozen=True)
class Upload:
    """A request; *kind* says what is wrong with it."""

    kind: str
    body: bytes
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}"
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/legacy/"


@dataclass(frozen=True)
class _File:
    name: str
    project: str
    version: str
    content: bytes


class Uploads:
    """Draws uploads, the same for the same *seed*; their files are made in *folder*."""

    KINDS: Sequence[str] = (
        "wheel bytes", "sdist bytes", "tar bytes", "cut", "bomb", "member", "link", "metadata",
        "record", "digest", "fields", "form", "file name", "attestations", "headers", "action",
        "garbage", "valid",
    )  # fmt: skip

    def __init__(self, seed: int, folder: Path) -> None:
        self._chance = random.Random(seed)  # noqa: S311 -- the same in each run
        self._folder = folder
        self._makers: Mapping[str, Callable[[], Upload]] = {
            kind: getattr(self, kind.replace(" ", "_")) for kind in self.KINDS
        }

    def draw(self) -> Upload:
        """Return the next upload."""
        return self._makers[self._chance.choice(self.KINDS)]()

    def valid(self) -> Upload:
        """Return an upload that is as it should be."""
        return _post("valid", self._file())

    def wheel_bytes(self) -> Upload:
        """Return a wheel with bytes changed, its digests right."""
        file = self._wheel()
        return _post("wheel bytes", file, content=self._mutated(file.content))

    def sdist_bytes(self) -> Upload:
        """Return an sdist with compressed bytes changed."""
        file = self._sdist()
        return _post("sdist bytes", file, content=self._mutated(file.content))

    def tar_bytes(self) -> Upload:
        """Return an sdist with bytes changed before they are compressed."""
        file = self._sdist()
        changed = self._mutated(gzip.decompress(file.content), most=6)
        return _post("tar bytes", file, content=gzip.compress(changed, 1))

    def cut(self) -> Upload:
        """Return a distribution that ends too early."""
        file = self._file()
        return _post("cut", file, content=file.content[: self._chance.randrange(len(file.content))])

    def bomb(self) -> Upload:
        """Return an archive that says, or does, unpack to much more than it should."""
        zeros = bytes(1 << self._chance.randrange(10, 20))
        if self._chance.random() < 0.5:
            wheel = self._wheel()
            changed = bytearray(_zip_with(wheel.content, "bomb", zeros))
            position = changed.rindex(b"PK\x01\x02")
            changed[position + 24 : position + 28] = (0xF0000000).to_bytes(4, "little")
            return _post("bomb", wheel, content=bytes(changed))
        sdist = self._sdist()
        return _post("bomb", sdist, content=sdist.content + gzip.compress(zeros) * 3)

    def member(self) -> Upload:
        """Return an archive with a member that must not be there."""
        name = self._chance.choice(HOSTILE_MEMBERS)
        if self._chance.random() < 0.5:
            wheel = self._wheel()
            return _post("member", wheel, content=_zip_with(wheel.content, name, b"x"))
        sdist = self._sdist()
        return _post("member", sdist, content=_tar_with(sdist.content, tarfile.TarInfo(name)))

    def link(self) -> Upload:
        """Return an sdist with a link or a device."""
        sdist = self._sdist()
        entry = tarfile.TarInfo(f"{sdist.project}-{sdist.version}/link")
        entry.type = self._chance.choice(
            [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
        )
        entry.linkname = self._chance.choice(["..", "../..", "/etc/passwd", "a/../..", "C:x"])
        return _post("link", sdist, content=_tar_with(sdist.content, entry))

    def metadata(self) -> Upload:
        """Return a distribution whose metadata lies, or is none."""
        name, version = self._name(), self._version()
        field_name = self._chance.choice(
            ["Name", "Version", "Requires-Python", "Requires-Dist", "Metadata-Version",
             "License-Expression", "Description-Content-Type", "Dynamic", "X" * 100]
        )  # fmt: skip
        text = core_metadata(name, version)
        value = self._chance.choice(HOSTILE_TEXTS)
        choices: list[bytes] = [
            f"{field_name}: {value}\n{text}".encode("utf-8", "replace"),
            text.replace(version, value or "9").encode("utf-8", "replace"),
            self._mutated(text.encode(), most=8),
            b"",
            b"X: y\n" * 20_000,
        ]
        make = self._chance.choice([make_wheel, make_sdist])
        made = make(self._folder, name, version, metadata=self._chance.choice(choices))
        return _post("metadata", _File(made.name, name, version, made.read_bytes()))

    def record(self) -> Upload:
        """Return a wheel whose RECORD or WHEEL is changed."""
        name, version = self._name(), self._version()
        member = self._chance.choice(["RECORD", "WHEEL"])
        value: bytes = self._chance.choice(
            [b"", b"\xff", b"x,y,z\n", b",,\n" * 1000, b'"', self._chance.randbytes(200)]
        )
        files = {f"{name}-{version}.dist-info/{member}": value}
        made = make_wheel(self._folder, name, version, files=files)
        return _post("record", _File(made.name, name, version, made.read_bytes()))

    def digest(self) -> Upload:
        """Return an upload with a digest that is not the file's."""
        digest = self._chance.choice(["md5_digest", "sha256_digest", "blake2_256_digest"])
        value = self._chance.choice([*filter(None, HOSTILE_TEXTS), "0" * 64])
        return _post("digest", self._file(), fields=[(digest, value)])

    def fields(self) -> Upload:
        """Return a form with fields twice, left out or made up."""
        key = self._chance.choice(
            [":action", "name", "version", "filetype", "protocol_version", "content", "\0", "x"]
        )
        value = self._chance.choice(HOSTILE_TEXTS)
        repeated = [(key, value)] * self._chance.choice([1, 2, 500])
        without = self._chance.choice(["", "name", "version", ":action"])
        return _post("fields", self._file(), fields=repeated, without=without)

    def form(self) -> Upload:
        """Return a form with bytes changed anywhere."""
        return Upload("form", self._mutated(self.valid().body))

    def file_name(self) -> Upload:
        """Return an upload under a name that leads elsewhere."""
        return _post("file name", self._file(), file_name=self._chance.choice(HOSTILE_FILES))

    def attestations(self) -> Upload:
        """Return an upload with attestations that are none, or about something else."""
        file = self._file()
        right = attestation(file.name, hashlib.sha256(file.content).hexdigest())
        wrong = attestation(file.name, "0" * 64)
        whole = json.dumps([right]).encode()
        value = self._chance.choice(
            [b"[" * 100_000, b"[]", b"{}", b"[null]", b"[NaN]", json.dumps([wrong]).encode(),
             json.dumps([right] * 50).encode(), self._mutated(whole), self._mutated(whole)]
        )  # fmt: skip
        return _post(
            "attestations", file, fields=[("attestations", value.decode("utf-8", "replace"))]
        )

    def headers(self) -> Upload:
        """Return an upload whose head is not as it should be."""
        valid = self.valid()
        kinds: list[dict[str, str]] = [
            {"X-Large": "x" * self._chance.choice([60_000, 600_000])},
            {f"X-{number}": "y" * 50 for number in range(500)},
            {"Aegis-Overwrite": "true"},
            {"Content-Type": "multipart/form-data"},
            {"Content-Type": f"multipart/form-data; boundary={'b' * 5000}"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Content-Type": "multipart/form-data; boundary=other"},
            {"Origin": "https://evil.example.com"},
            {"Sec-Fetch-Site": "cross-site"},
        ]
        return Upload("headers", valid.body, headers=self._chance.choice(kinds))

    def action(self) -> Upload:
        """Return a form that asks for something else than an upload."""
        action = self._chance.choice(["remove_pkg", "doc_upload", "submit", "", "file_upload "])
        fields = [
            (":action", action),
            ("name", self._chance.choice([*NAMES, *HOSTILE_TEXTS])),
            ("version", self._chance.choice(["1.0", *HOSTILE_TEXTS])),
        ]
        return Upload("action", _form(fields))

    def garbage(self) -> Upload:
        """Return bytes that are no form, or no archive."""
        noise = self._chance.randbytes(self._chance.randrange(2000))
        if self._chance.random() < 0.5:
            return Upload("garbage", noise)
        magic = self._chance.choice([b"PK\x03\x04", b"\x1f\x8b\x08\0", b""])
        return _post("garbage", self._file(), content=magic + noise)

    def _file(self) -> _File:
        return self._chance.choice([self._wheel, self._sdist])()

    def _wheel(self) -> _File:
        name, version = self._name(), self._version()
        made = make_wheel(self._folder, name, version)
        return _File(made.name, name, version, made.read_bytes())

    def _sdist(self) -> _File:
        name, version = self._name(), self._version()
        made = make_sdist(self._folder, name, version)
        return _File(made.name, name, version, made.read_bytes())

    def _name(self) -> str:
        return self._chance.choice(NAMES)

    def _version(self) -> str:
        return f"1.{self._chance.randrange(40)}"

    def _mutated(self, content: bytes, most: int = 4) -> bytes:
        """Return *content* with a few of its bytes changed, removed, doubled or put in."""
        changed = bytearray(content)
        for _ in range(self._chance.randrange(1, most + 1)):
            start = self._chance.randrange(len(changed) + 1)
            end = start + self._chance.choice([0, 1, 1, 1, 4, 50])
            changed[start:end] = self._chance.choice(
                [self._chance.randbytes(end - start), b"", b"\xff" * 4, changed[start:end] * 2]
            )
        return bytes(changed)


def _post(
    kind: str,
    file: _File,
    *,
    content: bytes | None = None,
    file_name: str | None = None,
    fields: Sequence[tuple[str, str]] = (),
    without: str = "",
) -> Upload:
    sent = file.content if content is None else content
    form = [
        (":action", "file_upload"),
        ("name", file.project),
        ("version", file.version),
        ("sha256_digest", hashlib.sha256(sent).hexdigest()),
    ]
    replaced = {key for key, _ in fields if key.endswith("_digest")}
    kept = [(key, value) for key, value in form if key != without and key not in replaced]
    return Upload(kind, _form([*kept, *fields], file_name or file.name, sent))


def _form(
    fields: Sequence[tuple[str, str]], file_name: str | None = None, content: bytes = b""
) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode(
            "utf-8", "replace"
        )
        for key, value in fields
    ]
    if file_name is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="'
        parts.append(f'{head}{file_name}"\r\n\r\n'.encode("utf-8", "replace") + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _zip_with(content: bytes, member: str, data: bytes) -> bytes:
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(member), data)
    return stream.getvalue()


def _tar_with(content: bytes, entry: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO(gzip.decompress(content))
    with tarfile.open(fileobj=stream, mode="a") as archive:
        archive.addfile(entry)
    return gzip.compress(stream.getvalue(), 1)
