"""Which broker, and how it is talked to: an mqtt:// URL as settings that were checked."""

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import ConfigError

Version = Literal["5", "3.1.1"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_EXPECTED = "expected mqtt://[user:password@]host[:port][/prefix][?option=value], or mqtts:// for TLS"


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A broker and what is to be said there.

    prefix: what every topic starts with. version: of MQTT.
    tls: encrypted. ca: a file of certificates to trust instead of the system's; certificate, key: files that
    prove who hocket is.
    client: how hocket is called there, another name each time where not given (two of one name throw each
    other out).
    provisional_qos: 0 or 1, of what may still change and of heartbeats; everything else is 1.
    expiry: seconds after which those are of no use to anybody.
    home_assistant: the discovery prefix of a Home Assistant that is to know each session, "" for none.
    control: whether sessions obey what is published on their `set` topics.
    audio: whether a service hears what microphones publish on `audio` topics.
    outbox: the file in which events wait while the broker is away, None for one of this user's.
    outbox_limit: messages that may wait there before provisional ones are let go.
    keepalive: seconds between signs of life.
    retry: shortest and longest wait before connecting again, seconds.
    drain: seconds that the end may take for what still waits.
    Raises ConfigError for a setting out of range and for certificates that cannot be read.
    """

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    prefix: str = "hocket"
    version: Version = "5"
    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    client: str | None = None
    provisional_qos: int = 1
    expiry: int = 60
    home_assistant: str = ""
    control: bool = False
    audio: bool = False
    outbox: Path | None = None
    outbox_limit: int = 100_000
    keepalive: int = 30
    retry: tuple[float, float] = (1.0, 30.0)
    drain: float = 5.0

    def __post_init__(self) -> None:
        if not self.prefix or set(self.prefix) & set("+#$\0") or "" in self.prefix.split("/"):
            raise ConfigError(
                f"MQTT topic prefix {self.prefix!r}: expected words between single slashes, without + # $"
            )
        if self.version not in ("5", "3.1.1"):
            raise ConfigError(f"MQTT version {self.version!r}: expected 5 or 3.1.1")
        for name, least, most in (
            ("port", 1, 65_535), ("provisional_qos", 0, 1), ("expiry", 1, 2**32 - 1),
            ("keepalive", 1, 65_535), ("outbox_limit", 1, 2**31),
        ):  # fmt: skip
            if not least <= getattr(self, name) <= most:
                raise ConfigError(f"MQTT {name} {getattr(self, name)}: expected {least} to {most}")
        if (self.ca or self.certificate or self.key) and not self.tls:
            raise ConfigError("certificates are of use with TLS only: expected an mqtts:// address")
        if self.key and not self.certificate:
            raise ConfigError(
                f"MQTT key {str(self.key)!r} without its certificate: expected cert=FILE beside it"
            )
        self.tls_context()

    @classmethod
    def from_url(cls, url: str) -> "Broker":
        """The broker that a URL names.

        Options after the `?`: version, ca, cert, key, client, provisional_qos, expiry, home_assistant (its
        discovery prefix), control, audio (0 or 1), outbox, outbox_limit, keepalive. User and password may
        be %-encoded. Raises ConfigError, never with the password in it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"MQTT address: {error}; {_EXPECTED}") from None
        if parts.scheme not in _PORTS:
            raise ConfigError(f"MQTT address of kind {parts.scheme or url!r}: {_EXPECTED}")
        if not parts.hostname:
            raise ConfigError(f"MQTT address names no host: {_EXPECTED}")
        if parts.fragment:
            raise ConfigError(
                "MQTT address holds a '#': write %23 for one in a password, topics cannot have any"
            )
        settings: dict[str, Any] = {
            "host": parts.hostname,
            "port": _PORTS[parts.scheme] if port is None else port,
            "tls": parts.scheme == "mqtts",
            "username": None if parts.username is None else unquote(parts.username),
            "password": None if parts.password is None else unquote(parts.password),
        }
        if prefix := unquote(parts.path).strip("/"):
            settings["prefix"] = prefix
        return cls(**settings, **_options(parse_qsl(parts.query, keep_blank_values=True)))

    @property
    def address(self) -> str:
        """What people call it, without secrets."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}/{self.prefix}"

    @property
    def outbox_file(self) -> Path:
        """Where events wait: the same file each time for the same broker and prefix."""
        if self.outbox is not None:
            return self.outbox
        from platformdirs import user_state_path

        digest = hashlib.sha256(self.address.encode()).hexdigest()[:8]
        return user_state_path("hocket", appauthor=False) / "mqtt" / f"{self.host}-{digest}.db"

    def tls_context(self) -> ssl.SSLContext | None:
        """What to trust and show, None without TLS. Raises ConfigError for files that cannot be read."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(str(file) for file in (self.ca, self.certificate, self.key) if file)
            raise ConfigError(f"certificates for {self.address} ({files}): {error}") from error
        return context


def _options(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    settings = {}
    for name, text in pairs:
        if name not in _OPTIONS:
            raise ConfigError(f"unknown MQTT option {name!r}: expected one of {', '.join(_OPTIONS)}")
        field, read = _OPTIONS[name]
        try:
            settings[field] = read(text)
        except (ValueError, KeyError):
            raise ConfigError(f"MQTT option {name}={text}: expected {_WANTED.get(read, 'a value')}") from None
    return settings


def _switch(text: str) -> bool:
    return {"0": False, "1": True}[text]


_OPTIONS: Mapping[str, tuple[str, Any]] = {
    "version": ("version", str),
    "ca": ("ca", Path),
    "cert": ("certificate", Path),
    "key": ("key", Path),
    "client": ("client", str),
    "provisional_qos": ("provisional_qos", int),
    "expiry": ("expiry", int),
    "home_assistant": ("home_assistant", str),
    "control": ("control", _switch),
    "audio": ("audio", _switch),
    "outbox": ("outbox", Path),
    "outbox_limit": ("outbox_limit", int),
    "keepalive": ("keepalive", int),
}
_WANTED = {int: "a whole number", _switch: "0 or 1"}
