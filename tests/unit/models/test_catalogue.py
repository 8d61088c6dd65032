"""The catalogue is complete and true, and its errors say what to do."""

import re
from pathlib import Path

import pytest

from hocket.models import catalogue
from hocket.models.catalogue import (
    Card,
    DetectionCard,
    EmbeddingCard,
    SegmentationCard,
    check_hashes,
    check_sizes,
    find_card,
    known_models,
    known_pairs,
    weights_folder,
)
from hocket.models.errors import PackageError, UnknownModel
from hocket.models.roles import EmbedderSpec
from hocket.models.sources import known_sources
from hocket.models.store import is_inside

_SHIPPED = [card for card in known_models() if card.ships]


@pytest.mark.parametrize("card", _SHIPPED, ids=lambda card: card.name)
def test_every_shipped_file_has_the_catalogues_hash(card: Card) -> None:
    check_hashes(card)


def test_every_file_of_the_weights_folder_is_in_the_catalogue_or_explains_one() -> None:
    listed = {
        weights_folder() / file.path for card in _SHIPPED for part in card.packages for file in part.files
    }
    present = {path for path in weights_folder().rglob("*") if path.is_file()}
    assert {path.suffix for path in present - listed} == {".md", ".LICENSE"}
    assert listed <= present


@pytest.mark.parametrize("card", _SHIPPED, ids=lambda card: card.name)
def test_a_card_and_a_licence_lie_beside_the_weights(card: Card) -> None:
    text = (weights_folder() / f"{card.name}.md").read_text(encoding="utf-8")
    assert card.origin in text
    assert card.license in text
    licence = (weights_folder() / f"{card.name}.LICENSE").read_text(encoding="utf-8")
    assert {"MIT": "Permission is hereby granted", "Apache-2.0": "Apache License"}[card.license] in licence


@pytest.mark.parametrize("card", known_models(), ids=lambda card: card.name)
def test_every_model_has_an_origin_a_licence_and_a_citation(card: Card) -> None:
    assert card.origin.startswith("https://")
    assert card.copyright
    assert card.citations
    venue = r"((Interspeech|ICASSP)|https://github\.com/[\w/.-]+,) 20[0-9]{2}\.$"
    assert all(re.search(venue, citation) for citation in card.citations)
    assert card.source is not None
    assert card.ships or card.source.on_hub


@pytest.mark.parametrize("card", known_models(), ids=lambda card: card.name)
def test_every_model_tells_what_is_published_and_how_that_is_known(card: Card) -> None:
    source = card.source
    assert source is not None
    assert re.fullmatch(r"[\w-]+/[\w.-]+", source.repository)
    assert source.revision is None or re.fullmatch("[0-9a-f]{40}", source.revision)
    assert source.evidence
    for file in source.files:
        assert is_inside(file.path)
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.optional or file.size
    assert not source.checkpoint or source.checkpoint in {file.path for file in source.files}


@pytest.mark.parametrize("card", known_models(), ids=lambda card: card.name)
def test_every_model_is_published_as_its_packages_or_as_a_checkpoint_of_them(card: Card) -> None:
    assert card.source is not None
    folders = {file.path.partition("/")[0] for file in card.source.files}
    assert card.source.checkpoint or {package.path for package in card.packages} <= folders


def test_only_models_that_are_known_have_a_source() -> None:
    assert known_sources().keys() <= {card.name for card in known_models()}


def test_pairs_name_models_of_the_right_roles() -> None:
    for pair in known_pairs().values():
        roles = {role: find_card(name).role for role, name in pair.items()}
        assert roles.keys() >= {"segmentation", "embedding"}
        assert all(role == played for role, played in roles.items())


def test_the_numbers_of_the_default_models_fit_each_other() -> None:
    pair = known_pairs()["default"]
    segmentation, embedding, speech = (
        find_card(pair[role]).numbers for role in ("segmentation", "embedding", "speech")
    )
    assert isinstance(segmentation, SegmentationCard)
    assert isinstance(embedding, EmbeddingCard)
    assert isinstance(speech, DetectionCard)
    assert speech.spec.rate == segmentation.spec.rate == embedding.spec.rate == embedding.front_end.rate
    assert segmentation.spec.num_speakers == 3
    spec = embedding.spec
    longest = spec.preroll + spec.lookback + spec.hop
    assert embedding.front_end.num_frames(longest) * embedding.front_end.step == spec.lookback + spec.hop
    assert spec.kept <= spec.lookback + spec.hop


def test_cards_say_how_far_vectors_reach_and_from_where_they_are_one_voice() -> None:
    specs = {card.name: card.numbers.spec for card in known_models()}
    default, titanet = specs["campplus-zh-en"], specs["titanet-large"]
    assert isinstance(default, EmbedderSpec)
    assert isinstance(titanet, EmbedderSpec)
    assert default.max_frames * default.frame_step == titanet.max_frames * titanet.frame_step == 32 * 16_000
    # NeMo's verify_speakers; the other is chosen in docs/measured.md.
    assert (default.threshold, titanet.threshold) == (0.68, 0.7)


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(UnknownModel, match=r"no model 'camplus-zh-en' .* did you mean 'campplus-zh-en'\?"):
        find_card("camplus-zh-en")


def test_a_name_like_no_other_gets_the_list() -> None:
    with pytest.raises(UnknownModel, match=r"known: pyannote-segmentation-3\.0, silero") as caught:
        find_card("42")
    assert "campplus-zh-en" in caught.value.known


def _copied_weights(card: Card, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    paths = [folder / file.path for part in card.packages for file in part.files]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((weights_folder() / path.relative_to(folder)).read_bytes())
    monkeypatch.setattr(catalogue, "weights_folder", lambda: folder)
    return paths


def test_a_cut_file_is_found_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = find_card("pyannote-segmentation-3.0")
    first, *_ = _copied_weights(card, tmp_path, monkeypatch)
    first.write_bytes(first.read_bytes()[:100])
    with pytest.raises(
        PackageError, match=rf"{re.escape(str(first))} has 100 bytes, expected \d+: .* install"
    ):
        check_sizes(card)


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = find_card("pyannote-segmentation-3.0")
    *_, last = _copied_weights(card, tmp_path, monkeypatch)
    last.unlink()
    with pytest.raises(PackageError, match=f"{re.escape(str(last))} is missing"):
        check_sizes(card)


def test_a_changed_bit_is_found_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = find_card("pyannote-segmentation-3.0")
    first, *_ = _copied_weights(card, tmp_path, monkeypatch)
    content = bytearray(first.read_bytes())
    content[50] ^= 1
    first.write_bytes(content)
    check_sizes(card)
    with pytest.raises(PackageError, match="has sha256"):
        check_hashes(card)
