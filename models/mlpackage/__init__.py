"""Core ML packages, read on any machine with numpy alone: folder in, typed program out."""

from pathlib import Path

from .manifest import PackageFiles, locate
from .program import Constant, Operation, Program, Reference, TensorType, Variable
from .proto_reader import read_mlpackage
from .text_reader import read_mlmodelc

__all__ = [
    "Constant",
    "Operation",
    "PackageFiles",
    "Program",
    "Reference",
    "TensorType",
    "Variable",
    "locate",
    "read_package",
]


def read_package(path: Path, function: str = "main") -> Program:
    """The named function of the ML Program in `path`, an .mlpackage or .mlmodelc folder.

    Constants of the program may be views of the package's mapped weight files.
    Raises UnknownModel when there is no such folder, PackageError when it is damaged or of another kind.
    """
    files = locate(path)
    return read_mlmodelc(files, function) if files.is_text else read_mlpackage(files, function)
