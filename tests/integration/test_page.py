"""The page as people use it: a real browser, a real server, a microphone that plays a recording."""

import json
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, Route, expect

from hocket.models import open_models
from hocket.streaming.events import Event
from hocket.streaming.replay import annotation
from hocket.streaming.rttm import format_rttm
from hocket.streaming.server.door.access import Door, Tokens
from hocket.streaming.server.door.sockets import serving
from hocket.streaming.server.sessions.hub import Hub
from hocket.streaming.server.sessions.limits import Limits
from tests.browser import chromium, downloaded, in_a_thread, visit
from tests.integration.test_server_killed import free_port
from tests.served import RATE, Babble, service

ROOT = Path(__file__).parents[2]
HEARD_MS = 40_000  # for what takes some seconds of speech besides


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium whose microphone hears the demo conversation, after a second of silence, once."""
    audio = tmp_path_factory.mktemp("microphone") / "conversation.wav"
    samples, rate = soundfile.read(ROOT / "examples" / "demo" / "conversation.ogg", dtype="float32")
    soundfile.write(audio, np.concatenate([np.zeros(rate, np.float32), samples]), rate, subtype="PCM_16")
    flags = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={audio}%noloop"]
    with chromium(*flags, "--host-resolver-rules=MAP somewhere.test 127.0.0.1") as found:
        yield found


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[str]:
    """The address of a service whose models are quick."""
    with in_a_thread(lambda: service(tmp_path / "sessions")) as url:
        yield url


def recording(folder: Path, source: Babble) -> Path:
    """A source as a file that a browser decodes without any loss."""
    path = folder / "recording.wav"
    soundfile.write(path, source.samples, RATE, subtype="PCM_16")
    return path


def session_of(page: Page) -> str:
    page.wait_for_url("**/?session=*")
    return page.url.rpartition("=")[2]


def past(seconds: int) -> re.Pattern[str]:
    """A clock that has come so far, in the first minute."""
    return re.compile("^0:(" + "|".join(f"{second:02d}" for second in range(seconds, 60)) + ")")


def finish(page: Page) -> None:
    """End the page's session once all is heard, and wait until it says so."""
    page.get_by_role("button", name="Finish").click(timeout=HEARD_MS)
    expect(page.locator("#pill")).to_have_text("ended")


def drop(page: Page, path: Path) -> None:
    """Drop a file on the page, as a hand with a mouse does."""
    data = page.evaluate_handle(
        """([name, base64]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0))], name));
            return data;
        }""",
        [path.name, b64encode(path.read_bytes()).decode()],
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": data})


def test_who_speaks_appears_is_named_and_is_followed_elsewhere(browser: Browser, tmp_path: Path) -> None:
    @asynccontextmanager
    async def hearing() -> AsyncIterator[str]:
        async with serving(Hub(open_models(), tmp_path, Limits()), Door(port=0)) as port:
            yield f"http://127.0.0.1:{port}"

    with in_a_thread(hearing) as url, visit(browser, url, permissions=["microphone"]) as page:
        page.get_by_role("button", name="Use the microphone").click()
        session = session_of(page)
        phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "dark"}
        with (
            visit(browser, page.url, **phone) as watching,
            visit(browser, f"{url}/overlay?session={session}&size=64") as overlay,
        ):
            expect(page.locator(".person").first).to_be_visible(timeout=HEARD_MS)
            expect(overlay.locator("li:not(.past)").first).to_be_visible()
            assert overlay.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"

            page.locator(".person").first.focus()
            for key in ("Enter", *"Anna", "Enter"):  # no mouse needed
                page.keyboard.press(key)
            expect(watching.locator(".person").first).to_contain_text("Anna")
            expect(watching.locator("#figures")).to_contain_text(past(12), timeout=HEARD_MS)
            watching.locator(".person").nth(1).tap()  # who has said enough by now to be there for good
            watching.get_by_label("Name", exact=True).fill("Maya")
            watching.get_by_role("button", name="Rename").tap()
            for everywhere in (page, watching):
                expect(everywhere.locator(".person").nth(1)).to_contain_text("Maya")

            page.locator(".line .who", has_text="Maya").first.click()
            page.get_by_label("Only here it is").select_option(label="somebody new")
            page.get_by_role("button", name="Correct").click()
            expect(watching.locator("#figures")).to_contain_text(re.compile("[1-9] correction"))

            watching.locator(".person").nth(1).tap()
            watching.get_by_label("The same person as").select_option(label="Anna")
            watching.get_by_role("button", name="Merge").tap()
            expect(page.locator(".line .who", has_text="Maya")).to_have_count(0)

            page.get_by_role("button", name="Stop").click()
            finish(page)
            expect(watching.locator("#pill")).to_have_text("ended")
            assert watching.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_dropped_file_is_heard_as_it_is_and_comes_back_as_files(
    browser: Browser, quick: str, tmp_path: Path
) -> None:
    source = Babble(1, 25)
    with visit(browser, quick, accept_downloads=True) as page:
        page.get_by_role("textbox", name="Session").fill("dropped")
        drop(page, recording(tmp_path, source))
        finish(page)
        said = source.said("dropped")
        page.get_by_role("button", name="Download").click()
        events = downloaded(page, "All events", tmp_path)
        assert [Event.from_dict(json.loads(line)) for line in events.splitlines()] == said
        page.get_by_role("button", name="Download").click()
        assert downloaded(page, "Turns", tmp_path) == format_rttm("dropped", annotation(said))


