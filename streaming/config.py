"""Every number that shapes a session, in one frozen record: the defaults are the ones that are measured."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from .errors import ConfigError
from .sections import filled

if TYPE_CHECKING:
    from .atoms import AtomRules
    from .clustering import ClusterRules


@dataclass(frozen=True, kw_only=True)
class DiarizerConfig:
    """Settings of a Diarizer. Durations are seconds, similarities cosines, the rest probabilities.

    hop: between windows. latency: how long a turn may stay provisional; at 0 the newest window decides.
    max_speakers: never more than so many, None for no limit.

    atoms: how speech is cut; clustering: how voices become speakers. None: the rules' own defaults, and for
    atoms the thresholds on the segmentation model's card.

    Raises ConfigError, naming the setting, its value and what it may be.
    """

    hop: float = 0.5
    latency: float = 1.0
    max_speakers: int | None = None
    atoms: "AtomRules | None" = None
    clustering: "ClusterRules | None" = None

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"{name} {value}: expected {least} to {most}")
        if round(self.hop * 100) != self.hop * 100:
            raise ConfigError(f"hop {self.hop}: expected a multiple of 0.01 s")
        if self.max_speakers is not None and self.max_speakers < 1:
            raise ConfigError(f"max_speakers {self.max_speakers}: expected at least 1, or none for no limit")

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name, JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The settings that `to_dict` wrote, or some of them: sections are nested, what is absent is default.

        Raises ConfigError for names that are no settings, with the nearest one, and values of a wrong type.
        """
        # Here, so that a command line that only explains itself loads no arrays.
        from .atoms import AtomRules
        from .clustering import ClusterRules

        sections = {"atoms": AtomRules(onset=0.5, offset=0.5), "clustering": ClusterRules()}
        return filled(cls(), data, sections)


_RANGES = {"hop": (0.1, 2.0), "latency": (0.0, 5.0)}
