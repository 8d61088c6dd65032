"""Who may do what: tokens by role, pages by origin, and where a server may listen without tokens."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from hocket.streaming.errors import ConfigError

from ..protocol.ends import Close, Rejected

BEARER_SUBPROTOCOL = "hocket.bearer."
SHORTEST_TOKEN = 16
FORWARDING = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Bearer tokens by role: produce sends audio, subscribe reads events, metrics reads figures.

    admin opens every role. Without any token at all everybody may everything; with some, a role that has
    none is for admins only.
    """

    produce: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """A TOML file of lists: `produce` and `subscribe`, and where wanted `admin` and `metrics`.

        Raises ConfigError for anything else, and for tokens that could be guessed; OSError.
        """
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ConfigError(f"{path} is not TOML: {error}") from error
        for role in found.keys() - set(ROLES):
            close = get_close_matches(role, ROLES, 1)
            remedy = f"did you mean {close[0]!r}?" if close else f"expected {', '.join(ROLES)}"
            raise ConfigError(f"{path}: no role {role!r}: {remedy}")
        for role in ("produce", "subscribe"):
            if role not in found:
                raise ConfigError(f"{path} has no {role} tokens: expected produce and subscribe")
        for role, tokens in found.items():
            if not isinstance(tokens, list) or not tokens:
                raise ConfigError(f"{path}: {role} wants a list of tokens, at least one")
            for token in tokens:
                if not isinstance(token, str) or len(token) < SHORTEST_TOKEN or not token.isascii():
                    raise ConfigError(
                        f"{path}: a {role} token wants {SHORTEST_TOKEN} or more ASCII characters"
                    )
        return cls(**{role: tuple(tokens) for role, tokens in found.items()})

    @property
    def are_set(self) -> bool:
        """Whether there are any."""
        return any(getattr(self, role) for role in ROLES)

    def allow(self, role: str, token: str | None) -> bool:
        """Whether this token opens that role; takes as long for a wrong one as for a right one."""
        known: tuple[str, ...] = getattr(self, role) + self.admin
        given = _octets(token or "")
        matches = [hmac.compare_digest(given, each.encode()) for each in known]
        return not self.are_set or any(matches)


ROLES = tuple(role.name for role in fields(Tokens))


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """Where a server listens and whom it lets in.

    origins: of pages from elsewhere. tls: speaks it, as `certified` has it.
    most_connections, most_per_address: at the same time, in all and from one address or IPv6 network.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    tokens: Tokens = field(default_factory=Tokens)
    origins: tuple[str, ...] = ()
    insecure: bool = False
    tls: ssl.SSLContext | None = None
    most_connections: int = 1000
    most_per_address: int = 500

    @property
    def address(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host


def certified(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer by a certificate chain and its key, in PEM. Raises ConfigError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"no TLS by {certificate} and {key}: {error}: expected a certificate in PEM and its key, "
            "without a passphrase"
        ) from error
    return context


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of a request: `Authorization: Bearer`, or for browsers `hocket.bearer.<base64url>`."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    for offered in headers.get("Sec-WebSocket-Protocol", "").split(","):
        if offered.strip().startswith(BEARER_SUBPROTOCOL):
            encoded = offered.strip().removeprefix(BEARER_SUBPROTOCOL)
            try:
                return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
            except (binascii.Error, ValueError):
                return None
    return None


def fingerprint(token: str) -> str:
    """What stands for a token where it must not be seen: the same for the same, and no way back."""
    return hashlib.sha256(_octets(token)).hexdigest()[:16]


def origin_allowed(headers: Mapping[str, str], door: Door) -> bool:
    """Whether a page may connect: from this host or of a listed origin; programs have none.

    Without tokens, "this host" must be an address, localhost or what the server was told to listen on. Any
    other name may be an attacker's own that now leads here (DNS rebinding), with pages of "this host".
    """
    origin = headers.get("Origin")
    if origin is None or origin in door.origins:
        return True
    host = headers.get("Host", "")
    if not host or _netloc(origin) != host.lower():
        return False
    return door.tokens.are_set or _hostname(host) == door.host.lower() or is_address(host)


def is_address(host: str) -> bool:
    """Whether a Host header names a machine without asking DNS: by its address, or as localhost."""
    name = _hostname(host)
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_origin(headers: Mapping[str, str], door: Door) -> None:
    """Raises Rejected for pages from elsewhere."""
    if not origin_allowed(headers, door):
        raise Rejected("forbidden", Close.FORBIDDEN, "pages from elsewhere are not let in: see --origin")


def holder_of(headers: Mapping[str, str], door: Door, role: str) -> str | None:
    """What stands for the token that opens this role; None where none is needed. Raises Rejected."""
    token = bearer(headers)
    if not door.tokens.allow(role, token):
        raise Rejected("unauthorized", Close.UNAUTHORIZED, f"a token that may {role} is needed")
    return fingerprint(token) if token is not None and door.tokens.are_set else None


def comes_from_here(peer: str, headers: Mapping[str, str]) -> bool:
    """Whether a program on this machine asks, for itself: no proxy's request, no page's by another name."""
    if any(name in headers for name in FORWARDING) or not is_address(headers.get("Host", "")):
        return False
    return is_loopback(peer)


def is_loopback(host: str) -> bool:
    """Whether an address, as a peer has one, is of this machine alone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def check_bind(host: str, tokens: Tokens, *, insecure: bool) -> None:
    """Raises ConfigError for an address that others can reach where anybody could then listen in."""
    if not (tokens.are_set or insecure or host == "localhost" or is_loopback(host)):
        raise ConfigError(
            f"{host or 'every address'} can be reached from other machines, and no tokens are set: give a "
            "file of them (--tokens), or say --insecure"
        )


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # as headers are read: any byte may come
