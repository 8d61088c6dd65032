import asyncio
import threading

import pytest

from hocket.streaming.sources.inbox import Inbox


def test_items_come_out_in_order_and_none_follows_the_last() -> None:
    inbox: Inbox[int] = Inbox(8)
    assert [inbox.offer(item) for item in range(3)] == [True] * 3
    inbox.close()

    async def read() -> list[int | None]:
        return [await inbox.get() for _ in range(5)]

    assert asyncio.run(read()) == [0, 1, 2, None, None]


def test_full_inbox_refuses_what_is_offered() -> None:
    inbox: Inbox[int] = Inbox(1)
    assert inbox.offer(1)
    assert not inbox.offer(2)


def test_closed_inbox_takes_nothing() -> None:
    inbox: Inbox[int] = Inbox(1)
    inbox.close()
    assert not inbox.offer(1)
    assert not inbox.put(1)


def test_thread_waits_for_room_and_wakes_the_reader() -> None:
    inbox: Inbox[int] = Inbox(2)

    def fill() -> None:
        for item in range(100):
            inbox.put(item)
        inbox.close()

    async def read() -> list[int]:
        items = []
        while (item := await inbox.get(5.0)) is not None:
            items.append(item)
        return items

    thread = threading.Thread(target=fill)
    thread.start()
    assert asyncio.run(read()) == list(range(100))
    thread.join()


def test_closing_frees_a_thread_that_waits_for_room() -> None:
    inbox: Inbox[int] = Inbox(1)
    inbox.offer(1)
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(inbox.put(2)))
    thread.start()
    inbox.close()
    thread.join(5.0)
    assert taken == [False]


def test_nothing_for_too_long_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(Inbox[int](1).get(0.01))


def test_late_event_loop_is_no_timeout() -> None:
    inbox: Inbox[int] = Inbox(1)

    async def read() -> int | None:
        waiting = asyncio.create_task(inbox.get(0.01))
        await asyncio.sleep(0)
        thread = threading.Timer(0.05, lambda: inbox.offer(7))
        thread.start()
        thread.join()  # the loop stands still past the deadline, as behind a slow sink
        return await waiting

    assert asyncio.run(read()) == 7


def test_item_left_after_the_loop_has_ended_is_no_error() -> None:
    inbox: Inbox[int] = Inbox(2)
    inbox.offer(1)
    asyncio.run(inbox.get())
    assert inbox.offer(2)
