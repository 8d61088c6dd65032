"""Pulling models from a hub on this machine: what goes right, and what each thing that goes wrong says."""

import hashlib
import json
import random
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from hocket.models import open_models
from hocket.models.catalogue import find_card
from hocket.models.errors import GatedModel, MissingDependency, PackageError, PullError, UnknownModel
from hocket.models.hub import pull, receiving, remove
from hocket.models.sources import Source, SourceFile
from hocket.models.store import Pulled, find_pulled, packages_of
from tests.hub_server import Hub, Repository, git_oid, serving

NAME = "fluidinference-segmentation"
REPOSITORY = "somebody/some-models"
FIRST, SECOND = "1" * 40, "2" * 40
PROGRAM = "pyannote_segmentation.mlmodelc/model.mil"
WEIGHTS = "pyannote_segmentation.mlmodelc/weights/weight.bin"
FILES = {
    PROGRAM: b"program(1.0)",
    WEIGHTS: random.Random(0).randbytes(300_000),
    "README.md": b"not needed",
}


def _known(path: str, content: bytes) -> SourceFile:
    return SourceFile(path, len(content), hashlib.sha256(content).hexdigest())


SOURCE = Source(
    site="Hugging Face",
    repository=REPOSITORY,
    revision=FIRST,
    files=tuple(_known(path, FILES[path]) for path in (PROGRAM, WEIGHTS)),
    evidence="made up",
)
CARD = replace(find_card(NAME), source=SOURCE)
GATED = replace(CARD, source=replace(SOURCE, gated=True))
UNKNOWN = replace(
    CARD,
    source=replace(
        SOURCE, revision=None, files=tuple(SourceFile(path, None, None) for path in (PROGRAM, WEIGHTS))
    ),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it, and no token."""
    monkeypatch.setenv("HOCKET_MODELS_DIR", str(tmp_path / "models"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(receiving, "_PAUSE", 0.0)
    return tmp_path


@pytest.fixture
def hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub({REPOSITORY: Repository({FIRST: dict(FILES)})}, tokens={"hf_good"})) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.endpoint)
        template = f"{hub.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield hub
        huggingface_hub.close_session()


def _contents(pulled: Pulled) -> dict[str, bytes]:
    return {
        path.relative_to(pulled.published).as_posix(): path.read_bytes()
        for path in pulled.published.rglob("*")
        if path.is_file()
    }


def test_a_pull_brings_what_is_needed_and_records_it(hub: Hub, home: Path) -> None:
    pulled = pull(CARD)
    assert _contents(pulled) == {path: FILES[path] for path in (PROGRAM, WEIGHTS)}
    assert pulled == find_pulled(NAME)
    recorded = json.loads((home / "models" / NAME / "pulled.json").read_text())
    assert (recorded["repository"], recorded["revision"]) == (REPOSITORY, FIRST)
    assert recorded["files"] == [
        {
            "path": f"published/{path}",
            "size": len(FILES[path]),
            "sha256": hashlib.sha256(FILES[path]).hexdigest(),
        }
        for path in (PROGRAM, WEIGHTS)
    ]
    assert packages_of(CARD) == pulled.published
    assert {path.name for path in (home / "models").iterdir()} <= {NAME, f".{NAME}.lock"}


def test_what_is_here_is_not_asked_for_again(hub: Hub) -> None:
    pull(CARD)
    hub.requests.clear()
    said: list[str] = []
    pull(CARD, say=said.append)
    assert hub.requests == []
    assert said == [f"{NAME} is here already, at revision {FIRST[:12]}"]


def test_values_that_nobody_knew_are_recorded_and_hold_from_then_on(hub: Hub) -> None:
    pull(UNKNOWN)
    hub.repositories[REPOSITORY].commits[SECOND] = {**FILES, WEIGHTS: b"something else"}
    pulled = pull(UNKNOWN)
    assert pulled.revision == FIRST
    (pulled.published / WEIGHTS).write_bytes(b"damaged")
    assert _contents(pull(UNKNOWN))[WEIGHTS] == FILES[WEIGHTS]
    remove(UNKNOWN)
    assert pull(UNKNOWN).revision == SECOND


def test_a_hub_that_contradicts_an_earlier_pull_is_not_believed(hub: Hub) -> None:
    pulled = pull(UNKNOWN)
    (pulled.published / WEIGHTS).unlink()
    hub.repositories[REPOSITORY].commits[FIRST] = {**FILES, WEIGHTS: b"something else"}
    with pytest.raises(PullError, match=rf"{REPOSITORY} at 1+ has another {WEIGHTS} than expected"):
        pull(UNKNOWN)


def test_a_revision_on_demand_is_held_against_the_hubs_word_only(hub: Hub) -> None:
    newer = {PROGRAM: b"program(2.0)", WEIGHTS: b"weights"}
    hub.repositories[REPOSITORY].commits[SECOND] = newer
    assert pull(CARD).revision == FIRST
    pulled = pull(CARD, revision="main")
    assert pulled.revision == SECOND
    assert _contents(pulled) == newer
    assert pull(CARD).revision == SECOND


def test_optional_files_come_where_there_are_any(hub: Hub) -> None:
    extra = (SourceFile("README.md", None, None, True), SourceFile("absent.json", None, None, True))
    card = replace(CARD, source=replace(SOURCE, files=SOURCE.files + extra))
    assert _contents(pull(card)).keys() == {PROGRAM, WEIGHTS, "README.md"}


def test_a_connection_that_breaks_is_taken_up_again(hub: Hub) -> None:
    hub.cuts[WEIGHTS] = [100_000, 50_000]
    assert _contents(pull(CARD))[WEIGHTS] == FILES[WEIGHTS]
    assert [request.range for request in hub.downloads() if request.host == "storage"] == [
        None,
        "bytes=100000-",
        "bytes=150000-",
    ]


def test_an_interrupted_pull_goes_on_where_it_stopped(hub: Hub, home: Path) -> None:
    hub.cuts[WEIGHTS] = [100_000] + [0] * 10
    with pytest.raises(PullError, match=r"cannot reach .*; pulling again goes on where it stopped"):
        pull(CARD)
    assert find_pulled(NAME) is None
    with pytest.raises(UnknownModel, match=f"not on this machine: hocket models pull {NAME}"):
        packages_of(CARD)
    hub.cuts.clear()
    hub.requests.clear()
    assert _contents(pull(CARD))[WEIGHTS] == FILES[WEIGHTS]
    assert {request.range for request in hub.downloads()} == {"bytes=100000-"}


def test_a_hub_without_ranges_sends_all_again(hub: Hub) -> None:
    hub.knows_ranges = False
    hub.cuts[WEIGHTS] = [100_000]
    assert _contents(pull(CARD))[WEIGHTS] == FILES[WEIGHTS]


@pytest.mark.parametrize("path", [PROGRAM, WEIGHTS])
@pytest.mark.parametrize("damage", ["flipped", "longer", "shorter"])
def test_wrong_contents_are_not_kept(path: str, damage: str, hub: Hub, home: Path) -> None:
    content = FILES[path]
    flipped = bytes([content[0] ^ 1]) + content[1:]
    hub.sent_instead[path] = {"flipped": flipped, "longer": content + b"!", "shorter": content[:-1]}[damage]
    with pytest.raises(PullError, match=r"pull again") as caught:
        pull(CARD)
    assert "\n" not in str(caught.value)
    assert find_pulled(NAME) is None
    hub.sent_instead.clear()
    assert _contents(pull(CARD))[path] == content


def test_a_wrong_checksum_is_named(hub: Hub) -> None:
    wrong = bytes(len(FILES[WEIGHTS]))
    hub.sent_instead[WEIGHTS] = wrong
    found, expected = (hashlib.sha256(content).hexdigest() for content in (wrong, FILES[WEIGHTS]))
    with pytest.raises(PullError, match=rf"sent another {WEIGHTS} .*sha256 {found}, expected {expected}"):
        pull(CARD)


def test_small_files_are_held_against_gits_own_hash(hub: Hub) -> None:
    hub.sent_instead[PROGRAM] = b"program(9.9)"
    with pytest.raises(PullError, match=f"sent another .*expected {git_oid(FILES[PROGRAM])}"):
        pull(UNKNOWN)


def test_a_hub_that_contradicts_the_catalogue_is_not_believed(hub: Hub) -> None:
    hub.repositories[REPOSITORY].commits[FIRST] = {**FILES, WEIGHTS: FILES[WEIGHTS][::-1]}
    with pytest.raises(
        PullError, match=r"has another .*weight\.bin than expected .*--revision main takes what is newest"
    ):
        pull(CARD)
    assert hub.downloads() == []


def test_damage_is_found_when_a_model_is_opened_and_mended_by_pulling(hub: Hub) -> None:
    pulled = pull(CARD)
    (pulled.published / WEIGHTS).write_bytes(b"short")
    with pytest.raises(PackageError, match=rf"has 5 bytes, expected 300000: hocket models pull {NAME}"):
        packages_of(CARD)
    hub.requests.clear()
    said: list[str] = []
    assert _contents(pull(CARD, say=said.append))[WEIGHTS] == FILES[WEIGHTS]
    assert "mending it" in said[0]
    assert {request.path for request in hub.downloads() if WEIGHTS not in request.path} == set()


def test_two_pulls_at_once_take_turns(hub: Hub) -> None:
    threads = [threading.Thread(target=pull, args=(CARD,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert packages_of(CARD).is_dir()
    assert len([request for request in hub.downloads() if request.host == "storage"]) == 1


def test_the_token_is_sent_to_the_hub_and_to_nobody_else(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories[REPOSITORY].readers = {"hf_good"}
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    pull(GATED)
    assert {request.token for request in hub.requests if request.host == "hub"} == {"hf_good"}
    assert {request.token for request in hub.requests if request.host == "storage"} == {None}


def test_a_token_comes_from_where_hf_auth_login_put_it_or_from_the_caller(hub: Hub, home: Path) -> None:
    hub.repositories[REPOSITORY].readers = {"hf_good"}
    (home / "token").write_text("hf_good\n")
    pull(GATED)
    remove(GATED)
    (home / "token").unlink()
    pull(GATED, token="hf_good")


def test_a_gated_model_says_what_to_accept_and_where(hub: Hub) -> None:
    hub.repositories[REPOSITORY].readers = {"hf_good"}
    for card in (GATED, CARD):
        with pytest.raises(GatedModel) as caught:
            pull(card)
        assert str(caught.value) == (
            f"{REPOSITORY} is gated: sign in and accept the conditions on "
            f"https://huggingface.co/{REPOSITORY}, make a token at https://huggingface.co/settings/tokens, "
            "give it to hocket with `hf auth login` or in HF_TOKEN, and pull again"
        )


def test_a_token_without_access_says_whose_account_must_accept(hub: Hub) -> None:
    hub.repositories[REPOSITORY].readers = {"hf_good"}
    hub.tokens.add("hf_other")
    with pytest.raises(GatedModel, match="the token that was sent has no access to it: with the account"):
        pull(GATED, token="hf_other")


def test_a_token_that_the_hub_does_not_know_is_named_as_the_fault(hub: Hub) -> None:
    with pytest.raises(PullError, match=r"does not accept the token .*\(401, Invalid .*unset HF_TOKEN"):
        pull(CARD, token="hf_made_up")


def test_a_repository_that_is_not_there_is_named(hub: Hub) -> None:
    hub.repositories.clear()
    with pytest.raises(PullError, match=rf"the hub wants a token for {REPOSITORY} \(401, Repository not fou"):
        pull(CARD)
    with pytest.raises(PullError, match=rf"has no {REPOSITORY}, or not that revision of it: see https://"):
        pull(CARD, token="hf_good")


def test_a_revision_that_is_not_there_is_named(hub: Hub) -> None:
    with pytest.raises(PullError, match=f"{REPOSITORY} has no revision v9: --revision main"):
        pull(CARD, revision="v9")


def test_a_file_that_is_not_there_is_named(hub: Hub) -> None:
    del hub.repositories[REPOSITORY].commits[FIRST][PROGRAM]
    with pytest.raises(PullError, match=rf"has no file {PROGRAM}: the catalogue is out of date"):
        pull(CARD)


def test_a_page_that_is_not_there_says_so_even_if_the_hub_does_not_explain(hub: Hub) -> None:
    hub.status = 404
    with pytest.raises(PullError, match=r"a mirror in HF_ENDPOINT may lack it"):
        pull(CARD)


def test_a_hub_that_forbids_says_what_a_token_needs(hub: Hub) -> None:
    hub.status = 403
    with pytest.raises(PullError, match=r"refuses .*\(403, internal error\).*fine-grained token"):
        pull(CARD)


def test_a_hub_that_fails_is_to_be_tried_later(hub: Hub) -> None:
    hub.status = 503
    with pytest.raises(PullError, match=r"the hub failed on .*\(503, .*\): try again later"):
        pull(CARD)


def test_no_network_is_said_with_the_address(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Hub({})) as gone:
        pass
    monkeypatch.setattr(constants, "ENDPOINT", gone.endpoint)
    with pytest.raises(PullError, match=rf"cannot reach {gone.endpoint} \(.*refused.*\): check the network"):
        pull(CARD)
    huggingface_hub.close_session()


def test_offline_nothing_is_asked(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(PullError, match="not on this machine, and HF_HUB_OFFLINE forbids to ask for it"):
        pull(CARD)
    assert hub.requests == []


def test_offline_what_another_program_downloaded_will_do(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (PROGRAM, WEIGHTS):
        huggingface_hub.hf_hub_download(REPOSITORY, path, revision=FIRST)
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert _contents(pull(CARD)) == {path: FILES[path] for path in (PROGRAM, WEIGHTS)}
    assert hub.requests == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    remove(CARD)
    (cached,) = (home / "hub").glob(f"*/snapshots/{FIRST}/{WEIGHTS}")
    cached.resolve().write_bytes(bytes(len(FILES[WEIGHTS])))
    assert _contents(pull(CARD))[WEIGHTS] == FILES[WEIGHTS]


def test_what_was_pulled_opens_without_network_and_without_the_extra(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(CARD)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("hocket.models.hub.find_spec", lambda name: None)
    hub.requests.clear()
    with pytest.raises(PackageError, match=r"model\.mil"):  # these bytes are no program
        open_models(segmentation=NAME, runtime="portable")
    assert hub.requests == []


def test_without_the_extra_a_pull_says_how_to_get_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hocket.models.hub.find_spec", lambda name: None)
    with pytest.raises(
        MissingDependency, match=r"^pulling needs huggingface_hub: pip install 'hocket\[hub\]'$"
    ):
        pull(CARD)
    with pytest.raises(
        MissingDependency,
        match=r"titanet-large, which has to be converted, needs huggingface_hub and torch and coremltools: "
        r"pip install 'hocket\[hub,convert\]'",
    ):
        pull(find_card("titanet-large"))


def test_what_comes_with_hocket_or_is_not_on_the_hub_is_not_pulled(home: Path) -> None:
    with pytest.raises(PullError, match="comes with hocket: nothing to pull"):
        pull(find_card("pyannote-segmentation-3.0"))
    with pytest.raises(
        PullError, match=r"published on ModelScope, https://modelscope\.cn/.* Hugging Face only"
    ):
        pull(find_card("campplus-zh-en"), only_checkpoint=True)
    with pytest.raises(PullError, match="published as packages: there is no checkpoint"):
        pull(CARD, only_checkpoint=True)


def test_a_pair_tells_all_that_it_lacks(home: Path) -> None:
    with pytest.raises(
        UnknownModel,
        match="pyannote-titanet needs titanet-large, not on this machine yet: hocket models pull py",
    ):
        open_models("pyannote-titanet")


def test_paths_out_of_the_model_are_not_followed(hub: Hub, home: Path) -> None:
    pulled = pull(CARD)
    receipt = pulled.folder / "pulled.json"
    for path in ("../secret", "/etc/passwd", "published/../../x", "C:\\x", ""):
        receipt.write_text(
            json.dumps(
                {
                    "repository": "r",
                    "revision": FIRST,
                    "files": [{"path": path, "size": 1, "sha256": "0" * 64}],
                }
            )
        )
        with pytest.raises(PackageError, match=r"pulled\.json cannot be read .*hocket models remove"):
            find_pulled(NAME)
    remove(CARD)
    assert not pulled.folder.exists()


def test_removing_takes_the_model_what_is_half_there_and_its_translations(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixture = Path(__file__).parents[1] / "fixtures" / "packages" / "quantized.mlpackage"
    monkeypatch.setenv("HOCKET_CACHE_DIR", str(home / "cache"))
    pulled = pull(CARD)
    package = pulled.packages / CARD.packages[0].path
    shutil.rmtree(package)
    shutil.copytree(fixture, package)
    from hocket.models import open_predictor

    open_predictor(package, runtime="portable")
    open_predictor(fixture, runtime="portable", emulate_fp16=True)
    kept = sum(path.stat().st_size for path in (home / "cache").iterdir())
    on_disk = sum(path.stat().st_size for path in pulled.folder.rglob("*") if path.is_file())
    assert remove(CARD) == kept + on_disk
    assert list((home / "cache").iterdir()) == []
    assert find_pulled(NAME) is None
    hub.cuts[WEIGHTS] = [10] + [0] * 10
    with pytest.raises(PullError):
        pull(CARD)
    assert remove(CARD) == 10 + len(FILES[PROGRAM])
    assert remove(CARD) == 0
