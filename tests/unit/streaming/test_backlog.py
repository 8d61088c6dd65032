import asyncio

import numpy as np
import pytest

from hocket.streaming.backlog import DROPPED, Backlog
from hocket.streaming.sources.base import Block, Lost

RATE = 1_000


def block(num_samples: int, value: float = 0.0) -> Block:
    return Block(np.full((num_samples, 1), value, np.float32))


async def fill(backlog: Backlog, *pieces: Block | Lost) -> None:
    for piece in pieces:
        await backlog.put(piece)


async def drain(backlog: Backlog) -> list[Block | Lost]:
    await backlog.close()
    pieces = []
    while (waiting := await backlog.take()) is not None:
        pieces.append(waiting.piece)
    return pieces


def test_blocks_come_joined_up_to_a_second_and_never_across_a_loss() -> None:
    async def scenario() -> list[int]:
        backlog = Backlog(RATE, 10.0, live=True)
        await fill(backlog, *[block(400)] * 4, Lost(50, "x"), block(100), block(3_000))
        return [
            piece.num_samples if isinstance(piece, Lost) else len(piece.samples)
            for piece in await drain(backlog)
        ]

    assert asyncio.run(scenario()) == [800, 800, 50, 100, 3_000]


def test_order_of_samples_survives_joining() -> None:
    async def scenario() -> None:
        backlog = Backlog(RATE, 10.0, live=True)
        await fill(backlog, *(block(1, value) for value in range(5)))
        (joined,) = await drain(backlog)
        assert isinstance(joined, Block)
        assert joined.samples[:, 0].tolist() == [0, 1, 2, 3, 4]

    asyncio.run(scenario())


def test_source_that_can_wait_is_made_to() -> None:
    async def scenario() -> None:
        backlog = Backlog(RATE, 1.0, live=False)
        await fill(backlog, block(1_000))
        second = asyncio.create_task(backlog.put(block(1_000)))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(second), 0.02)
        assert await backlog.take() is not None
        await asyncio.wait_for(second, 1.0)
        assert backlog.num_dropped == 0

    asyncio.run(scenario())


def test_live_source_loses_the_older_half_as_one_gap() -> None:
    async def scenario() -> None:
        backlog = Backlog(RATE, 1.0, live=True)
        await fill(backlog, *(block(100, value) for value in range(11)))
        lost, kept = await drain(backlog)
        assert lost == Lost(600, DROPPED)
        assert isinstance(kept, Block)
        assert kept.samples[:, 0].tolist() == [value for value in range(6, 11) for _ in range(100)]
        assert backlog.num_dropped == 600

    asyncio.run(scenario())


def test_losses_among_what_is_dropped_are_part_of_the_gap_but_not_of_the_count() -> None:
    async def scenario() -> None:
        backlog = Backlog(RATE, 1.0, live=True)
        await fill(backlog, block(500), Lost(70, "overflow"), block(400), block(200))
        lost, kept = await drain(backlog)
        assert lost == Lost(970, DROPPED)
        assert isinstance(kept, Block)
        assert backlog.num_dropped == 900

    asyncio.run(scenario())


def test_newest_block_is_kept_however_long() -> None:
    async def scenario() -> None:
        backlog = Backlog(RATE, 1.0, live=True)
        await fill(backlog, block(100), block(5_000))
        lost, kept = await drain(backlog)
        assert lost == Lost(100, DROPPED)
        assert isinstance(kept, Block)

    asyncio.run(scenario())


def test_waiting_is_timed_from_the_oldest_part() -> None:
    async def scenario() -> None:
        backlog = Backlog(RATE, 1.0, live=True)
        before = asyncio.get_running_loop().time()
        await backlog.put(block(10))
        await asyncio.sleep(0.03)
        await backlog.put(block(10))
        waiting = await backlog.take()
        assert waiting is not None
        assert waiting.arrived - before < 0.02

    asyncio.run(scenario())
