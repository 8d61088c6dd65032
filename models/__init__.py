"""Core ML packages on every machine: tensors in, tensors out, and the two roles models play for hocket.

Importing this package loads no runtime: onnxruntime and coremltools are imported when a model is opened.
"""

from .open import Runtime, open_predictor
from .predictor import FakePredictor, Predictor, TensorSpec

__all__ = ["FakePredictor", "Predictor", "Runtime", "TensorSpec", "open_predictor"]