@contextmanager
def killable(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A service in a process of its own, once it listens."""
    command = [sys.executable, "-m", "tests.served", str(folder), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.kill()


def test_a_killed_server_is_waited_for_and_misses_nothing(browser: Browser, tmp_path: Path) -> None:
    port, source = free_port(), Babble(2, 40)
    with (
        killable(tmp_path, port) as first,
        visit(browser, f"http://127.0.0.1:{port}", quiet=False, accept_downloads=True) as page,
    ):
        page.get_by_role("textbox", name="Session").fill("survivor")
        page.set_input_files("#file", recording(tmp_path, source))
        expect(page.locator("#dock-text")).to_contain_text("Heard 0:")
        first.kill()
        expect(page.locator("#pill")).to_have_text("server gone, trying again")
        with killable(tmp_path, port):
            expect(page.locator("#pill")).to_have_text("live")
            finish(page)
            page.get_by_role("button", name="Download").click()
            events = downloaded(page, "All events", tmp_path)
    assert [Event.from_dict(json.loads(line)) for line in events.splitlines()] == source.said("survivor")


def test_without_its_token_nobody_comes_in(browser: Browser, tmp_path: Path) -> None:
    tokens = Tokens(produce=("p" * 20,), subscribe=("s" * 20,), admin=("a" * 20,))
    door = Door(port=0, tokens=tokens)
    addresses: list[str] = []
    with (
        in_a_thread(lambda: service(tmp_path / "sessions", door)) as url,
        visit(browser, url, quiet=False) as page,  # browsers report every 401
    ):
        page.on("websocket", lambda socket: addresses.append(socket.url))
        page.get_by_role("textbox", name="Session").fill("locked")
        page.set_input_files("#file", recording(tmp_path, Babble(3, 12)))
        asks = page.get_by_role("dialog")
        expect(asks).to_contain_text("A token that may produce is needed")
        asks.get_by_label("Token", exact=True).fill("wrong")
        asks.get_by_role("button", name="Go on").click()
        expect(asks).to_contain_text("A token that may produce is needed")
        asks.get_by_label("Token", exact=True).fill("p" * 20)
        asks.get_by_role("button", name="Go on").click()
        expect(asks).to_contain_text("A token that may subscribe is needed")
        asks.get_by_label("Token", exact=True).fill("s" * 20)
        asks.get_by_role("button", name="Go on").click()
        expect(page.locator(".person").first).to_be_visible()
        opened = [urlsplit(address).query for address in addresses if "ticket=" in address]
        assert len(set(opened)) == len(opened) >= 2  # one for what is sent, one for what is read
        assert not any(letter * 20 in address for address in addresses for letter in "psa")
        with visit(browser, f"{url}/?session=locked#token={'a' * 20}") as admin:
            expect(admin.locator(".person").first).to_be_visible()
            assert "token" not in admin.url
            admin.locator(".person").first.click()
            admin.get_by_label("Name", exact=True).fill("Anna")
            admin.get_by_role("button", name="Rename").click()
            expect(page.locator(".person").first).to_contain_text("Anna")
            stale = iter([json.dumps({"ticket": "of a server that is gone", "seconds": 30})])
            admin.route(
                "**/v1/tickets?role=subscribe*",
                lambda route: (
                    route.fulfill(body=given) if (given := next(stale, None)) else route.continue_()
                ),
            )
            admin.reload()
            expect(admin.locator(".person").first).to_be_visible()
            expect(admin.get_by_role("dialog")).to_have_count(0)
            assert next(stale, None) is None
        finish(page)


def test_what_stands_in_the_way_is_said(browser: Browser, quick: str, tmp_path: Path) -> None:
    notice = "#notice-text"
    with visit(browser, quick) as page:
        page.get_by_role("button", name="Use the microphone").click()
        expect(page.locator(notice)).to_contain_text("told not to let this page hear the microphone")
        text = tmp_path / "notes.txt"
        text.write_text("no sound at all")
        page.set_input_files("#file", text)
        expect(page.locator(notice)).to_have_text(
            "This browser finds no sound in notes.txt that it could play."
        )
        for name in ("no blanks", "-", ""):
            page.get_by_role("textbox", name="Session").fill(name)
            page.set_input_files("#file", recording(tmp_path, Babble(4, 3)))
            assert page.locator("#new-name").evaluate("field => field.matches(':user-invalid')")
        page.get_by_role("textbox", name="Session").fill("twice")
        page.set_input_files("#file", recording(tmp_path, Babble(4, 3)))
        finish(page)
        page.goto(quick)
        page.get_by_role("textbox", name="Session").fill("twice")
        page.set_input_files("#file", recording(tmp_path, Babble(4, 3)))
        expect(page.locator(notice)).to_have_text("A session of that name exists already.")
        page.get_by_role("button", name="Watch it").click()
        expect(page.locator("#pill")).to_have_text("ended")
    with visit(browser, f"{quick}/?session=tomorrow") as early:
        expect(early.locator("#pill")).to_have_text("nobody speaks yet")
        expect(early.locator("#empty")).to_contain_text("Nothing has come from tomorrow yet.")
    with visit(browser, f"{quick}/overlay") as nowhere:
        expect(nowhere.locator("#notice")).to_contain_text("/overlay?session=NAME")


def test_a_page_that_is_loaded_again_goes_on_where_it_was(browser: Browser, quick: str) -> None:
    allowed = ["microphone", "clipboard-read", "clipboard-write"]
    with visit(browser, quick, permissions=allowed) as page:
        page.on("dialog", lambda warning: warning.accept())
        page.get_by_role("button", name="Use the microphone").click()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.locator("#figures")).to_contain_text(past(2))
        page.reload()
        page.get_by_role("button", name="Go on with the microphone").click()
        expect(page.locator("#figures")).to_contain_text(past(5))
        page.get_by_role("button", name="Copy link").click()
        expect(page.get_by_role("button", name="Link copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == page.url
        page.get_by_role("button", name="Stop").click()
        finish(page)
        expect(page.locator("#gap-legend")).to_be_hidden()


def test_a_session_stays_open_for_names_as_long_as_its_page(browser: Browser, tmp_path: Path) -> None:
    def hastened(route: Route) -> None:
        text = route.fetch().text()
        assert "SILENCE = 60;" in text
        route.fulfill(body=text.replace("SILENCE = 60;", "SILENCE = 4;"), content_type="text/javascript")

    limits = Limits(idle_seconds=3)
    with (
        in_a_thread(lambda: service(tmp_path / "sessions", limits=limits)) as url,
        visit(browser, url) as page,
    ):
        page.route("**/producer.js", hastened)
        page.reload()
        opened: list[str] = []
        page.on("websocket", lambda socket: opened.append(socket.url))
        page.set_input_files("#file", recording(tmp_path, Babble(6, 5)))
        expect(page.get_by_role("button", name="Finish")).to_be_visible()
        page.wait_for_timeout(5000)  # longer than either end would wait
        assert len([address for address in opened if address.endswith("/audio")]) == 1
        finish(page)


def test_a_page_of_another_name_hears_how_it_is_let_in(browser: Browser, quick: str) -> None:
    elsewhere = quick.replace("127.0.0.1", "somewhere.test")
    with visit(browser, f"{elsewhere}/?session=room", quiet=False) as page:
        expect(page.locator("#notice-text")).to_contain_text(f"--origin {elsewhere}")


def snippet(page_of: str, beginning: str) -> str:
    """The JavaScript of a page of documentation that begins so, as it stands."""
    snippets = re.findall(r"```js\n(.*?)```", (ROOT / page_of).read_text("utf-8"), re.DOTALL)
    [found] = [text for text in snippets if text.startswith(beginning)]
    return str(found)


@pytest.mark.parametrize("page_of", ["README.md", "docs/service.md"])
def test_the_documented_producer_works_as_it_stands(browser: Browser, quick: str, page_of: str) -> None:
    producer = snippet(page_of, "const socket")
    assert len(producer.splitlines()) <= 11
    source = Babble(5, 12)
    said: list[str] = []
    with visit(browser, quick) as tab:
        tab.on("console", lambda message: said.append(message.text))
        here = producer.replace("127.0.0.1:8765", quick.removeprefix("http://"))
        bytes_of = "Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)).buffer"
        with tab.expect_event("websocket") as opened:
            tab.evaluate(
                f"(base64) => {{ const samples = new Int16Array({bytes_of}); {here} }}",
                b64encode(source.pcm()).decode(),
            )
        opened.value.wait_for_event("close")
    final = [e for e in source.said("page") if e.type == "turn" and getattr(e, "state", "") == "final"]
    assert len(said) == len(final) > 0


def test_the_documented_recorder_works_as_it_stands(browser: Browser, quick: str) -> None:
    with visit(browser, quick, permissions=["microphone"]) as tab:
        received = tab.evaluate(
            """async (address) => {
                const microphone = await navigator.mediaDevices.getUserMedia({audio: true});
                const socket = new WebSocket(address);
                await new Promise((resolve) => (socket.onopen = resolve));
                return await new Promise((resolve, reject) => {
                    socket.onclose = ({reason}) => reject(new Error(reason));
                    socket.onmessage = ({data}) => {
                        const message = JSON.parse(data);
                        if (message.type === "received") resolve(message.sample);
                    };
                    RECORDER
                });
            }""".replace("RECORDER", snippet("docs/service.md", "const recorder")),
            f"{quick.replace('http', 'ws')}/v1/sessions/recorded/audio",
        )
    assert received >= 48_000
