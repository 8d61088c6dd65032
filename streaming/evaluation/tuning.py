"""Settings searched for on recordings with a reference, and tried on others that the search never saw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hocket.models.roles import Embedder, Segmenter

from ..engine.config import DiarizerConfig
from ..engine.diarizer import Diarizer
from ..engine.sections import leaves, nested
from ..errors import MissingDependency
from ..metrics import DiarizationErrors, Lanes, diarization_errors
from ..sources.file import FileSource
from .live import watch
from .recorded import remembered
from .recordings import Recording
from .run import TimedSession, hear
from .search_space import Range


@dataclass(frozen=True)
class Score:
    """Errors of a set of recordings, as first shown and as settled; `+` pools."""

    first: DiarizationErrors
    settled: DiarizationErrors

    def __add__(self, other: "Score") -> "Score":
        return Score(self.first + other.first, self.settled + other.settled)

    @property
    def loss(self) -> float:
        """What is minimised: the mean of both error rates."""
        return (self.first.rate + self.settled.rate) / 2

    def to_dict(self) -> dict[str, float]:
        """JSON-ready."""
        return {"der_first": self.first.rate, "der_final": self.settled.rate}


@dataclass(frozen=True)
class Tuned:
    """settings: dotted name to the best value found. before, after: per set of recordings, by name."""

    settings: dict[str, Any]
    before: dict[str, Score]
    after: dict[str, Score]
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "settings": nested(self.settings),
            "trials": self.trials,
            "before": {name: score.to_dict() for name, score in self.before.items()},
            "after": {name: score.to_dict() for name, score in self.after.items()},
        }


class Bench:
    """Recordings and models; hears them under any settings.

    cache: a folder for the models' answers, so that only the first hearing computes them.
    """

    def __init__(self, segmenter: Segmenter, embedder: Embedder, cache: Path, config: DiarizerConfig) -> None:
        self.config = config
        self._segmenter, self._embedder = segmenter, embedder
        self._cache = cache

    def defaults(self) -> dict[str, Any]:
        """Every setting by dotted name, thresholds as on the card."""
        from ..clustering.clusterer import ClusterRules
        from ..hearing.cutting import AtomRules

        spec = self._segmenter.spec
        atoms = self.config.atoms or AtomRules(onset=spec.onset, offset=spec.offset)
        who = self.config.clustering or ClusterRules()
        return dict(leaves(atoms, "atoms.")) | dict(leaves(who, "clustering."))

    def score(self, recording: Recording, settings: Mapping[str, Any]) -> Score:
        """One recording under these settings, the others as they were."""
        tables = nested({**self.defaults(), **settings})
        plain = {"hop": self.config.hop, "latency": self.config.latency}
        config = DiarizerConfig.from_dict({**plain, **tables})
        answer = remembered(self._segmenter, self._embedder, recording.name, self._cache)
        session = TimedSession(Diarizer(self._segmenter, self._embedder, config), answer)
        events = hear(session, FileSource(recording.audio), self._segmenter.spec.rate)
        sight = watch(events, num_cells=recording.num_cells, latency=config.latency, hop=config.hop)
        reference = Lanes.of(recording.reference, recording.num_cells)
        return Score(
            diarization_errors(reference, sight.first, recording.mask),
            diarization_errors(reference, sight.settled, recording.mask),
        )

    def total(self, recordings: Sequence[Recording], settings: Mapping[str, Any]) -> Score:
        """All of them pooled."""
        scores = [self.score(recording, settings) for recording in recordings]
        return sum(scores[1:], scores[0])


def tune(
    bench: Bench,
    recordings: Sequence[Recording],
    held_out: Sequence[Recording],
    space: Mapping[str, Range],
    *,
    trials: int,
    seed: int = 0,
    progress: Callable[[str], None] = lambda done: None,
) -> Tuned:
    """The best settings of so many trials, the first of which are the settings as they are.

    The same seed gives the same settings. A trial that does worse than most on the recordings so far is
    given up. Held-out recordings are heard twice, before and after, and decide nothing.
    Raises MissingDependency without Optuna.
    """
    try:
        import optuna
    except ImportError as error:
        raise MissingDependency(
            "tuning needs optuna, which is not installed: pip install 'hocket[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed, multivariate=False),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=8),
    )
    usual = bench.defaults()
    study.enqueue_trial({name: usual[name] for name in space})

    def attempt(trial: Any) -> float:
        settings = {name: _suggested(trial, name, limits) for name, limits in space.items()}
        total: Score | None = None
        for number, recording in enumerate(recordings):
            heard = bench.score(recording, settings)
            total = heard if total is None else total + heard
            trial.report(total.loss, number)
            if number + 1 < len(recordings) and trial.should_prune():
                raise optuna.TrialPruned
        assert total is not None
        return total.loss

    def say(study: Any, trial: Any) -> None:
        loss = "given up" if trial.value is None else f"{100 * trial.value:.2f} %"
        progress(f"trial {trial.number + 1}: {loss}, best {100 * study.best_value:.2f} %")

    study.optimize(attempt, n_trials=trials, callbacks=[say])
    best = {name: value for name, value in study.best_params.items() if value != usual[name]}
    sets = {"tuning": recordings} | ({"held out": held_out} if held_out else {})
    before = {name: bench.total(chosen, {}) for name, chosen in sets.items()}
    after = {name: bench.total(chosen, best) for name, chosen in sets.items()}
    return Tuned(best, before, after, trials)


def _suggested(trial: Any, name: str, limits: Range) -> float:
    if limits.whole:
        return int(trial.suggest_int(name, int(limits.least), int(limits.most), log=limits.log))
    return float(trial.suggest_float(name, limits.least, limits.most, log=limits.log))
