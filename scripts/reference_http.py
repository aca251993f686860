"""docs/api.md, made from docs/openapi.yaml: the same for people to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METHODS = ("get", "post", "put", "patch", "delete")
INTRODUCTION = """\
# HTTP API

What the registry answers, made from its [OpenAPI description](openapi.yaml), which is checked
against a running registry. More about uploads, statuses and metrics is in the
[reference](reference.md#http).
"""
Document = dict[str, Any]


def api_page(path: Path) -> str:
    """Return the page that describes the OpenAPI document at *path*."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = [INTRODUCTION, document["info"]["description"]]
    for tag in document["tags"]:
        parts += [f"## {tag['name']}", tag["description"]]
        parts += [_operation(document, *found) for found in operations(document, tag["name"])]
    parts += ["## Statuses", _statuses(document), "## Objects", *_objects(document)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def operations(document: Document, tag: str) -> Iterator[tuple[str, str, Document]]:
    """Yield method, path and description of what has *tag*, in the order of the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item and tag in item[method]["tags"]:
                yield method.upper(), path, item[method]


def _operation(document: Document, method: str, path: str, operation: Document) -> str:
    role = operation["x-role"]
    who = "Needs no credential." if role == "nobody" else f"Role: {role}."
    parts = [f"### `{method} {path}`", f"{operation['summary']} {who}"]
    parts.append(operation.get("description", ""))
    parts.append(_parameters(document, operation.get("parameters", [])))
    parts.append(_body(document, operation))
    parts.append(_answers(operation["responses"]))
    return "\n\n".join(part.strip() for part in parts if part)


def _parameters(document: Document, references: list[Document]) -> str:
    rows = []
    for reference in references:
        item = _resolved(document, reference)
        schema = item["schema"]
        choices = ", ".join(f"`{word}`" for word in schema.get("enum", ()))
        notes = [item["description"]]
        notes += [f"One of {choices}."] if choices else []
        notes += [f"At most {schema['maximum']}."] if schema.get("maximum", 2**63) < 2**32 else []
        notes += [f"Default `{schema['default']}`."] if "default" in schema else []
        rows.append(f"| `{item['name']}` | {item['in']} | {' '.join(notes)} |")
    return "\n".join(["| Parameter | In | |", "| --- | --- | --- |", *rows]) if rows else ""


def _body(document: Document, operation: Document) -> str:
    if "requestBody" not in operation:
        return ""
    ((media_type, content),) = operation["requestBody"]["content"].items()
    needed = "" if operation["requestBody"]["required"] else ", which may be missing"
    return f"The body is `{media_type}`{needed}: {_linked(document, content['schema'])}."


def _answers(responses: Document) -> str:
    lines = []
    for status, response in responses.items():
        if "$ref" in response:
            continue
        types = ", ".join(f"`{name}`" for name in response.get("content", ()))
        made = sorted({_shape(item["schema"]) for item in response.get("content", {}).values()})
        shape = "; ".join(text for text in made if text)
        lines.append(
            f"- {status}: {response['description']}"
            + (f" {types}{f': {shape}' if shape else ''}." if types else "")
        )
    others = [status for status, response in responses.items() if "$ref" in response]
    return "\n".join(lines + ([f"- Or {', '.join(others)}."] if others else []))


def _shape(schema: Document) -> str:
    return f"[{_name(schema)}](#{_name(schema).lower()})" if "$ref" in schema else ""


def _statuses(document: Document) -> str:
    texts: dict[str, str] = {}
    for item in document["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if "$ref" in response:
                    texts[status] = _resolved(document, response)["description"]
    rows = [f"| {status} | {texts[status]} |" for status in sorted(texts)]
    return "\n".join(["| Status | |", "| --- | --- |", *rows])


def _objects(document: Document) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") != "object":
            continue
        lines = [f"### {name}", "", schema.get("description", ""), ""]
        lines += ["| Key | Type | |", "| --- | --- | --- |"]
        for key, value in schema["properties"].items():
            note = _note(document, value, optional=key not in schema.get("required", ()))
            lines.append(
                f"| `{key}` | {_linked(document, value)} | {note} |".replace("|  |", "| |")
            )
        yield "\n".join(lines).replace("\n\n\n", "\n")


def _note(document: Document, schema: Document, *, optional: bool) -> str:
    choices = ", ".join(f"`{_json(word)}`" for word in _resolved(document, schema).get("enum", ()))
    notes = [f"{choices}." if choices else "", schema.get("description", "")]
    return " ".join(text for text in [*notes, "Optional." if optional else ""] if text)


def _linked(document: Document, schema: Document) -> str:
    """Return what *schema* is in a word or two, with a link where it is described below."""
    if "$ref" in schema:
        resolved = _resolved(document, schema)
        if resolved.get("type") == "object":
            return f"[{_name(schema)}](#{_name(schema).lower()})"
        return _linked(document, resolved)
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"list of {_linked(document, items)}" if items else "list"
    if "properties" in schema:
        return f"object of {', '.join(f'`{key}`' for key in schema['properties'])}"
    kinds = schema.get("type", "string")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _resolved(document: Document, schema: Document) -> Document:
    if "$ref" not in schema:
        return schema
    found: Any = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    resolved: Document = found
    return resolved


def _name(schema: Document) -> str:
    return str(schema["$ref"].rpartition("/")[2])


def _json(value: object) -> str:
    return "null" if value is None else str(value)
