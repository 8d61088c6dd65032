"""Who may do what: tokens, origins, and where a server may listen without them."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hocket.streaming.errors import ConfigError

BEARER_SUBPROTOCOL = "hocket.bearer."
ROLES = ("produce", "subscribe")
SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Tokens:
    """Bearer tokens by role; a role without any is open to everybody."""

    produce: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Tokens":
        """A TOML file of two lists, `produce` and `subscribe`, none of them empty.

        Raises ConfigError for anything else, and for tokens that could be guessed; OSError.
        """
        import tomllib

        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ConfigError(f"{path} is not TOML: {error}") from error
        if sorted(found) != sorted(ROLES):
            raise ConfigError(
                f"{path} has {', '.join(sorted(found)) or 'nothing'}: expected {' and '.join(ROLES)}"
            )
        for role, tokens in found.items():
            if not isinstance(tokens, list) or not tokens:
                raise ConfigError(f"{path}: {role} wants a list of tokens, at least one")
            for token in tokens:
                if not isinstance(token, str) or len(token) < SHORTEST_TOKEN or not token.isascii():
                    raise ConfigError(
                        f"{path}: a {role} token wants {SHORTEST_TOKEN} or more ASCII characters"
                    )
        return cls(tuple(found["produce"]), tuple(found["subscribe"]))

    def allow(self, role: str, token: str | None) -> bool:
        """Whether this token opens that role; takes as long for a wrong one as for a right one."""
        known = self.produce if role == "produce" else self.subscribe
        given = (token or "").encode()
        matches = [hmac.compare_digest(given, each.encode()) for each in known]
        return not known or any(matches)


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """Where a server listens and whom it lets in. origins: of pages from elsewhere."""

    host: str = "127.0.0.1"
    port: int = 8765
    tokens: Tokens = field(default_factory=Tokens)
    origins: tuple[str, ...] = ()
    insecure: bool = False


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


def origin_allowed(headers: Mapping[str, str], others: Iterable[str]) -> bool:
    """Whether a page may connect: from this host or of a listed origin; programs have none."""
    origin = headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == headers.get("Host") or origin in set(others)


def check_bind(host: str, tokens: Tokens, *, insecure: bool) -> None:
    """Raises ConfigError for an address that others can reach where anybody could then listen in."""
    if tokens.produce or insecure or host == "localhost":
        return
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise ConfigError(
            f"{host} can be reached from other machines, and no tokens are set: give a file of them "
            "(--tokens), or say --insecure"
        )
