"""Sound as a browser's MediaRecorder would send it: Opus in a container."""

import io

import av
import numpy as np
from numpy.typing import NDArray

RATE, FRAME = 48_000, 960
CONTAINERS = {"ogg_opus": "ogg", "webm_opus": "webm"}


def recorded(samples: NDArray[np.float32], encoding: str, *, silent: tuple[int, int] = (0, 0)) -> bytes:
    """samples: (n, channels) float32 at 48 kHz. silent: samples [start, stop) that the recorder left out."""
    out, layout = io.BytesIO(), "stereo" if samples.shape[1] == 2 else "mono"
    with av.open(out, "w", format=CONTAINERS[encoding]) as container:
        stream = container.add_stream("libopus", rate=RATE)
        stream.layout = layout
        for start in range(0, len(samples), FRAME):
            if silent[0] <= start < silent[1]:
                continue
            block = (samples[start : start + FRAME] * 32_767).astype("<i2").reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="s16", layout=layout)
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()
