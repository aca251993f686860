from __future__ import annotations

import subprocess
import sys


def test_the_room_is_opened_without_what_only_upstream_needs() -> None:
    """The registry starts in half a second, and most have no index behind them."""
    program = (
        "import sys, poetry_aegis.registry.http.upstream;"
        "print(sorted({'httpx', 'mousebender', 'html.parser'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
