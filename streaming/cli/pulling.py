"""`hocket models pull` and `hocket models remove`: published models onto this machine, and off it again."""

from typing import TYPE_CHECKING, Annotated

import typer

from .report import say

if TYPE_CHECKING:
    from hocket.models.catalogue import Card


def pull(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME…", help="Models or pairs, from hocket models list.")
    ],
    revision: Annotated[
        str | None,
        typer.Option(
            metavar="REV",
            help="A branch, tag or commit instead of the pinned one; main is the newest.",
        ),
    ] = None,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Only the checkpoint, not converted; also of what ships.")
    ] = False,
) -> None:
    """Bring published models to this machine.

    Files come from the Hugging Face hub, are held against the catalogue's
    hashes, and converted where a checkpoint is published. What was interrupted
    goes on; what is damaged is mended. Then their names work everywhere:

    hocket models pull pyannote-wespeaker
    hocket listen --models pyannote-wespeaker

    Needs pip install 'hocket\\[hub]', and 'hocket\\[convert]' for checkpoints.
    HF_TOKEN, HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE mean what they mean to
    huggingface_hub; HOCKET_MODELS_DIR is where models are kept.
    """
    from hocket.models.hub import models_named
    from hocket.models.hub import pull as bring

    for card in models_named(names):
        if card.ships and not checkpoint:
            say(f"{card.name} comes with hocket: nothing to pull")
            continue
        pulled = bring(card, revision=revision, only_checkpoint=checkpoint, say=say)
        if checkpoint:
            assert card.source is not None  # or there would be no checkpoint of it
            typer.echo(str(pulled.published / card.source.checkpoint))
        else:
            say(f"{card.name} is ready, in {pulled.folder}")


def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Names from hocket models list.")],
) -> None:
    """Remove what was pulled or converted of models, and what was translated of them.

    Models that come with hocket stay.
    """
    from hocket.models.catalogue import find_card
    from hocket.models.hub import remove as take_away

    for card in [find_card(name) for name in names]:
        say(f"{card.name}: {take_away(card) / 1e6:.1f} MB removed{_what_stays(card)}")


def _what_stays(card: "Card") -> str:
    return "; what comes with hocket stays" if card.ships else ""
