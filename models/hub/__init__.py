"""Published models onto this machine: `hocket models pull`. Needs the `hub` extra.

The only room that imports huggingface_hub; nothing that runs a model imports it.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from .. import store
from ..catalogue import Card, find_card, known_pairs, weights_folder
from ..errors import MissingDependency, PackageError, PullError
from ..open import forget_translations
from ..sources import HUB
from ..store import Pulled

__all__ = ["models_named", "pull", "remove"]


def models_named(names: list[str]) -> list[Card]:
    """The cards of models and pairs, each once. Raises UnknownModel."""
    pairs = known_pairs()
    models = [model for name in names for model in (pairs[name].values() if name in pairs else [name])]
    return [find_card(name) for name in dict.fromkeys(models)]


def pull(
    card: Card,
    *,
    revision: str | None = None,
    only_checkpoint: bool = False,
    token: str | None = None,
    say: Callable[[str], object] = str,
) -> Pulled:
    """Bring a model to this machine, or back to the state in which it was brought.

    Files are held against the catalogue's hashes, the hub's and those of an earlier pull before they take
    their place; a checkpoint is then converted. Files that are here already, in another pull's remains or
    in huggingface_hub's own cache, are not downloaded again, and one that is half here goes on.

    revision: a branch, tag or commit instead of the one that the catalogue pins, or that was pulled before;
        only the hub's hashes hold there. only_checkpoint: convert nothing; for a model that ships, the
        checkpoint that it was made of. token: instead of the one huggingface_hub finds.
    say: called with what is done.
    Raises MissingDependency without an extra that is needed, GatedModel, PullError where the hub has no
    such thing, refuses it or cannot be reached, or sends other bytes than it should; what convert raises.
    """
    source = card.source
    if source is None or not source.on_hub:
        where = f"published on {source.site}, {source.page}" if source else "not published"
        raise PullError(f"{card.name} cannot be pulled: it is {where}, and hocket pulls from {HUB} only")
    if card.ships and not only_checkpoint:
        raise PullError(f"{card.name} comes with hocket: nothing to pull")
    if only_checkpoint and not source.checkpoint:
        raise PullError(f"{card.name} is published as packages: there is no checkpoint")
    extras = {"huggingface_hub": "hub"}
    converts = bool(source.checkpoint) and not only_checkpoint
    if converts:
        extras |= {"torch": "convert", "coremltools": "convert"}
    if missing := [name for name in extras if find_spec(name) is None]:
        needed = ",".join(dict.fromkeys(extras[name] for name in missing))
        what = "pulling" if missing == ["huggingface_hub"] else f"{card.name}, which has to be converted,"
        raise MissingDependency(f"{what} needs {' and '.join(missing)}: pip install 'hocket[{needed}]'")
    from .pulling import Pull

    return Pull(card.name, source, revision, token, say).run(converts=converts)


def remove(card: Card) -> int:
    """Remove what was pulled of a model and the translations of its packages; the number of bytes freed.

    What ships stays.
    """
    folder = weights_folder() if card.ships else _packages(card)
    packages = [folder / package.path for package in card.packages] if folder is not None else []
    freed = sum(forget_translations(path) for path in packages if path.is_dir())
    return freed + store.remove_pulled(card.name)


def _packages(card: Card) -> Path | None:
    try:
        pulled = store.find_pulled(card.name)
    except PackageError:  # what cannot be read is removed all the same
        return None
    return pulled.packages if pulled is not None else None
