"""Bytes from the hub to the end of a file, from where it ends, as often as the connection breaks."""

import time
from pathlib import Path

from huggingface_hub import constants, errors
from huggingface_hub.utils import get_session, hf_raise_for_status, tqdm

_TRIES = 4  # in a row that bring nothing
_PAUSE = 1.0  # seconds between them


def receive(url: str, headers: dict[str, str], path: Path, size: int, name: str) -> None:
    """Add to the file at `path` what it lacks of `size` bytes, under a progress bar on a terminal.

    It may end up with other than `size` bytes where the hub sends so many. name: for the bar.
    Raises errors of huggingface_hub, where no other try would help or the last one has failed.
    """
    path.touch()
    have = path.stat().st_size
    failed = 0
    with tqdm(total=size, initial=have, unit="B", unit_scale=True, desc=name, disable=None) as bar:
        while have < size:
            try:
                _receive_rest(url, headers, path, size, bar)
                return
            except errors.HfHubHTTPError:  # it has been answered
                raise
            except errors.HTTPError:
                brought = path.stat().st_size - have
                failed = 0 if brought > 0 else failed + 1
                if failed == _TRIES:
                    raise
                have += brought
                time.sleep(_PAUSE)


def _receive_rest(url: str, headers: dict[str, str], path: Path, size: int, bar: tqdm) -> None:
    have = path.stat().st_size
    if have:
        headers = headers | {"Range": f"bytes={have}-"}
    with get_session().stream(
        "GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT
    ) as response:
        hf_raise_for_status(response)
        goes_on = response.status_code == 206
        with path.open("ab" if goes_on else "wb") as file:
            bar.update(file.tell() - bar.n)
            for piece in response.iter_bytes():
                file.write(piece)
                bar.update(len(piece))
                if file.tell() > size:
                    return
