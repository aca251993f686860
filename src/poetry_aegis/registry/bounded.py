"""What is kept in memory, and how much of it at the most."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Values by their keys, which weigh no more than *most* together.

    What was not used for the longest time makes room. Any thread may use it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._using = threading.Lock()

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._kept)

    def __contains__(self, key: K) -> bool:
        """Tell whether there is a value for *key*. That is no use of it."""
        return key in self._kept

    def get(self, key: K) -> V | None:
        """Return the value of *key*, ``None`` where none is kept."""
        with self._using:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> V:
        """Keep *value* in the place of one that was there; return it.

        What weighs too much to be kept at all makes nothing else go.
        """
        with self._using:
            self._drop(key)
            if weight <= self._most:
                self._kept[key] = value, weight
                self._weight += weight
            while self._weight > self._most:
                self._drop(next(iter(self._kept)))
        return value

    def drop(self, key: K) -> None:
        """Forget *key*, if it is there."""
        with self._using:
            self._drop(key)

    def clear(self) -> None:
        """Forget all."""
        with self._using:
            self._kept.clear()
            self._weight = 0

    def _drop(self, key: K) -> None:
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self._weight -= dropped[1]
