"""A hub on this machine: what huggingface_hub asks of the real one, answered alike, with faults to order.

Large files (.bin) are answered by a redirect to a storage server under another host name, as the real hub
does; the rest it sends itself. Both understand Range.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_RESOLVE = re.compile(r"/(?P<repository>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
_INFO = re.compile(r"/api/models/(?P<repository>[^/]+/[^/]+)/revision/(?P<revision>.+)")
_STORAGE = "/storage/"


@dataclass
class Repository:
    """Commits, oldest first, each with its files; the last is main. readers: tokens that see a gated one."""

    commits: dict[str, dict[str, bytes]]
    readers: set[str] | None = None

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """A commit and its files."""
        commit = list(self.commits)[-1] if revision == "main" else revision
        return (commit, self.commits[commit]) if commit in self.commits else None


@dataclass(frozen=True)
class Request:
    """One that came. host: "hub" or "storage"."""

    host: str
    method: str
    path: str
    token: str | None
    range: str | None


@dataclass
class Hub:
    """What it has, what it was asked, and what is wrong with it.

    tokens: those that it knows. sent_instead: other contents by path. cuts: per path, after how many bytes
    each of the next answers breaks off. status: of every answer instead of what is asked for.
    """

    repositories: dict[str, Repository]
    endpoint: str = ""
    storage: str = ""
    tokens: set[str] = field(default_factory=set)
    requests: list[Request] = field(default_factory=list)
    sent_instead: dict[str, bytes] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    status: int = 0
    knows_ranges: bool = True

    def downloads(self) -> list[Request]:
        """Requests for contents, redirects apart."""
        return [
            request
            for request in self.requests
            if request.method == "GET" and ("/resolve/" in request.path or request.host == "storage")
        ]


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub and its storage, on free ports, until the block ends."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub, name)) for name in ("hub", "storage")]
    hub.endpoint, hub.storage = (
        f"http://{host}:{server.server_port}" for host, server in zip(("127.0.0.1", "localhost"), servers)
    )
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads):
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(hub: Hub, host: str) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.hub = hub
    Handler.host = host
    return Handler


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    host: str
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *arguments: object) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        self.hub.requests.append(Request(self.host, self.command, path, token, self.headers.get("Range")))
        if self.hub.status:
            self._refuse(self.hub.status, "", "internal error")
        elif self.host == "storage":
            self._send_stored(path.removeprefix(_STORAGE))
        elif token and token not in self.hub.tokens:
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif found := _INFO.fullmatch(path):
            self._tell(found, token)
        elif found := _RESOLVE.fullmatch(path):
            self._resolve(found, token)
        else:
            self._refuse(404, "", "no such page")

    def _commit(self, found: re.Match[str], token: str | None) -> tuple[str, dict[str, bytes]] | None:
        """The commit that is asked for; None after a refusal."""
        repository = self.hub.repositories.get(found["repository"])
        if repository is None:
            self._refuse(404 if token else 401, "RepoNotFound", "Repository not found")
            return None
        commit = repository.at(found["revision"])
        if commit is None:
            self._refuse(404, "RevisionNotFound", "Invalid rev id")
        return commit

    def _tell(self, found: re.Match[str], token: str | None) -> None:
        if (commit := self._commit(found, token)) is None:
            return
        siblings = [_told(path, content) for path, content in commit[1].items()]
        told = {"id": found["repository"], "modelId": found["repository"], "sha": commit[0]}
        self._send(json.dumps({**told, "siblings": siblings}).encode(), {"Content-Type": "application/json"})

    def _resolve(self, found: re.Match[str], token: str | None) -> None:
        if (commit := self._commit(found, token)) is None:
            return
        readers = self.hub.repositories[found["repository"]].readers
        if readers is not None and token not in readers:
            self._refuse(403 if token else 401, "GatedRepo", "Access to this model is restricted")
        elif (content := commit[1].get(found["path"])) is None:
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif found["path"].endswith(".bin"):
            self.send_response(302)
            self.send_header("X-Repo-Commit", commit[0])
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("Location", f"{self.hub.storage}{_STORAGE}{self.path.lstrip('/')}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            headers = {"X-Repo-Commit": commit[0], "ETag": f'"{git_oid(content)}"'}
            self._send_contents(found["path"], content, headers)

    def _send_stored(self, path: str) -> None:
        found = _RESOLVE.fullmatch(f"/{path}")
        assert found is not None
        commit = self.hub.repositories[found["repository"]].at(found["revision"])
        assert commit is not None
        self._send_contents(found["path"], commit[1][found["path"]], {})

    def _send_contents(self, path: str, content: bytes, headers: dict[str, str]) -> None:
        content = self.hub.sent_instead.get(path, content)
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(wanted[1]) if wanted and self.hub.knows_ranges else 0
        if start:
            headers |= {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        cuts = self.hub.cuts.get(path, [])
        most = cuts.pop(0) if cuts and self.command == "GET" else None
        self._send(content[start:], headers, 206 if start else 200, most)

    def _send(
        self, content: bytes, headers: dict[str, str], status: int = 200, most: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(content[:most])
        if most is not None:
            self.wfile.flush()
            self.close_connection = True

    def _refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(json.dumps({"error": message}).encode(), headers, status)


def _told(path: str, content: bytes) -> dict[str, object]:
    told: dict[str, object] = {"rfilename": path, "size": len(content), "blobId": git_oid(content)}
    if path.endswith(".bin"):
        sha256 = hashlib.sha256(content).hexdigest()
        told["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
    return told


def git_oid(content: bytes) -> str:
    """The name that git gives to a file of these contents."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
