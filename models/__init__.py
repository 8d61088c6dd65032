"""Core ML packages on every machine: tensors in, tensors out, and the two roles models play for hocket.

Importing this package loads no runtime: onnxruntime and coremltools are imported when a model is opened.
"""

from .catalogue import Card, find_card, known_models, known_pairs
from .open import Runtime, open_predictor
from .predictor import FakePredictor, Predictor, TensorSpec
from .selection import ModelPair, open_models

__all__ = [
    "Card",
    "FakePredictor",
    "ModelPair",
    "Predictor",
    "Runtime",
    "TensorSpec",
    "find_card",
    "known_models",
    "known_pairs",
    "open_models",
    "open_predictor",
]
