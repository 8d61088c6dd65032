"""ML Programs to ONNX, with numpy alone: no onnx, protobuf, coremltools or torch."""

from .translator import translate

__all__ = ["translate"]
