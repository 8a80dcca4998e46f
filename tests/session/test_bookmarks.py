"""A session written into a file, and gone on from in another process; and what such a file is refused for."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from tiny.pictures import PictureModel, half

from session.playing import CAMERA, SEVERAL, drag, play, replayed
from studio.controls import Picture, Prompt, Sampling, Similarity
from studio.presets import Preset
from studio.score import Event, Score, ScoreError
from studio.session import Session

CAMERA_AND_REGIONS = [
    *CAMERA,
    (4, Prompt("winter", "a blur")),
    (7, Similarity(0.1, most=4, regions=True)),
    (16, Picture(half(3, 5))),
    (19, Prompt("spring", "a blur", blend=4)),
    (30, Sampling(2, "full", 1.5, 3, drift=2)),
]
TESTS = Path(__file__).parent.parent
LATER = """
import sys
from tiny.model import TinyModel
from tiny.pictures import PictureModel
from studio.session import Session
for model, path in zip((TinyModel(), PictureModel()), sys.argv[1:], strict=True):
    session = Session(model)
    session.open_bookmark(path)
    print(*(session.step().hash for _ in range(9)))
"""


@pytest.mark.parametrize("sampler", ["stream", "rollout", "rolling"])
def test_a_branch_from_a_bookmark_goes_on_the_same(model, tmp_path, sampler):
    session, other = Session(model, sampler=sampler), Session(model, sampler=sampler)
    play(session, 12, [*SEVERAL, (11, Prompt("spring", blend=6))])
    other.open_bookmark(session.bookmark(tmp_path / "harbour.jsonl"))
    assert play(other, 9) == play(session, 9)


def test_so_it_does_in_a_new_process_and_of_an_image_model_too(model, still, tmp_path):
    shown, marked = [], []
    for one, events in ((model, SEVERAL), (still, CAMERA_AND_REGIONS)):
        session = Session(one)
        play(session, 12, events)
        marked.append(str(session.bookmark(tmp_path / f"{one.name}.jsonl")))
        shown.append(" ".join(play(session, 9)))
    paths = {"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PATH": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LATER, *marked]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=paths, timeout=100)
    assert done.stdout.splitlines() == shown


def test_a_preset_that_was_playing_plays_on_from_a_bookmark(model, tmp_path):
    session, other = Session(model), Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("winter")), Event(6, Prompt("spring")), Event(9, drag(0.2, "new")))))
    play(session, 6)
    path = session.bookmark(tmp_path / "a.jsonl")
    other.open_bookmark(path)
    assert play(other, 9) == play(session, 9)
    assert other.engine.state[Prompt].text == "spring"


def test_what_is_played_on_from_a_bookmark_is_a_take_that_replays(model, tmp_path):
    session, other = Session(model), Session(model)
    play(session, 15, SEVERAL)
    other.open_bookmark(session.bookmark(tmp_path / "a.jsonl"))
    shown = play(other, 12, [(18, Prompt("a lake"))])
    assert replayed(Score.parse("\n".join([*other.score.lines(), ""])), model) == shown
    assert replayed(other.keep(1000), model) == shown
    other.rewind(17)
    assert play(other, 1) == shown[2:3]


def test_a_take_that_was_kept_can_be_begun_from_too(model, tmp_path):
    session, other = Session(model), Session(model)
    shown = play(session, 30, SEVERAL)
    score = session.keep(9)
    other.open_bookmark(score.write(tmp_path / "kept.jsonl"))
    assert play(other, 14) == shown[16:]


def test_what_is_no_bookmark_is_told(model, still, tmp_path):
    session = Session(model)
    play(session, 12, SEVERAL)
    path = session.bookmark(tmp_path / "a.jsonl")
    with pytest.raises(ValueError, match="the snapshot is of tiny; hand over to it"):
        Session(still).open_bookmark(path)
    with pytest.raises(ScoreError, match="begins with no snapshot; give a bookmark"):
        session.open_bookmark(session.score.write(tmp_path / "take.jsonl"))
    damaged = path.read_text().splitlines()
    for data in (b"", b"x" * 7, b"\x00" * 64, base64.b64decode(damaged[1].split('"')[3])[:-40]):
        damaged[1] = f'{{"snapshot": "{base64.b64encode(data).decode()}"}}'
        (tmp_path / "b.jsonl").write_text("\n".join(damaged))
        with pytest.raises(ScoreError, match="snapshot"):
            Session(model).open_bookmark(tmp_path / "b.jsonl")
    damaged[1] = '{"snapshot": "no base64"}'
    (tmp_path / "b.jsonl").write_text("\n".join(damaged))
    with pytest.raises(ScoreError, match="line 2: the snapshot is no base64"):
        Session(model).open_bookmark(tmp_path / "b.jsonl")


def test_a_file_that_cannot_be_begun_from_leaves_the_session_as_it_was(model, tmp_path):
    session, other = Session(model), Session(model)
    play(session, 12, SEVERAL)
    play(other, 12, SEVERAL)
    with pytest.raises(ScoreError):
        session.open_bookmark(session.score.write(tmp_path / "take.jsonl"))
    assert play(session, 5) == play(other, 5)


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
@pytest.mark.parametrize("frame", [5, 14, 17])
def test_an_image_model_goes_on_from_a_bookmark_too(still, tmp_path, sampler, frame):
    session, other = Session(still, sampler=sampler), Session(PictureModel(), sampler=sampler)
    play(session, frame, CAMERA_AND_REGIONS)
    other.open_bookmark(session.bookmark(tmp_path / "a.jsonl"))
    later = [event for event in CAMERA_AND_REGIONS if event[0] >= frame]
    assert play(other, 24, later) == play(session, 24, later)


def test_of_an_image_model_the_last_frames_are_kept_from_mid_play(still, tmp_path):
    session = Session(still)
    shown = play(session, 40, CAMERA_AND_REGIONS)
    score = session.keep(20)
    assert 0 < score.header.start <= 20
    assert score.snapshot
    assert replayed(Score.read(score.write(tmp_path / "kept.jsonl")), PictureModel()) == shown[score.header.start :]


def test_a_bookmark_of_another_sampler_is_refused(model, tmp_path):
    session = Session(model, sampler="rollout")
    play(session, 5)
    path = session.bookmark(tmp_path / "a.jsonl")
    with pytest.raises(ValueError, match="was drawn by the sampler rollout, this session draws by stream"):
        Session(model).open_bookmark(path)
