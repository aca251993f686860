"""The digests of several files, computed by threads while something else is waited for."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from poetry_aegis.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poetry_aegis.publish.distributions import Distribution

_THREADS = 4


class Measuring:
    """Computes the digests of *distributions* from now on; `wait` for them before they are used."""

    def __init__(self, distributions: Iterable[Distribution]) -> None:
        self._left = deque(distributions)
        self._failures: list[BuildFailed] = []
        self._threads = [
            # Python's own end waits for no daemon: Ctrl-C is meant.
            threading.Thread(target=self._run, daemon=True)
            for _ in range(min(_THREADS, len(self._left)))
        ]
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Return once the digests are there. Raises `BuildFailed` for a file without."""
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _run(self) -> None:
        try:
            while True:
                _ = self._left.popleft().digests
        except IndexError:
            pass  # That was the last one.
        except BuildFailed as error:
            self._failures.append(error)
