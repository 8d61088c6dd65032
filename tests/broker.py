"""A real MQTT broker of a test's own, on loopback, and readers that do not use hocket's library."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest


def require_mosquitto() -> None:
    """Skips the test, with the reason, where there is no broker to start."""
    for program in ("mosquitto", "mosquitto_sub"):
        if shutil.which(program) is None and not Path("/usr/sbin", program).exists():
            pytest.skip(f"no {program} here: apt install mosquitto mosquitto-clients")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(claim: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether the claim comes true in time."""
    deadline = time.monotonic() + seconds
    while not claim() and time.monotonic() < deadline:
        time.sleep(0.02)
    return claim()


class Mosquitto:
    """The broker in its own folder; what it keeps for absent readers survives `restart`.

    settings: more lines of its configuration.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._log = folder / "mosquitto.log"
        self._settings = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        lines = [
            f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {folder}/",
            "max_queued_messages 0", "user root", *(settings or ("allow_anonymous true",)),
        ]  # fmt: skip
        self._settings.write_text("\n".join(lines) + "\n")

    def start(self) -> "Mosquitto":
        """Returns once it takes connections."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program, "-c", self._settings], stdout=log, stderr=log)
        assert eventually(self._answers), self._log.read_text()
        return self

    def stop(self, *, kill: bool = False) -> None:
        """Ends it, cleanly or as a power cut does."""
        if self._process is not None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait(10)
            self._process = None

    def restart(self, *, away: float = 0.0, kill: bool = False) -> None:
        self.stop(kill=kill)
        time.sleep(away)
        self.start()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Reader:
    """mosquitto_sub, which comes back after every restart: every message it was sent, in order.

    Its session is kept by the broker, so that what is published while it is away is not lost.
    """

    def __init__(
        self, broker: Mosquitto, *topics: str, name: str = "reader", more: Iterable[str] = ()
    ) -> None:
        self._process = subprocess.Popen(
            [
                "mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-i", name, "-c",
                "-F", '{"topic":"%t","retain":%r,"payload":"%x"}',
                *more, *(word for topic in topics for word in ("-t", topic)),
            ],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self.messages: list[tuple[str, bytes, bool]] = []  # topic, payload, whether it was retained
        self._following = threading.Thread(target=self._follow)
        self._following.start()

    def stop(self) -> None:
        self._process.terminate()
        self._following.join()
        self._process.wait()

    def events(self) -> list[dict[str, Any]]:
        """The events among the messages so far."""
        return [json.loads(payload) for topic, payload, _ in self.messages if "/event/" in topic]

    def _follow(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                m = json.loads(line)
                self.messages.append((m["topic"], bytes.fromhex(m["payload"]), bool(m["retain"])))


def read(
    broker: Mosquitto, topic: str, *, count: int = 1, seconds: int = 5, more: Iterable[str] = ()
) -> list[bytes]:
    """The next payloads on a topic, retained ones among them, as another program sees them."""
    done = subprocess.run(
        [
            "mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic, "-C", str(count),
            "-W", str(seconds), "-F", "%x", *more,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [bytes.fromhex(line) for line in done.stdout.splitlines()]


def read_json(broker: Mosquitto, topic: str) -> Any:
    (payload,) = read(broker, topic)
    return json.loads(payload)


def certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A certificate authority, a certificate of 127.0.0.1 signed by it, and that one's key, as PEM files."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def signed(name: str, key: Any, by: str, signer: Any, extension: Any) -> Any:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name)).issuer_name(named(by)).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day).not_valid_after(now + day)
            .add_extension(extension, critical=True).sign(signer, hashes.SHA256())
        )  # fmt: skip

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    files = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    authority = signed("a test", authority_key, "a test", authority_key, x509.BasicConstraints(True, None))
    files[0].write_bytes(authority.public_bytes(pem))
    files[1].write_bytes(signed("127.0.0.1", key, "a test", authority_key, here).public_bytes(pem))
    files[2].write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    assert ssl.create_default_context(cafile=files[0])
    return files
