"""A real browser, headless Chromium, and servers for it in threads of their own.

Whoever visits a page here also checks that it reported no error and asked nobody else for anything.
"""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from hocket.streaming.server.door.pages import page
from hocket.streaming.server.protocol.messages import VERSION

PATIENCE_MS = 15_000  # for whatever a page has to show, on a machine with other things to do


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """The system's Chromium; skips the test, with the reason, where there is none."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *flags])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, url: str, *, quiet: bool = True, **context: Any) -> Iterator[Page]:
    """A page in a browser profile of its own. quiet: it may report no error, as it does without a server."""
    with browser.new_context(**context) as profile:
        profile.set_default_timeout(PATIENCE_MS)
        tab, errors, hosts = profile.new_page(), list[str](), set[str]()
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        tab.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        tab.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
        tab.goto(url)
        yield tab
        assert not (quiet and errors), errors
        assert hosts <= {urlsplit(url).netloc, ""}  # "" is what the page has in memory


@contextmanager
def in_a_thread(serving: Callable[[], AbstractAsyncContextManager[str]]) -> Iterator[str]:
    """What an asynchronous server gives, while it runs in a thread: this one has playwright's event loop."""
    ready, stop = threading.Event(), asyncio.Event()
    given: list[str] = []
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with serving() as address:
            given.append(address)
            ready.set()
            await stop.wait()

    def target() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=target)
    thread.start()
    ready.wait(60)
    try:
        yield given[0].replace("ws://", "http://")
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)


@asynccontextmanager
async def scripted(events: Sequence[str]) -> AsyncIterator[str]:
    """A server of the pages; all its sessions say these events to whoever follows, and then nothing more."""

    async def say(socket: ServerConnection) -> None:
        for event in events:
            await socket.send(event)
        await socket.wait_closed()

    def answer(_: ServerConnection, request: Request) -> Response | None:
        return page(request)

    async with serve(
        say, "127.0.0.1", 0, process_request=answer, subprotocols=[Subprotocol(VERSION)]
    ) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def read_by(browser: Browser, vtt: str) -> list[dict[str, Any]]:
    """What the browser reads out of WebVTT as a video's captions: id, start, end, text, position, size."""
    with visit(browser, "about:blank") as tab:
        tab.set_content("<video><track kind='captions' default></video>")
        cues: list[dict[str, Any]] = tab.evaluate(
            """async (vtt) => {
                const track = document.querySelector("track");
                const loaded = new Promise((resolve, reject) => {
                    track.onload = resolve;
                    track.onerror = () => reject(new Error("the browser refuses this file"));
                });
                track.track.mode = "showing";
                track.src = `data:text/vtt;charset=utf-8,${encodeURIComponent(vtt)}`;
                await loaded;
                return [...track.track.cues].map(({id, startTime, endTime, text, position, size}) =>
                    ({id, start: startTime, end: endTime, text, position, size}));
            }""",
            vtt,
        )
    return cues


def downloaded(tab: Page, button: str, folder: Path) -> str:
    """The text of what a button lets download."""
    with tab.expect_download() as download:
        tab.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path.read_text("utf-8")
