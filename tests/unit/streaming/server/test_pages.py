"""What a browser may fetch, and that it is all there and asks for nothing from elsewhere."""

import re
from importlib.resources import files

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from hocket.streaming.server.door.pages import page
from hocket.streaming.sinks.palette import SPEAKER_COLOURS

WEB = files("hocket.streaming.server").joinpath("web")
SOURCES = sorted(file.name for file in WEB.iterdir())


def asked(path: str, **headers: str) -> Request:
    return Request(path, Headers({name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.mark.parametrize(
    "path", ["/", "/?session=monday", "/overlay?session=monday&size=60", "/page.js", "/icon.svg"]
)
def test_pages_come_with_their_type_and_may_ask_this_server_alone(path: str) -> None:
    response = page(asked(path))
    assert response is not None
    assert response.status_code == 200
    assert response.headers["Content-Length"] == str(len(response.body or b""))
    assert re.match(r"text/(html|javascript); charset=utf-8|image/svg\+xml", response.headers["Content-Type"])
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_what_a_browser_has_is_not_sent_again() -> None:
    first = page(asked("/page.js"))
    assert first is not None
    again = page(asked("/page.js", If_None_Match=first.headers["ETag"]))
    assert again is not None
    assert (again.status_code, again.body) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/web/page.js",
        "/../access.py",
        "/%2e%2e/access.py",
        "//page.js",
        "/v1/live",
        "/healthz",
    ],
)
def test_nothing_else_is_a_page(path: str) -> None:
    assert page(asked(path)) is None


@pytest.mark.parametrize("name", SOURCES)
def test_files_name_only_files_that_are_there(name: str) -> None:
    text = WEB.joinpath(name).read_text("utf-8")
    text = text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    named = re.findall(r'(?:src|href)="([^"#.]+\.[^"]+)"|from "\./([^"]+)"|addModule\("([^"]+)"\)', text)
    for address in ("".join(groups) for groups in named):
        assert page(asked(f"/{address}")) is not None, (
            address
        )  # none begins with "/": a proxy may add a folder
    assert not re.search(r"(?:src|href|from|import|url|fetch)\W{1,3}(?:https?:)?//", text)
    assert not re.search(r"\son\w+=|\sstyle=|<script(?![^>]*src)|innerHTML|\beval\b", text)


def test_the_page_has_the_colours_of_all_sinks() -> None:
    palette = WEB.joinpath("palette.js").read_text("utf-8")
    assert tuple(re.findall(r'"(#[0-9a-f]{6})"', palette)) == SPEAKER_COLOURS
