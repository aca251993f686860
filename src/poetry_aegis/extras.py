"""The package's extras: whether one is there, and the command that adds it to Poetry.

``poetry self add`` keeps the extras that it names and no others: what an earlier one brought is
removed. So the command that adds an extra names those that are there, too.
"""

from __future__ import annotations

from importlib.util import find_spec

_REGISTRY = "registry"
_SIGNING = "signing"
_TEMPLATES = "templates"
# The import names that tell that an extra is there, in the order in which extras are named.
MODULES = {
    _REGISTRY: ("bcrypt", "python_multipart", "securesystemslib", "starlette", "uvicorn"),
    _SIGNING: ("securesystemslib", "cryptography", "bcrypt"),
    _TEMPLATES: ("jinja2",),
    "cluster": ("redis",),
}
_IN_REGISTRY = {_SIGNING, _TEMPLATES}


def missing_module(extra: str) -> str | None:
    """Return the import name of a module that *extra* wants and that is not there."""
    return next((module for module in MODULES[extra] if find_spec(module) is None), None)


def adding(extra: str, version: str = "") -> str:
    """Return the command that adds *extra* to Poetry's plugin, and keeps those that are there.

    *version* is what Poetry takes behind a name, as ``@latest`` or ``==1.2.3``.
    """
    names = [name for name in MODULES if name == extra or missing_module(name) is None]
    if _REGISTRY in names:
        names = [name for name in names if name not in _IN_REGISTRY]
    return f'poetry self add "poetry-aegis[{",".join(names)}]{version}"'
