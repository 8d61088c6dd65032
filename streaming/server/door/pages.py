"""What a browser may fetch: the page, the overlay and their parts, which ask for nothing from elsewhere."""

import functools
import hashlib
import http
from importlib.resources import files
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

_PAGES = {"/": "index.html", "/overlay": "overlay.html"}
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# Scripts, styles, pictures and sockets of this server alone; `blob:` is what a player plays of a chosen file.
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "media-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Cache-Control": "no-cache",  # asked for again each time, and answered by 304
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}


def page(request: Request) -> Response | None:
    """The file that a request asks for, or word that the browser has it; None where there is no such file."""
    found = _files().get(urlsplit(request.path).path)
    if found is None:
        return None
    content, kind, tag = found
    headers = Headers(_HEADERS | {"ETag": tag})
    if request.headers.get("If-None-Match") == tag:
        return _response(http.HTTPStatus.NOT_MODIFIED, headers, b"")
    headers["Content-Type"] = kind
    headers["Content-Length"] = str(len(content))
    return _response(http.HTTPStatus.OK, headers, content)


@functools.cache
def _files() -> dict[str, tuple[bytes, str, str]]:
    """(content, type, tag) of every file, by its address; read once."""
    found = {}
    names = {name: address for address, name in _PAGES.items()}
    for file in files("hocket.streaming.server").joinpath("web").iterdir():
        content = file.read_bytes()
        kind = _TYPES[file.name.rpartition(".")[2]]
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        found[names.get(file.name, f"/{file.name}")] = (content, kind, tag)
    return found


def _response(status: http.HTTPStatus, headers: Headers, body: bytes) -> Response:
    return Response(status.value, status.phrase, headers, body)
