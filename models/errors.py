"""Everything hocket.models may raise on purpose.

HocketError
└── ModelError
    ├── PackageError            a Core ML package is damaged or not what it says
    ├── UnsupportedOperator     a package uses operators without a translation
    ├── ShapeError              an array does not fit a model's declared interface
    ├── UnknownModel            no model of that name, no such folder
    ├── ModelRoleError          a model cannot do what it was named for
    ├── PullError               a published model could not be brought to this machine
    │   └── GatedModel          its publisher wants conditions accepted first
    └── MissingDependency       an optional package is not installed

Anything else that leaves this package is a bug to report.
"""


class HocketError(Exception):
    """Root of every deliberate error. `str(error)` is a sentence for a person: what, where, remedy."""


class ModelError(HocketError):
    """A model could not be found, read, translated or run."""


class PackageError(ModelError):
    """A Core ML package is damaged, incomplete, or of a kind that cannot be run."""


class UnsupportedOperator(ModelError):
    """A package uses operators without a translation; `operators` counts each by name."""

    def __init__(self, message: str, operators: dict[str, int]) -> None:
        super().__init__(message)
        self.operators = operators


class ShapeError(ModelError, ValueError):
    """An array's name, shape or dtype does not fit a model's declared interface."""


class UnknownModel(ModelError):
    """No catalogue entry or folder goes by this name; `known` lists the names that do."""

    def __init__(self, message: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.known = known


class ModelRoleError(ModelError):
    """A model was asked for a part (segmentation, embedding) that it does not play."""


class PullError(ModelError):
    """A published model could not be brought here: absent, refused, out of reach, or with other contents."""


class GatedModel(PullError):
    """A publisher wants conditions accepted, and to know by whom, before a model is handed out."""


class MissingDependency(ModelError):
    """An optional package is absent; the message holds the command that installs it."""
