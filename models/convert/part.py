"""One package to be made of a checkpoint, and the loading of parameters that must fit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..errors import ModelError
from .checkpoint import StateDict
from .package import Input, Precision, Selector, nothing

Probe = dict[str, NDArray[np.float32]]
Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True)
class Part:
    """One package to be: a network, its interface, and inputs on which it is judged.

    precision: None for what the caller asks for, else what this part needs whatever is asked.
    max_error_fp16: what rounding to half precision may cost, over the output's scale.
    max_error_fp32: the same for another order of the sums.
    full_precision: the operators that stay in fp32 in a half-precision package.
    """

    name: str
    net: nn.Module
    inputs: tuple[Input, ...]
    output: str
    probe: Callable[[], Probe]
    description: str
    author: str
    license_name: str
    precision: Precision | None = None
    full_precision: Selector = nothing
    max_error_fp16: float = 0.0
    max_error_fp32: float = 1e-5

    def reference(self, probe: Probe) -> NDArray[np.float32]:
        """What PyTorch makes of the probe, in fp32."""
        with torch.inference_mode():
            output = self.net(*(torch.from_numpy(probe[item.name]) for item in self.inputs))
        return np.asarray(output.numpy())


def load_strictly(net: Net, name: str, state: StateDict) -> Net:
    """`net` with exactly these parameters, in evaluation mode. Raises ModelError naming what differs.

    Kernels over time alone get a height of 1, as the networks here have them.
    """
    wanted = net.state_dict()
    given = {key: value.unsqueeze(2) if value.ndim == 3 else value for key, value in state.items()}
    wrong = [
        *(f"missing {key}" for key in wanted.keys() - given.keys()),
        *(f"unexpected {key}" for key in given.keys() - wanted.keys()),
        *(
            f"{key} is {tuple(given[key].shape)}, expected {tuple(wanted[key].shape)}"
            for key in wanted.keys() & given.keys()
            if given[key].shape != wanted[key].shape
        ),
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(f"{name} does not fit {type(net).__name__}: {'; '.join(sorted(wrong)[:3])}{more}")
    net.load_state_dict(given, strict=True)
    net.eval()
    return net
