"""What a seat plays is on disk while it is played: a server that is killed and started anew goes on from there."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from session.playing import SEVERAL, drag, play
from tiny.model import TinyModel
from tiny.pictures import PictureModel, noisy

from studio.controls import Pause, Picture, Prompt, Sampling, strokes
from studio.presets import Preset
from studio.score import Event, ScoreError
from studio.session import Session
from studio.ui import autosave
from studio.ui.autosave import LineFile, SavedLines, read_line
from studio.ui.restore import Restorer
from studio.ui.saved import SavedSeats, file_name
from studio.ui.seats import Seats

TESTS = Path(__file__).parent.parent
KILLED = """
import sys, time
from pathlib import Path
from tiny.model import TinyModel
from session.playing import SEVERAL
from studio.controls import Prompt, Sampling
from studio.presets import Preset
from studio.score import Event
from studio.session import Session
from studio.ui.autosave import SavedLines
from studio.ui.restore import Restorer
from studio.ui.saved import SavedSeats, file_name
from studio.ui.seats import Seats
folder = Path(sys.argv[1])
lines = SavedLines(folder / "lines", file_name, 3600.0)
restorer = Restorer(folder / "takes", SavedSeats(folder / "s"), lines=lines)
seats = Seats(lambda: Session(TinyModel()), takes=folder / "takes", restorer=restorer)
seat = seats.sit(address="127.0.0.1")
events = [(0, Sampling(seed=9)), *SEVERAL, (30, Prompt("autumn"))]
seat.play(Preset("Played", "", tuple(Event(frame, control) for frame, control in events)))
seat.session.start(60)
print(seat.id, flush=True)
while True:
    seats.sweep()
    print(seat.session.engine.frame, flush=True)
    time.sleep(0.3)
