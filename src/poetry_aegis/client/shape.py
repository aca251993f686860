"""What a configuration file says, so that nothing is taken from it but what was put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from poetry_aegis.client.edits import Kind


def values(kind: Kind, content: bytes | None) -> dict[str, str]:
    """Return all values in *content*, each under its path. Raises `AegisError`."""
    if kind == "ini":
        from poetry_aegis.client import ini

        return {"\t".join(key): value for key, value in ini.values(content or b"").items()}
    if kind == "netrc":
        from poetry_aegis.client import netrc

        return netrc.values(content or b"")
    if kind == "hosts":
        return {}
    return dict(_flat("", toml(content)))


def toml(content: bytes | None) -> dict[str, Any]:
    """Return the TOML in *content* as plain values. Raises `AegisError`."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse((content or b"").decode("utf-8-sig")).unwrap()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise AegisError(
            f"It is no valid TOML: {type(error).__name__}{_place_of(error)}.",
            hint="Mend it by hand; nothing was changed.",
        ) from None


def _place_of(error: Exception) -> str:
    """Return the line that *error* is about, where the parser tells."""
    if isinstance(error, UnicodeDecodeError):
        line: int | None = error.object[: error.start].count(b"\n") + 1
    else:
        line = getattr(error, "line", None)
    return "" if line is None else f" in line {line}"


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> set[str]:
    """Return the paths of the values that *one* and *other* do not share."""
    return {path for path in {*one, *other} if one.get(path) != other.get(path)}


def keeps_others(kind: Kind, current: bytes, content: bytes, ours: Collection[str]) -> bool:
    """Tell whether *content* says all that *current* does, but for the paths that are *ours*."""
    try:
        return differing(values(kind, current), values(kind, content)) <= set(ours)
    except AegisError:
        return False


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the values below *value*; each table and list is one itself, so that none gets lost."""
    if isinstance(value, dict):
        yield path, "{}"
        for key, item in value.items():
            yield from _flat(f"{path}\t{key}", item)
    elif isinstance(value, list):
        # By what it holds, not by its number: others may stand before it.
        for item in value:
            yield f"{path}\t{item!r}", "[]"
    else:
        yield path, repr(value)
