"""What a session keeps of a take: bounded while nobody records, whole while somebody does, and there after a kill."""

import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import imageio.v3 as iio
import pytest
from tiny.model import TinyModel

import studio
from studio.controls import Erase, Picture, Prompt, Sampling, Stroke, opening_events
from studio.controls.course import make_course
from studio.outputs.fragments import part_of
from studio.score import Digest, Event, Header, Score, ScoreError, replay
from studio.session import Session
from studio.session import take as takes
from studio.session.take import Take, memory_of


def long_stroke(number, id="a", points=2048):
    """A path of so many points, each list of them its own."""
    return Stroke(id, "fox", tuple((t, (number + t) % 97 / 97, 0.5) for t in range(points)), "path")


def new_take(start=0):
    return Take(Header("tiny", "0123456789ab", 32, 32, start), Session(TinyModel()).engine.state)


def memory_held(score):
    return sum(memory_of(event.control) for event in score.events)


def small(monkeypatch, events=20_000, size=2**20):
    monkeypatch.setattr(takes, "MAX_EVENTS", events)
    monkeypatch.setattr(takes, "MAX_BYTES", size)


def state_after(score):
    """The controls in force after a score's last event."""
    state = score.opening()
    for event in score.events:
        state = state.after(event.control, event.frame) if event.frame > score.header.start else state
    return state


def test_the_memory_of_a_stroke_is_what_it_takes():
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        stroke = long_stroke(1)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken / 1.5 < memory_of(stroke) < taken * 1.5
    assert memory_of(Picture(b"\xff\xd8\xff" + b"x" * 100_000)) > 100_000


def test_a_take_of_large_strokes_that_is_not_recorded_has_bounded_memory(model, monkeypatch):
    small(monkeypatch)
    session, held = Session(model), []
    session.history.most_bytes = 0  # what can be gone back to is bounded by itself
    tracemalloc.start()
    try:
        for number in range(16):
            session.send(long_stroke(number))
            session.step()
            make_course.cache_clear()  # that is bounded by itself
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert memory_held(session.score) <= 2**20 + memory_of(long_stroke(0))  # and the one in force at the start
    assert held[-1] - held[6] < 2**19, "it grew on"


def test_what_is_remembered_of_paths_is_no_more_than_some_megabytes():
    assert (make_course.cache_info().maxsize or 10**6) * memory_of(long_stroke(0)) < 64 * 2**20


def test_by_default_an_hour_of_controls_is_no_more_than_a_few_megabytes():
    assert takes.MAX_BYTES <= 32 * 2**20
    take = new_take()
    for frame in range(takes.MAX_EVENTS + 500):
        take.add(Event(frame, Prompt("winter")))
        take.bound()
    assert len(take.score().events) <= takes.MAX_EVENTS + 2


def test_a_take_that_was_folded_ends_in_the_same_state_and_says_that_it_does_not_begin_clean(
    model, monkeypatch, caplog
):
    small(monkeypatch, events=5)
    session = Session(model)
    for number in range(12):
        session.send(Stroke("a", "fox", ((0, number / 12, 0.5),)))
        if number in (1, 8):
            session.send(Prompt(f"winter {number}", blend=3))
        if number == 2:
            session.send(long_stroke(0, "b", points=9))
        session.step()
    session.send(Erase("b"))
    session.step()
    score = session.score
    assert not score.header.clean
    assert score.header.start + score.header.frames == 13
    assert len([event for event in score.events if event.frame > score.header.start]) <= 5
    last = session.engine.state.at(13)
    assert list(opening_events(state_after(score).at(13), 13)) == list(opening_events(last, 13))
    frames = list(replay(Score.parse("\n".join(score.lines())), model))
    assert [frame.index for frame in frames] == list(range(score.header.start, 13))
    assert "does not begin at a clean start" in caplog.text


def test_after_a_clean_start_a_take_is_clean_again(model, monkeypatch):
    small(monkeypatch, events=2)
    session = Session(model)
    for scale in (1.0, 1.1, 1.2, 1.3):
        session.send(Sampling(guidance="self", scale=scale))
        session.step()
    assert not session.score.header.clean
    session.reset()
    made = [session.step().hash for _ in range(3)]
    assert session.score.header.clean
    assert [frame.hash for frame in replay(session.score, model)] == made