"""
PLAYED = Preset(
    "Played",
    "",
    tuple(Event(frame, control) for frame, control in [(0, Sampling(seed=9)), *SEVERAL, (30, Prompt("autumn"))]),
)


def seats_of(folder, make=lambda: Session(TinyModel())):
    folder = Path(folder)
    lines = SavedLines(folder / "lines", file_name, 3600.0)
    return Seats(
        make, takes=folder / "takes", restorer=Restorer(folder / "takes", SavedSeats(folder / "s"), lines=lines)
    )


def uninterrupted(preset, frames):
    session = Session(TinyModel())
    session.play(preset)
    return [session.step().hash for _ in range(frames)]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_server_that_was_killed_goes_on_at_most_a_second_behind_with_the_same_frames(tmp_path):
    paths = {"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, env={**os.environ, **paths}
    )
    assert process.stdout
    id, frame, began = process.stdout.readline().strip(), 0, time.monotonic()
    while frame < 45:
        frame = int(process.stdout.readline())
        assert time.monotonic() - began < 60
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    seat = seats_of(tmp_path).sit(id, "127.0.0.1")
    at = seat.session.engine.frame
    assert at >= frame - 60, "a second of its 60 frames"
    assert seat.news.startswith(f"Your session had ended and goes on at frame {at}, with its prompt")
    assert [seat.session.step().hash for _ in range(9)] == uninterrupted(PLAYED, at + 9)[at:]


def test_what_is_written_is_a_checkpoint_now_and_then_and_else_what_was_set(model, tmp_path, clock):
    session, path = Session(model), tmp_path / "a.line"
    file = LineFile(path, clock)
    inodes, shown = [], []
    for _ in range(8):
        shown += play(session, 10, SEVERAL)
        clock.now += 1.0
        file.save(session)
        inodes.append(path.stat().st_ino)
        other = Session(model)
        line = read_line(path)
        line.go_on(other)
        assert other.engine.frame == line.frame == session.engine.frame
        ahead = Session(model)
        ahead.restore(session.snapshot())
        assert play(other, 3) == play(ahead, 3)
    assert len(dict.fromkeys(inodes)) == 2, "one in four seconds"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 or os.name == "nt"
    before = path.read_bytes()
    clock.now += 1.0
    file.save(session)
    assert path.read_bytes() == before, "nothing was played"


def test_going_back_and_to_a_branch_begins_the_file_anew(model, tmp_path, clock, caplog):
    session, path = Session(model), tmp_path / "a.line"
    file = LineFile(path, clock)
    play(session, 30, [*SEVERAL, (29, drag(0.3, "undone"))])
    file.save(session)
    branch = session.rewind(28)
    play(session, 6, [(28, Prompt("a lake"))])
    for _ in range(2):
        file.save(session)
        other = Session(model)
        read_line(path).go_on(other)
        assert other.engine.frame == session.engine.frame
        assert other.engine.state == session.engine.state
        branch = session.go_to(branch.name)
    assert "otherwise" not in caplog.text, "the digest is of what was played"


def test_a_paused_session_comes_back_paused_at_its_frame_with_what_waits(model, tmp_path):
    seats = seats_of(tmp_path, lambda: Session(model))
    seat = seats.sit(address="127.0.0.1")
    seat.send(Prompt("winter"))
    play(seat.session, 13)
    seat.send(Pause(True))
    assert seat.session.step() is None
    seat.send(Prompt("spring"))
    seats.sweep()
    again = seats_of(tmp_path, lambda: Session(model)).sit(seat.id)
    assert again.session.engine.frame == 13
    assert again.session.step() is None
    assert again.state[Prompt].text == "spring"
    for one in (seat, again):
        one.send(Pause(False))
    assert play(again.session, 4) == play(seat.session, 4)


def test_pictures_that_came_in_are_back_too(tmp_path):
    make = lambda: Session(PictureModel())  # noqa: E731
    seats = seats_of(tmp_path, make)
    seat = seats.sit(address="127.0.0.1")
    play(seat.session, 7, [(2, Picture(noisy(1))), (5, Picture(noisy(2)))])
    seat.played = True
    seats.sweep()
    again = seats_of(tmp_path, make).sit(seat.id)
    assert again.session.engine.state[Picture].data == noisy(2)
    assert "not back" not in again.news
    assert play(again.session, 4) == play(seat.session, 4)


def test_a_seat_whose_page_was_away_too_long_goes_on_where_it_was(model, tmp_path):
    seats = seats_of(tmp_path, lambda: Session(model))
    seat = seats.sit(address="127.0.0.1")
    seat.send(Prompt("winter"))
    play(seat.session, 12)
    seats.close(seat)
    again = seats.sit(seat.id)
    assert again.session.engine.frame == 12
    assert strokes(again.state) == strokes(seat.state)
    seats.close_all()


@pytest.mark.parametrize("hurt", [b"", b"nonsense", b'{"studio": 99}', "cut", "other model"])
def test_a_line_that_cannot_be_gone_on_from_is_said_and_the_picture_begins_anew(model, tmp_path, caplog, hurt):
    seats = seats_of(tmp_path, lambda: Session(model))
    seat = seats.sit(address="127.0.0.1")
    seat.send(Prompt("winter"))
    play(seat.session, 20)
    seats.sweep()
    (path,) = (tmp_path / "lines").iterdir()
    data = path.read_bytes()
    whole = {"cut": data[:2000], "other model": data.replace(b'"model": "', b'"model": "x', 1)}
    path.write_bytes(whole.get(hurt, hurt))
    again = seats_of(tmp_path, lambda: Session(model)).sit(seat.id)
    assert again.news.startswith("Your session had ended and begins anew at frame 0, with its prompt")
    assert again.state[Prompt].text == "winter"
    assert play(again.session, 2)


def test_a_checkpoint_that_is_too_large_is_not_kept_and_that_is_said(model, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    session, file = Session(model), LineFile(tmp_path / "a.line")
    play(session, 30)
    file.save(session)
    monkeypatch.setattr(autosave, "LARGEST", 1000)
    file.close()
    for _ in range(2):
        play(session, 10)
        file.save(session)
    assert not (tmp_path / "a.line").exists()
    assert caplog.text.count("its picture begins anew") == 1


def test_lines_are_bounded_in_bytes_and_age(model, tmp_path, monkeypatch):
    session = Session(model)
    play(session, 20)
    monkeypatch.setattr(autosave, "MOST_BYTES", 3 * len(session.played_since().snapshot()) * 2)
    lines = SavedLines(tmp_path, file_name, 60.0)
    for number in range(6):
        lines.save(f"seat {number}", session)
        lines.leave(f"seat {number}")
        os.utime(tmp_path / (file_name(f"seat {number}")[:-5] + ".line"), (time.time() - 50 + number,) * 2)
    assert [lines.load(f"seat {number}") is not None for number in (0, 1, 5)] == [False, False, True]
    assert len(list(tmp_path.iterdir())) <= 4
    for path in tmp_path.iterdir():
        os.utime(path, (1.0, 1.0))
    SavedLines(tmp_path, file_name, 60.0)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_once_and_tried_again(model, tmp_path, caplog, monkeypatch):
    session, lines = Session(model), SavedLines(tmp_path / "lines", file_name, 60.0)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(autosave.os, "fsync", full)
        for _ in range(3):
            play(session, 3)
            lines.save("seat", session)
    assert caplog.text.count("No space left on device") == 1
    assert lines.load("seat") is None
    play(session, 3)
    lines.save("seat", session)
    assert lines.load("seat").frame == 12
    assert list((tmp_path / "lines").glob("*.part")) == []


def test_a_stranger_finds_no_line(model, tmp_path):
    seats = seats_of(tmp_path, lambda: Session(model))
    seat = seats.sit(address="127.0.0.1")
    seat.send(Prompt("winter"))
    play(seat.session, 12)
    seats.sweep()
    (path,) = (tmp_path / "lines").iterdir()
    assert seat.id not in path.name
    for guess in (path.name, path.stem, "", None):
        stranger = seats_of(tmp_path, lambda: Session(model)).sit(guess)
        assert stranger.session.engine.frame == 0


def test_what_is_no_line_is_said(tmp_path):
    path = tmp_path / "a.line"
    assert read_line(path) is None
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ScoreError):
        read_line(path)
