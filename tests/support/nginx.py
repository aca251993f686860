"""A real nginx that needs no rights, and writes nothing outside of its own folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CONFIGURATION = """\
daemon off;
{user}
pid {home}/pid;
events {{}}
http {{
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
{within}
}}
"""


def configuration(home: Path, within: str) -> str:
    """Return a configuration with *within* in its http block, for an nginx that lives in *home*."""
    user = "user root;" if os.geteuid() == 0 else ""
    return _CONFIGURATION.format(user=user, home=home, within=within)
