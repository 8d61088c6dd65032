"""The microphone, through PortAudio: captured in a callback, watched for overflow and unplugging."""

import asyncio
import contextlib
import logging
import math
import re
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DeviceError
from .base import Block, Lost
from .inbox import Inbox
from .portaudio import Settings, agree, find_device, load, rescan

logger = logging.getLogger(__name__)

BLOCK_SECONDS = 0.02
WAITING_SECONDS = 10.0  # of audio, should the event loop be busy with something else
START_SECONDS = 5.0  # a null sink's monitor takes 2 s to give its first block
STALL_SECONDS = 1.0
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.5, 10.0
FULL_SCALE = 32_768


@dataclass(frozen=True, slots=True)
class _Heard:
    """A block of interleaved 16-bit samples.

    lost: samples missing before it, 0 where that cannot be told, None where nothing is.
    ended: when the callback got it, in seconds of the monotonic clock.
    """

    data: bytes
    lost: int | None
    ended: float


@dataclass(frozen=True, slots=True)
class _Over:
    """The device stopped, and nobody had asked it to."""

    reason: str


class Microphone:
    """A sound card's input, for as long as it can be had.

    device: number, name, words of its name, or None for the system's choice.
    rate_hz, channels: wishes; the attributes of these names say what the device agreed to.
    reconnect: seconds to go on looking for a device that went away, before giving up with DeviceError.
        The time without it is `Lost`, told at every try, so that the session's clock stays true.
    Looking for a device restarts PortAudio, which ends whatever else in this process uses it.
    Raises DeviceError at once without PortAudio, without such a device, or when it cannot be opened.
    """

    live = True
    num_samples: int | None = None

    def __init__(
        self,
        device: int | str | None = None,
        *,
        rate_hz: int = 16_000,
        channels: int = 1,
        reconnect: float = math.inf,
    ) -> None:
        found = find_device(device)
        self.name = found.name
        self._settings = agree(found, rate_hz, channels)
        self.rate_hz = self._settings.rate_hz
        self.channels = self._settings.channels
        by_number = isinstance(device, int) or (device or "").isdecimal()
        self._wanted = _lasting_name(found.name) if by_number else device
        self._reconnect = reconnect
        self._inbox: Inbox[_Heard | _Over] = Inbox(round(WAITING_SECONDS / BLOCK_SECONDS))
        self._capture: _Capture | None = None
        self._is_fresh = True  # no block yet since the device was opened
        self._told: float | None = None  # monotonic time up to which blocks or losses have been told

    def close(self) -> None:
        self._inbox.close()

    async def blocks(self) -> AsyncGenerator[Block | Lost, None]:
        try:
            await asyncio.to_thread(self._open, self._settings)
            while (piece := await self._next()) is not None:
                if isinstance(piece, _Over):
                    logger.warning("microphone %r %s: looking for it", self.name, piece.reason)
                    async with contextlib.aclosing(self._search(piece.reason)) as losses:
                        async for lost in losses:
                            yield lost
                    continue
                samples = np.frombuffer(piece.data, np.int16).reshape(-1, self.channels)
                if self._is_fresh:
                    for lost in self._gone_until(piece.ended - len(samples) / self.rate_hz):
                        yield lost
                if piece.lost is not None:
                    yield Lost(piece.lost, "input overflow")
                self._is_fresh, self._told = False, piece.ended
                yield Block(samples.astype(np.float32) / np.float32(FULL_SCALE))
        finally:
            self._inbox.close()
            self._shut()

    async def _next(self) -> _Heard | _Over | None:
        patience = START_SECONDS if self._is_fresh else STALL_SECONDS
        try:
            return await self._inbox.get(patience)
        except TimeoutError:
            return _Over(f"delivered nothing for {patience:g} s")

    async def _search(self, reason: str) -> AsyncGenerator[Lost, None]:
        """Ends when the device is open again or the source closed; raises DeviceError when patience ends."""
        self._shut()
        deadline, delay = time.monotonic() + self._reconnect, FIRST_RETRY_SECONDS
        while not self._inbox.closed and (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(DeviceError):
                await asyncio.to_thread(self._reopen)
                logger.warning("microphone %r is back", self.name)
                return
            for lost in self._gone_until(time.monotonic()):
                yield lost
            with contextlib.suppress(TimeoutError):
                await self._inbox.get(min(delay, left))
            delay = min(2 * delay, LAST_RETRY_SECONDS)
        for lost in self._gone_until(time.monotonic()):
            yield lost
        if not self._inbox.closed:
            raise DeviceError(
                f"microphone {self.name!r} {reason}, and did not come back within {self._reconnect:g} s: "
                "plug it in, or start its sound server, and begin again"
            )

    def _gone_until(self, now: float) -> list[Lost]:
        """What passed unheard between what has been told and `now`; nothing before the first block."""
        missing = 0 if self._told is None else round((now - self._told) * self.rate_hz)
        if self._told is None or missing <= 0:
            return []
        self._told += missing / self.rate_hz
        return [Lost(missing, "microphone gone")]

    def _reopen(self) -> None:
        rescan()
        settings = agree(find_device(self._wanted), self.rate_hz, self.channels)
        if (settings.rate_hz, settings.channels) != (self.rate_hz, self.channels):
            raise DeviceError(
                f"microphone {settings.device.name!r} came back with {settings.channels} channels at "
                f"{settings.rate_hz} Hz: expected {self.channels} at {self.rate_hz} Hz as before"
            )
        self._open(settings)

    def _open(self, settings: Settings) -> None:
        self._is_fresh = True
        self._capture = _Capture(settings, self._inbox)
        if self._inbox.closed:  # while the device was being opened in its thread
            self._shut()

    def _shut(self) -> None:
        if self._capture is not None:
            self._capture.close()


class _Capture:
    """One opening of a device: fills the inbox until it is closed or the device stops."""

    def __init__(self, settings: Settings, inbox: Inbox[_Heard | _Over]) -> None:
        sd = load()
        self._rate_hz = settings.rate_hz
        self._inbox = inbox
        self._closing = False
        self._untold = 0  # samples that the inbox had no room for
        self._adc_end = self._ended = math.nan  # of the last block, on the converter's clock and on ours
        try:
            self._stream = sd.RawInputStream(
                device=settings.device.index,
                samplerate=settings.rate_hz,
                channels=settings.channels,
                dtype="int16",
                blocksize=round(BLOCK_SECONDS * settings.rate_hz),
                callback=self._hear,
                finished_callback=self._finish,
            )
            self._stream.start()
        except sd.PortAudioError as error:
            raise DeviceError(f"microphone {settings.device.name!r} cannot be opened: {error}") from error

    def close(self) -> None:
        self._closing = True
        self._stream.close()

    def _hear(self, data: Any, num_samples: int, when: Any, status: Any) -> None:
        """PortAudio's callback: copies, counts and leaves; the driver's thread has no time for more."""
        now, seconds = time.monotonic(), num_samples / self._rate_hz
        lost = self._untold or None
        if status.input_overflow and not math.isnan(self._ended):
            lost = self._untold + self._missing(when.inputBufferAdcTime, now - seconds)
        self._adc_end, self._ended = when.inputBufferAdcTime + seconds, now
        taken = self._inbox.offer(_Heard(bytes(data), lost, now))
        self._untold = 0 if taken else (lost or 0) + num_samples

    def _missing(self, adc_start: float, start: float) -> int:
        """Samples between the last block and one that starts here, by the converter's clock if it can be.

        That clock may have an odd base, stand still or jump: only its differences count, and none that is
        negative or a second longer than by our own clock.
        """
        by_adc, by_clock = adc_start - self._adc_end, max(0.0, start - self._ended)
        return round((by_adc if 0 < by_adc <= by_clock + 1 else by_clock) * self._rate_hz)

    def _finish(self) -> None:
        if not self._closing:
            self._inbox.offer(_Over("was unplugged, or its sound server ended"))


def _lasting_name(name: str) -> str:
    """A device's name without the card number, which changes from one plugging in to the next."""
    return re.sub(r"\s*\(hw:\d+,\d+\)", "", name)
