"""Meetings made on demand: what was planned is what is heard and what the reference says."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hocket.streaming.engine.config import DiarizerConfig
from hocket.streaming.errors import AudioFileError, ConfigError, FormatError
from hocket.streaming.evaluation.recordings import find_recordings
from hocket.streaming.evaluation.simulated import bench
from hocket.streaming.evaluation.simulated.arranged import arrange
from hocket.streaming.evaluation.simulated.audio import SoundRules, num_blocks, render, write_meeting
from hocket.streaming.evaluation.simulated.bench import CASTS, Stage, meetings, score
from hocket.streaming.evaluation.simulated.heard import hear_meetings, planned_stays
from hocket.streaming.evaluation.simulated.plan import Meeting, MeetingRules, plan_meeting
from hocket.streaming.evaluation.simulated.pool import SpeechPool, read_pool
from hocket.streaming.evaluation.simulated.sayings import Sayings, said_again
from hocket.streaming.evaluation.simulated.voices import Heard, HeardAtom, hear_voices, heard_part
from hocket.streaming.replay import Segment
from hocket.streaming.rttm import read_rttm, write_rttm
from tests.level_voices import LevelEmbedder, LevelSegmenter, conversation

RATE = 16_000
SHORT = MeetingRules(duration=1800.0, speakers=5, away=600.0, returning=1, late=1, leaving=1)


@pytest.fixture
def pool(tmp_path: Path) -> SpeechPool:
    """Eight voices, each a tone of its own, six phrases of 2 s."""
    folder = tmp_path / "speech"
    folder.mkdir()
    speakers = []
    for index in range(8):
        tone = 0.1 * np.sin(np.arange(RATE * 15) * (index + 2) * 0.05)
        soundfile.write(folder / f"v{index}.wav", tone.astype(np.float32), RATE, subtype="FLOAT")
        utterances = [{"start": 2.4 * n, "dur": 2.0, "speech": [[0.1, 0.9], [1.2, 1.9]]} for n in range(6)]
        speakers.append(
            {"id": f"v{index}", "sex": "fm"[index % 2], "file": f"v{index}.wav", "utterances": utterances}
        )
    index_text = json.dumps({"sample_rate": RATE, "speakers": speakers})
    (folder / "index.json").write_text(index_text, encoding="utf-8")
    return read_pool(folder)


def heard_by_hand(pool: SpeechPool, size: int = 4) -> dict[str, Heard]:
    """Two atoms per phrase, whose vectors point along the voice's own axis."""
    found = {}
    for index, voice in enumerate(pool.voices):
        vector = np.eye(size, dtype=np.float32)[index % size]
        atoms = tuple(
            HeardAtom(start, stop, np.array([40, stop - start]), np.float32([0.4, 1.4]),
                      np.stack([vector, vector]))
            for start, stop in ((10, 90), (120, 190))
        )  # fmt: skip
        found[voice.name] = tuple(atoms for _ in voice.phrases)
    return found


def stage_of(pool: SpeechPool) -> Stage:
    some = pool.some(4)
    heard = heard_by_hand(some)
    return Stage(LevelSegmenter(), LevelEmbedder(), some.voices, heard, DiarizerConfig())


def stays_of(meeting: Meeting, rules: MeetingRules) -> list[tuple[tuple[float, float], ...]]:
    return [stays for stays in meeting.present if stays != ((0.0, rules.duration),)]