def test_a_take_that_is_recorded_is_kept_whole_and_folded_when_it_ends(model, monkeypatch, tmp_path):
    small(monkeypatch, events=3)
    session = Session(model)
    session.record(tmp_path / "take.jsonl")
    made = []
    for number in range(10):
        session.send(Stroke("a", "fox", ((0, number / 12, 0.5),)))
        made.append(session.step().hash)
    score = session.stop_recording()
    assert score.header.clean
    assert [frame.hash for frame in replay(Score.read(tmp_path / "take.jsonl"), model)] == made
    assert not session.score.header.clean


def test_a_branch_of_a_folded_take_is_folded_too(model, monkeypatch):
    small(monkeypatch, events=3)
    session = Session(model)
    for number in range(8):
        session.send(Stroke("a", "fox", ((0, number / 12, 0.5),)))
        session.step()
    other = Session(model)
    other.restore(session.snapshot())
    assert other.score == session.score
    other.send(Prompt("winter"))
    assert other.step().index == 8
    assert not other.score.header.clean
    assert other.score.header.start > session.score.header.start


def test_a_take_without_a_frame_is_not_rendered_and_says_so(model, tmp_path):
    session = Session(model)
    session.record()
    score = session.stop_recording()
    assert score.header.frames == 0
    assert list(replay(score, model)) == []
    with pytest.raises(ScoreError, match="the take has no frame, so there is nothing to render"):
        studio.render(score, tmp_path / "take.mp4", model=model)
    assert list(tmp_path.iterdir()) == []


def test_a_render_whose_frames_are_not_the_recordings_says_so(model, tmp_path, caplog):
    session = Session(model)
    session.record()
    for _ in range(3):
        session.step()
    score = session.stop_recording()
    assert (score.header.processor, score.header.torch) != ("", "")
    studio.render(score, tmp_path / "take.mp4", model=model)
    assert "differ" not in caplog.text
    studio.render(score.ended(3, "0" * 32), tmp_path / "take.gif", model=model)
    assert "the frames differ from the recording's" in caplog.text
    assert len(iio.imread(tmp_path / "take.gif", plugin="pyav")) == 3


# A process that is killed while it records

RECORD = """
import os, sys, time
sys.path.insert(0, {tests!r})
from tiny.model import TinyModel
from studio.controls import Prompt
from studio.session import Session
from studio.ui.takes import TakeVideo

session, video = Session(TinyModel()), TakeVideo({video!r}, 24)

class Log:
    def put(self, frame):
        os.write(1, f"{{frame.index}} {{frame.hash}} {{time.monotonic()}}\\n".encode())
    def close(self):
        pass

session.outputs += [video, Log()]
session.send(Prompt("a fox in the snow"))
video.begin(session.record({score!r}))
session.start(fps=20)
time.sleep(600)
"""


def killed_while_recording(folder: Path, frames: int):
    """[(index, hash, seconds)] of the frames that a process made, which recorded into a folder until it was killed."""
    import studio

    paths = {"tests": str(Path(__file__).parent), "score": str(folder / "take.jsonl"), "video": folder / "take.mp4"}
    code = RECORD.replace("{video!r}", f"__import__('pathlib').Path({str(paths['video'])!r})").format(**paths)
    environment = {**os.environ, "PYTHONPATH": str(Path(studio.__file__).parent.parent)}
    made = []
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        for line in process.stdout:
            index, hash, seconds = line.split()
            made.append((int(index), hash, float(seconds)))
            if len(made) == frames:
                process.send_signal(signal.SIGKILL)
                break
        made += [(int(index), hash, float(seconds)) for index, hash, seconds in map(str.split, process.stdout)]
    return made


def test_a_process_that_is_killed_while_it_records_loses_at_most_a_second(tmp_path, model):
    made = killed_while_recording(tmp_path, 40)
    older = [one for one in made if one[2] <= made[-1][2] - 1.0]
    assert len(older) > 10
    score = Score.read(tmp_path / "take.jsonl")
    assert len(older) <= score.length <= len(made) + 1
    digest = Digest()
    again = []
    for frame in replay(score, model):
        digest.add(frame)
        again.append(frame.hash)
    assert score.header.digest == str(digest)
    assert again[: len(made)] == [hash for _, hash, _ in made][: len(again)]
    pictures = iio.imread(part_of(tmp_path / "take.mp4"), plugin="pyav")
    assert len(older) <= len(pictures) <= len(made) + 1
