"""Threads of its own: a slow disk or resolver of this room keeps nobody waiting in another."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = ThreadPoolExecutor(16, thread_name_prefix="upstream")  # each begins when it is needed


async def in_thread(function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Return what *function* returns, which blocks."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, partial(function, *arguments, **keywords))
