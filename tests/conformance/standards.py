"""What the specifications ask of a page, written out, and how its HTML is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

API_VERSION = "1.4"
STATUSES = {"active", "archived", "quarantined", "deprecated"}
HEX_256 = re.compile(r"[0-9a-f]{64}")
UPLOAD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")  # PEP 700
OPTIONAL_FILE_KEYS = {"requires-python", "core-metadata", "gpg-sig", "provenance"}


def check_project_list(page: Mapping[str, Any]) -> None:
    """Assert that *page* is a project list (PEP 691)."""
    assert page["meta"] == {"api-version": API_VERSION}
    assert all(set(project) == {"name"} for project in page["projects"])
    names = [project["name"] for project in page["projects"]]
    assert len({canonicalize_name(name) for name in names}) == len(names)


def check_project_page(page: Mapping[str, Any]) -> None:
    """Assert that *page* is a project page (PEPs 691, 700, 708 and 792)."""
    assert set(page) - {"project-status", "alternate-locations"} == {
        "meta",
        "name",
        "versions",
        "files",
    }
    assert page["meta"]["api-version"] == API_VERSION
    assert page["name"] == canonicalize_name(page["name"])
    assert len(set(page["versions"])) == len(page["versions"])
    assert all(Version(version) for version in page["versions"])
    for address in (*page["meta"].get("tracks", ()), *page.get("alternate-locations", ())):
        assert address.startswith("https://")
    status = page.get("project-status", {"status": "active"})
    assert status["status"] in STATUSES
    assert isinstance(status.get("reason", ""), str)
    for file in page["files"]:
        check_file(file)


def check_file(file: Mapping[str, Any]) -> None:
    """Assert that *file* is an entry of a project page (PEPs 592, 658, 691, 700, 714, 740)."""
    required = {"filename", "url", "hashes", "size", "upload-time", "yanked"}
    assert required <= set(file) <= required | OPTIONAL_FILE_KEYS
    assert unquote(file["url"].rpartition("/")[2]) == file["filename"]
    assert HEX_256.fullmatch(file["hashes"]["sha256"])
    assert type(file["size"]) is int
    assert UPLOAD_TIME.fullmatch(file["upload-time"])
    assert type(file["yanked"]) in (bool, str)
    assert file["yanked"] != "", "an empty string counts as not yanked"
    for digest in (file.get("core-metadata") or {}).values():
        assert HEX_256.fullmatch(digest)
    assert SpecifierSet(file.get("requires-python", "")) is not None
    assert type(file.get("provenance")) in (str, type(None))


def check_provenance(document: Mapping[str, Any]) -> None:
    """Assert that *document* is a provenance object (PEP 740)."""
    assert document["version"] == 1
    assert document["attestation_bundles"]
    for bundle in document["attestation_bundles"]:
        assert isinstance(bundle["publisher"]["kind"], str)
        assert isinstance(bundle["publisher"]["claims"], dict)
        assert bundle["attestations"]
        for attestation in bundle["attestations"]:
            assert set(attestation) == {"version", "verification_material", "envelope"}
            assert attestation["version"] == 1
            assert set(attestation["verification_material"]) == {
                "certificate",
                "transparency_entries",
            }
            assert set(attestation["envelope"]) == {"statement", "signature"}


@dataclass
class Page(HTMLParser):
    """A page in HTML: its metas as (name, content), its links as (text, attributes)."""

    metas: list[tuple[str, str]] = field(default_factory=list)
    links: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    doctype: str = ""

    @classmethod
    def read(cls, text: str) -> Page:
        """Return the page that *text* is."""
        page = cls()
        page.feed(text)
        page.close()
        return page

    def __post_init__(self) -> None:
        super().__init__()
        self._text: list[str] | None = None

    def handle_decl(self, decl: str) -> None:
        """Take the document type."""
        self.doctype = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the metas that speak of the repository, and begin a link."""
        attributes = dict(attrs)
        assert len(attributes) == len(attrs), "no attribute stands twice"
        name = attributes.get("name")
        if tag == "meta" and name and name.startswith("pypi:"):
            self.metas.append((name, attributes["content"] or ""))
        if tag == "a":
            self.links.append(("", attributes))
            self._text = []

    def handle_data(self, data: str) -> None:
        """Take the text of a link."""
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """End a link."""
        if tag == "a" and self._text is not None:
            self.links[-1] = ("".join(self._text), self.links[-1][1])
            self._text = None

    def meta(self, name: str) -> list[str]:
        """Return the contents of the metas of that name."""
        return [content for key, content in self.metas if key == name]


def file_of_link(text: str, attributes: Mapping[str, str | None]) -> dict[str, Any]:
    """Return a link as PEP 691 has the file, in as far as HTML can tell."""
    url, fragment = urldefrag(attributes["href"] or "")
    algorithm, _, digest = fragment.partition("=")
    file: dict[str, Any] = {
        "filename": text,
        "url": unquote(url),
        "hashes": {algorithm: digest},
        "yanked": (attributes["data-yanked"] or True) if "data-yanked" in attributes else False,
    }
    metadata = attributes.get("data-core-metadata")
    assert metadata == attributes.get("data-dist-info-metadata"), "its name before PEP 714"
    if metadata:
        algorithm, _, digest = metadata.partition("=")
        file["core-metadata"] = {algorithm: digest}
    for key in ("requires-python", "provenance"):
        if value := attributes.get(f"data-{key}"):
            file[key] = unquote(value) if key == "provenance" else value
    return file
