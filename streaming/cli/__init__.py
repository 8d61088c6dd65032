"""The `hocket` command: arguments to objects, and errors to sentences. No logic of its own."""

from .app import main

__all__ = ["main"]
