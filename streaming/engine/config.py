"""Every number that shapes a session, in one frozen record: the defaults are the ones that are measured."""

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from ..clustering.asked import Asked
from ..errors import ConfigError
from .sections import filled

if TYPE_CHECKING:
    from ..clustering.clusterer import ClusterRules
    from ..hearing.cutting import AtomRules


@dataclass(frozen=True, kw_only=True)
class DiarizerConfig:
    """Settings of a Diarizer. Durations are seconds, similarities cosines, the rest probabilities.

    hop: between windows. latency: how long a turn may stay provisional; at 0 the newest window decides.
    second_look: when what is final is cut and named once more, with all that came after, and revised where
    that reads otherwise; 0 for never, as where latency is as long.
    num_speakers: exactly so many, if that is known. min_speakers, max_speakers: no fewer, no more; None for
    no limit. There are never more than asked for while audio comes in, and no fewer once it has ended, unless
    no more can be told apart; who was enrolled or named counts, and stays.

    atoms: how speech is cut; clustering: how voices become speakers. None: the rules' own defaults, and for
    atoms the thresholds on the segmentation model's card.

    Raises ConfigError, naming the setting, its value and what it may be.
    """

    hop: float = 0.5
    latency: float = 1.0
    second_look: float = 5.0
    num_speakers: int | None = None
    min_speakers: int | None = None
    max_speakers: int | None = None
    atoms: "AtomRules | None" = None
    clustering: "ClusterRules | None" = None

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} {value}: expected {low} to {high}")
        if round(self.hop * 100) != self.hop * 100:
            raise ConfigError(f"hop {self.hop}: expected a multiple of 0.01 s")
        for name in ("num_speakers", "min_speakers", "max_speakers"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ConfigError(f"{name} {count}: expected at least 1, or none for no limit")
        least, most, exact = self.min_speakers or 1, self.max_speakers, self.num_speakers
        if most is not None and least > most:
            raise ConfigError(f"min_speakers {least}: expected no more than max_speakers, {most}")
        if exact is not None and not least <= exact <= (most or exact):
            raise ConfigError(f"num_speakers {exact}: expected what min and max_speakers admit")

    @property
    def asked(self) -> Asked:
        """How many speakers there are, at least and at most."""
        return Asked(self.num_speakers or self.min_speakers or 1, self.num_speakers or self.max_speakers)

    @property
    def most_hops(self) -> int:
        """How many hops a step may take at most, where computing falls behind: see Diarizer.stretch."""
        return max(1, math.floor(LONGEST_HOP / self.hop + 1e-9))

    def to_dict(self) -> dict[str, Any]:
        """Every setting by name, JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The settings that `to_dict` wrote, or some of them: sections are nested, what is absent is default.

        Raises ConfigError for names that are no settings, with the nearest one, and values of a wrong type.
        """
        # Here, so that a command line that only explains itself loads no arrays.
        from ..clustering.clusterer import ClusterRules
        from ..hearing.cutting import AtomRules

        sections = {"atoms": AtomRules(onset=0.5, offset=0.5), "clustering": ClusterRules()}
        return filled(cls(), data, sections)


LONGEST_HOP = 2.0
_RANGES = {"hop": (0.1, LONGEST_HOP), "latency": (0.0, 5.0), "second_look": (0.0, 10.0)}
