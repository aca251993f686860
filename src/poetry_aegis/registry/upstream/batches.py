"""Many small pieces that come over the network, as few large ones for the disk."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

_MOMENT = 0.01  # seconds that more is waited for


async def batched(pieces: AsyncIterator[bytes], size: int) -> AsyncGenerator[bytes, None]:
    """Give *pieces* together, *size* bytes and more at a time, or what there is when no more comes.

    Raises what *pieces* does.
    """
    batch = bytearray()
    coming = _next(pieces)
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=_MOMENT if batch else None)
            piece = coming.result() if done else None
            if piece is not None:
                batch += piece
                coming = _next(pieces)
            if batch and (piece is None or len(batch) >= size):
                yield bytes(batch)
                batch.clear()
            if done and piece is None:
                return
    finally:
        coming.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await coming


def _next(pieces: AsyncIterator[bytes]) -> asyncio.Task[bytes | None]:
    async def take() -> bytes | None:
        return await anext(pieces, None)

    return asyncio.create_task(take())