def test_the_same_seed_plans_the_same_meeting_and_another_one_another(pool: SpeechPool) -> None:
    one, again, other = (plan_meeting(pool.voices, SHORT, seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other


@pytest.mark.parametrize("seed", range(4))
def test_people_join_late_leave_come_back_and_hardly_speak_as_asked(pool: SpeechPool, seed: int) -> None:
    meeting = plan_meeting(pool.voices, SHORT, seed)
    returning, late, leaving = stays_of(meeting, SHORT)
    assert all(b[0] - a[1] >= SHORT.away for a, b in pairwise(returning))
    assert len(returning) >= 2
    assert late[0][0] > 0.0
    assert leaving[0][1] < SHORT.duration
    talk = meeting.to_dict(SHORT, seed)["speakers"]
    shares = [talk[voice.name]["share"] for voice in meeting.voices]
    assert 0.005 < shares[3] < 0.03
    for said in meeting.utterances:
        assert any(a <= said.at + 0.5 and said.at < b + 60 for a, b in meeting.present[said.voice])
        assert said.end <= SHORT.duration


def test_what_is_said_after_coming_back_was_not_said_before(pool: SpeechPool) -> None:
    meeting = plan_meeting(pool.voices, SHORT, 0)
    (voice,) = [index for index, stays in enumerate(meeting.present) if len(stays) > 1]
    phrases = [
        {said.phrase.start for said in meeting.utterances
         if said.voice == voice and a <= said.at < b and said.phrase.duration == 2.0}
        for a, b in meeting.present[voice]
    ]  # fmt: skip
    assert all(phrases)
    assert not phrases[0] & phrases[1]


def test_pairs_of_one_sex_are_picked_first(pool: SpeechPool) -> None:
    rules = MeetingRules(duration=600, speakers=4, returning=0, late=0, leaving=0, rare=False, same_sex=2)
    sexes = sorted(voice.sex for voice in plan_meeting(pool.voices, rules, 3).voices)
    assert sexes == ["f", "f", "m", "m"]


def test_a_meeting_that_cannot_be_is_refused(pool: SpeechPool) -> None:
    with pytest.raises(ConfigError, match="too short for somebody to be away for 3600 s: expected 4320 s"):
        MeetingRules(duration=3600)
    with pytest.raises(ConfigError, match="expected one at least who is there throughout"):
        MeetingRules(speakers=3)
    with pytest.raises(ConfigError, match="9 speakers wanted, but the pool has 8 voices"):
        plan_meeting(pool.voices, MeetingRules(speakers=9), 0)


def test_audio_is_where_the_reference_says_and_the_same_every_time(pool: SpeechPool) -> None:
    rules = MeetingRules(duration=60, speakers=2, returning=0, late=0, leaving=0, rare=False, overlap=0.0)
    meeting = plan_meeting(pool.voices, rules, 5)
    blocks = list(render(meeting, pool, 5, SoundRules(snr=40)))
    assert len(blocks) == num_blocks(meeting)
    sound = np.concatenate(blocks)
    assert len(sound) == 60 * RATE
    loud = np.abs(sound).reshape(-1, RATE // 10).max(axis=1) > 0.03
    said = np.zeros(len(loud), np.bool_)
    for utterance in meeting.utterances:
        said[int(utterance.at * 10) : int(utterance.end * 10) + 1] = True
    assert not loud[~said].any()
    for segment in meeting.reference():
        assert loud[int(segment.start * 10) + 1 : int(segment.end * 10)].all()
    np.testing.assert_array_equal(sound, np.concatenate(list(render(meeting, pool, 5, SoundRules(snr=40)))))


def test_a_written_meeting_has_its_reference_and_plan_beside_it(pool: SpeechPool, tmp_path: Path) -> None:
    rules = MeetingRules(duration=30, speakers=2, returning=0, late=0, leaving=0, rare=False)
    meeting = plan_meeting(pool.voices, rules, 1)
    path = tmp_path / "long.flac"
    write_meeting(path, meeting, pool, rules, 1)
    assert soundfile.info(path).duration == 30.0
    assert len(read_rttm(path.with_suffix(".rttm"))["long"]) == len(meeting.reference())
    assert json.loads(path.with_suffix(".json").read_text())["rules"]["duration"] == 30
    with pytest.raises(AudioFileError, match=r"long\.txt cannot be written.*try a name ending in \.flac"):
        write_meeting(tmp_path / "long.txt", meeting, pool, rules, 1)


def test_a_folder_that_is_no_pool_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"no pool of speech: expected index\.json"):
        read_pool(tmp_path)
    (tmp_path / "index.json").write_text('{"sample_rate": 16000, "speakers": [{"id": "a"}]}')
    with pytest.raises(FormatError, match=r"KeyError.*expected sample_rate, and speakers"):
        read_pool(tmp_path)


def test_arranged_atoms_lie_one_after_another_under_the_voices_of_the_plan(pool: SpeechPool) -> None:
    meeting = plan_meeting(pool.voices, SHORT, 2)
    placed = arrange(meeting, heard_by_hand(pool), 2)
    assert all(a.stop <= b.start for a, b in pairwise(placed))
    assert {atom.voice for atom in placed} == set(range(SHORT.speakers))
    assert any(atom.overlaps for atom in placed)
    for atom in placed:
        assert all(atom.start <= a < b <= atom.stop for a, b, _ in atom.overlaps)
    vector, clean = placed[0].vector(placed[0].start + 10)
    assert vector is None
    assert clean == 0.0
    vector, clean = placed[0].vector(placed[0].stop)
    assert vector is not None
    assert np.linalg.norm(vector) == pytest.approx(1.0)


def test_a_phrase_said_again_is_the_same_voice_as_varied_as_before_but_not_the_same() -> None:
    rng = np.random.default_rng(0)
    voice = rng.standard_normal((8, 64)).astype(np.float32) + np.eye(64, dtype=np.float32)[0] * 8
    voice /= np.linalg.norm(voice, axis=1, keepdims=True)
    atoms = tuple(HeardAtom(0, 99, np.array([99]), np.float32([1.0]), row[None]) for row in voice)
    sayings = Sayings({"v": (atoms,)})
    centre = sayings.centres["v"]
    again = np.stack([said_again(row, centre, sayings.deviation(1.0, rng)) for row in voice])
    np.testing.assert_allclose(np.linalg.norm(again, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(again @ centre, voice @ centre, atol=0.15)
    assert (np.abs(again - voice).max(axis=1) > 0.01).sum() >= 6


def test_voices_heard_by_the_models_are_kept(pool: SpeechPool, tmp_path: Path) -> None:
    one = pool.some(1)
    heard = hear_voices(one, LevelSegmenter(), LevelEmbedder(), tmp_path / "kept")
    assert len(heard["v0"]) == len(heard_part(one.voices[0]).phrases)
    (kept,) = (tmp_path / "kept").iterdir()
    before = kept.stat().st_mtime_ns
    again = hear_voices(one, LevelSegmenter(), LevelEmbedder(), tmp_path / "kept")
    assert kept.stat().st_mtime_ns == before
    assert [len(phrase) for phrase in again["v0"]] == [len(phrase) for phrase in heard["v0"]]


def test_voices_at_right_angles_keep_their_ids_after_an_absence(pool: SpeechPool) -> None:
    stage = stage_of(pool)
    rules = MeetingRules(duration=800, speakers=3, away=60, returning=1, late=0, leaving=0, rare=False)
    session = score(stage, rules, 1)
    assert session.found == session.speakers == 3
    assert (session.returns.stays, session.returns.settled, session.returns.first) == (1, 1, 1)
    assert session.settled.missed == session.settled.false_alarm == 0
    assert session.settled.rate < 0.05


def test_a_written_meeting_is_scored_by_who_was_there_when(tmp_path: Path) -> None:
    """Two voices of two levels, the second of which is away for a minute."""
    turns = [Segment(at + 0.5, at + 4.0, "01"[at % 10 > 0 and not 30 <= at < 90]) for at in range(0, 120, 5)]
    audio = tmp_path / "long.wav"
    soundfile.write(audio, conversation(turns, 120.0), RATE, subtype="FLOAT")
    write_rttm(audio.with_suffix(".rttm"), "long", turns)
    present = {"0": [[0, 120]], "1": [[0, 30], [90, 120]], "2": [[0, 10], [100, 120]]}
    plan = {"speakers": {name: {"present": stays} for name, stays in present.items()}}
    audio.with_suffix(".json").write_text(json.dumps(plan), encoding="utf-8")
    heard = hear_meetings(
        find_recordings(tmp_path), LevelSegmenter(), LevelEmbedder(), DiarizerConfig(), tmp_path / "kept"
    )
    figures = heard.to_dict()
    assert figures["sessions"][0]["found"] == figures["sessions"][0]["speakers"] == 2
    assert (figures["stays"], figures["old_id_settled"], figures["old_id_first"]) == (1, 1.0, 1.0)
    assert list((tmp_path / "kept").glob("long-*.outputs"))
    audio.with_suffix(".json").write_text("{}", encoding="utf-8")
    with pytest.raises(FormatError, match=r"long\.json: KeyError.*as hocket meetings make writes it"):
        planned_stays(audio.with_suffix(".json"))


def test_cost_is_told_hour_by_hour(pool: SpeechPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "HOUR", 120.0)
    rules = MeetingRules(duration=240, speakers=2, returning=0, late=0, leaving=0, rare=False)
    hours = bench.cost(stage_of(pool), rules, 0)
    assert [len(hour.fast) for hour in hours] == [240, 240]
    assert all(hour.slow and hour.state > 0 for hour in hours)
    assert hours[0].to_dict()["fast_ms"]["p95"] > 0


def test_meetings_have_two_to_twelve_people_and_figures_fit_a_table(pool: SpeechPool) -> None:
    assert {rules.speakers for rules, _ in meetings(len(CASTS), 2.0)} == {cast[0] for cast in CASTS}
    assert (min(CASTS)[0], max(CASTS)[0]) == (2, 12)
    back = [rules for rules, _ in meetings(3, 2.0, returning=5)]
    assert {(rules.speakers, rules.returning, rules.late, rules.rare) for rules in back} == {(7, 5, 0, False)}
