"""A Ray cluster, joined for as long as a command runs."""

import contextlib
import io
import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import ray

from ..errors import ConfigError

logger = logging.getLogger(__name__)

LOCAL, AUTO = "local", "auto"
STORE_BYTES = 256 << 20  # for what is under way between processes: seconds of audio, a recording's events
ANSWER_SECONDS = 5.0


@contextlib.contextmanager
def joined(address: str) -> Iterator[int]:
    """A cluster that this process is part of; gives how many cores it has.

    address: HOST:PORT of its head, "auto" for the one that this machine belongs to, or "local" for one that
    begins here with all cores of this machine, and ends with the context.
    Raises ConfigError where there is none.
    """
    if address not in {LOCAL, AUTO}:
        _knock(address)
    own = {"include_dashboard": False, "object_store_memory": STORE_BYTES} if address == LOCAL else {}
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"no Ray cluster at {address!r}: {str(error).strip().splitlines()[0]}: join this machine to one "
            "with ray start --address=HOST:PORT, or say local"
        ) from error
    try:
        with contextlib.redirect_stdout(_Asides()):
            yield int(ray.cluster_resources().get("CPU", 0))
    finally:
        ray.shutdown()


class _Asides(io.TextIOBase):
    """What Ray prints of the fate of nodes, pages of it, on what is standard output: that is for data."""

    def write(self, text: str) -> int:
        logger.debug("%s", text)
        return len(text)


def _knock(address: str) -> None:
    """Raises ConfigError where nobody listens: Ray itself would find out after two minutes, and exit."""
    try:
        host, port = urlsplit(f"//{address}").hostname, urlsplit(f"//{address}").port
        if not host or port is None or "://" in address:
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"no address of a Ray cluster: {address!r}: expected HOST:PORT, auto or local"
        ) from None
    try:
        socket.create_connection((host, port), ANSWER_SECONDS).close()
    except OSError as error:
        raise ConfigError(
            f"no Ray cluster at {address}: {error.strerror or error}: begin one with ray start --head"
        ) from error
