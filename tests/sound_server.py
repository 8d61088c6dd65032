"""A sound server of a test's own: PulseAudio on its own folder, with a pipe for a microphone."""

import contextlib
import shutil
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket.streaming.errors import DeviceError
from hocket.streaming.sources.portaudio import list_devices, rescan

RATE = 16_000
BLOCK = RATE // 50
ALSA_CONFIG = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"


class SoundServer:
    """PulseAudio whose only source is a pipe: silence flows in all the time, and what is to be played.

    It also runs as root in a container: no bus, no user's settings, no other server is touched.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._socket, self._pipe = folder / "native", folder / "microphone"
        self._process: subprocess.Popen[bytes] | None = None
        self._player: threading.Thread | None = None
        self._playing: NDArray[np.int16] = np.zeros(0, np.int16)
        (folder / "alsa.conf").write_text(ALSA_CONFIG)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        monkeypatch.setenv("HOME", str(folder))
        monkeypatch.setenv("PULSE_SERVER", f"unix:{self._socket}")
        monkeypatch.setenv("ALSA_CONFIG_PATH", str(folder / "alsa.conf"))

    def start(self) -> None:
        """Returns once the server takes connections and its microphone is on."""
        self._socket.unlink(missing_ok=True)
        self._pipe.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
                "-L", f"module-pipe-source file={self._pipe} format=s16le rate={RATE} channels=1",
                "-L", f"module-native-protocol-unix socket={self._socket} auth-anonymous=1",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 10.0
        while not self._socket.exists():
            assert self._process.poll() is None, "the sound server ended"
            assert time.monotonic() < deadline, "the sound server does not start"
            time.sleep(0.01)
        self._player = threading.Thread(target=self._play_on, daemon=True)
        self._player.start()

    def kill(self) -> None:
        """As unplugging does: no goodbye."""
        if self._process is not None and self._player is not None:
            self._process.kill()
            self._process.wait()
            self._player.join()
            self._process = None

    def play(self, samples: NDArray[np.int16]) -> None:
        """Let these be heard next, at their pace."""
        self._playing = samples

    def _play_on(self) -> None:
        with contextlib.suppress(BrokenPipeError), self._pipe.open("wb", buffering=0) as pipe:
            started, num_blocks = time.monotonic(), 0
            while True:
                block, self._playing = self._playing[:BLOCK], self._playing[BLOCK:]
                pipe.write(np.pad(block, (0, BLOCK - len(block))).tobytes())
                num_blocks += 1
                time.sleep(max(0.0, started + num_blocks * BLOCK / RATE - time.monotonic()))


def require_sound_server() -> None:
    """Skips the test, with the reason, where a sound server cannot be had."""
    if shutil.which("pulseaudio") is None:
        pytest.skip("no pulseaudio here: apt install pulseaudio")
    try:
        list_devices()
    except DeviceError as error:
        pytest.skip(str(error))


def require_microphone() -> None:
    """Skips the test where PortAudio does not see the server's microphone."""
    rescan()
    if not list_devices():
        pytest.skip("PortAudio does not reach PulseAudio: apt install libasound2-plugins")
