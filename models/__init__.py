"""Core ML packages on every machine: tensors in, tensors out, and the roles models play for hocket.

Importing this package loads nothing: each name below is fetched when it is first used. Runtimes (onnxruntime,
coremltools) are imported later still, when a model is opened.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalogue import Card as Card
    from .catalogue import find_card as find_card
    from .catalogue import known_models as known_models
    from .catalogue import known_pairs as known_pairs
    from .open import Runtime as Runtime
    from .open import open_predictor as open_predictor
    from .predictor import FakePredictor as FakePredictor
    from .predictor import Predictor as Predictor
    from .predictor import TensorSpec as TensorSpec
    from .selection import ModelPair as ModelPair
    from .selection import open_models as open_models

_NAMES = {
    "catalogue": ("Card", "find_card", "known_models", "known_pairs"),
    "open": ("Runtime", "open_predictor"),
    "predictor": ("FakePredictor", "Predictor", "TensorSpec"),
    "selection": ("ModelPair", "open_models"),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
