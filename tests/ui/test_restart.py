"""What a page gets back when its session has ended or its server was killed: seats from disk, and takes."""

import os
import shutil
import stat
import time
from pathlib import Path
from types import SimpleNamespace

import imageio.v3 as iio
import numpy as np
import pytest
from test_library import Shelf, library, until
from tiny.model import TinyModel

from studio.controls import Pause, Picture, Prompt, Sampling, Stroke, strokes
from studio.folders import held, hold, state_folder
from studio.outputs.fragments import part_of
from studio.outputs.video import RECORDED_MP4, VideoFile
from studio.presets import Preset
from studio.score import Digest, Event, Score, ScoreWriter, replay
from studio.session import Session
from studio.session.take import new_take
from studio.ui import saved as saving
from studio.ui.editing import Editing
from studio.ui.options import ServerOptions
from studio.ui.restore import MOST_TAKES, Restorer, restore, saved_of
from studio.ui.saved import SavedSeat, SavedSeats
from studio.ui.seat import Seat
from studio.ui.seats import Seats
from studio.ui.unfinished import FINISHING, UnfinishedTakes
from studio.ui.updates import SessionUpdates

KEY = "the page alone knows it"
NIGHT = Prompt("a fox at night")
FOX = Stroke("f", "fox", ((0, 0.2, 0.5), (48, 0.8, 0.5)), mode="path")
PNG = iio.imwrite("<bytes>", np.zeros((8, 8, 3), np.uint8), extension=".png")
SAVED = SavedSeat("", (NIGHT.to_message(), FOX.to_message()), takes=("one",), unfinished=("one",))


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Where seats are saved


def test_a_saved_seat_is_read_again_under_its_key_and_under_no_other(tmp_path):
    store = SavedSeats(tmp_path / "sessions")
    store.save(KEY, SAVED)
    again = SavedSeats(tmp_path / "sessions")
    read = again.load(KEY)
    assert read.state() == SAVED.state()
    assert (read.takes, read.unfinished, read.recording, read.left_out) == (("one",), ("one",), "", ())
    (path,) = (tmp_path / "sessions").iterdir()
    for guess in (path.name, path.stem, "", None, {"seat": 1}, ["a"], 7, "../x", "x" * 10_000, "\ud800", KEY + " "):
        assert again.load(guess) is None, guess


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_nobody_else_can_read_a_saved_seat_and_its_name_does_not_tell_the_key(tmp_path):
    (tmp_path / "sessions").mkdir(mode=0o755)
    store = SavedSeats(tmp_path / "sessions")
    store.save(KEY, SAVED)
    (path,) = (tmp_path / "sessions").iterdir()
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert KEY not in path.name
    assert KEY not in path.read_text()


def test_only_what_has_changed_is_written(tmp_path):
    store = SavedSeats(tmp_path)
    store.save(KEY, SAVED)
    (path,) = tmp_path.iterdir()
    first = path.stat().st_ino
    store.save(KEY, SavedSeat("", (NIGHT.to_message(), FOX.to_message()), takes=("one",), unfinished=("one",)))
    assert path.stat().st_ino == first
    store.save(KEY, SAVED.without("stroke"))
    assert path.stat().st_ino != first
    assert not strokes(store.load(KEY).state())
    assert list(tmp_path.iterdir()) == [path], "no part stays"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"model": 1}',
        "null",
        '{"model": "", "controls": [7], "takes": [], "recording": ""}',
        "\0",
        "[" * 99_999,
    ],
)
def test_a_saved_seat_that_cannot_be_read_is_none_and_said(tmp_path, caplog, text):
    store = SavedSeats(tmp_path)
    store.save(KEY, SAVED)
    (path,) = tmp_path.iterdir()
    path.write_text(text)
    assert store.load(KEY) is None
    assert str(path) in caplog.text


def test_saved_seats_are_bounded_in_number_age_and_size(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "MOST_SEATS", 3)
    store = SavedSeats(tmp_path)
    store.save("taken", SAVED)
    os.utime(tmp_path / saving.file_name("taken"), (1.0, 1.0))
    for number in range(5):
        store.save(f"left {number}", SAVED)
        os.utime(tmp_path / saving.file_name(f"left {number}"), (time.time() - 100 + number,) * 2)
        store.leave(f"left {number}")
    assert [store.load(f"left {number}") is not None for number in range(5)] == [False, False, False, True, True]
    assert store.load("taken") is not None, "it is the oldest, and somebody plays there"
    os.utime(tmp_path / saving.file_name("left 4"), (time.time() - saving.OLDEST - 5,) * 2)
    assert SavedSeats(tmp_path).load("left 4") is None
    long = Stroke("p", "fox", tuple((t, 0.123456789, 0.987654321) for t in range(2048)), mode="path")
    many = tuple({**long.to_message(), "id": str(number)} for number in range(9))
    store.save("large", SavedSeat("", (NIGHT.to_message(), *many)))
    assert (tmp_path / saving.file_name("large")).stat().st_size < saving.LARGEST
    assert store.load("large").left_out == ("stroke",)
    assert store.load("large").state()[Prompt] == NIGHT


def test_a_folder_that_cannot_be_written_is_said_once_and_nothing_is_saved(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    store = SavedSeats(tmp_path / "file" / "sessions")
    for number in range(3):
        store.save(KEY, SAVED if number % 2 else SAVED.without("stroke"))
    assert store.load(KEY) is None
    assert caplog.text.count("sessions cannot be saved") == 1
    assert "STUDIO_STATE_DIR" in caplog.text


def test_a_disk_that_fails_for_a_while_is_said_once_and_tried_again(tmp_path, caplog, monkeypatch):
    store = SavedSeats(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(saving.os, "fsync", full)
        for _ in range(3):
            store.save(KEY, SAVED)
        assert store.load(KEY) is None
    assert caplog.text.count("No space left on device") == 1
    store.save(KEY, SAVED)
    assert store.load(KEY) is not None
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]


def test_a_folder_that_somebody_deletes_is_made_again(tmp_path):
    store = SavedSeats(tmp_path / "sessions")
    store.save(KEY, SAVED)
    shutil.rmtree(tmp_path / "sessions")
    assert store.load(KEY) is None
    store.save(KEY, SAVED.without("stroke"))
    assert store.load(KEY).left_out == ("stroke",)
    assert mode(tmp_path / "sessions") == 0o700 or os.name == "nt"


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"STUDIO_STATE_DIR": "/srv/state", "XDG_STATE_HOME": "/x", "HOME": "/home/a"}, "/srv/state"),
        ({"XDG_STATE_HOME": "/x", "HOME": "/home/a"}, "/x/studio"),
        ({"HOME": "/home/a"}, "/home/a/.local/state/studio"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_the_folder_for_state_is_the_persons_own(monkeypatch, environment, folder):
    for name in ("STUDIO_STATE_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert state_folder() == Path(folder)


# Takes that were cut off


def cut_off(folder, name, frames=20, ended=False, video=True):
    """A take as a killed process leaves it: (its frames' hashes, the frames up to the last checkpoint)."""
    session, ticks = Session(TinyModel()), iter(range(10_000))
    session.send(NIGHT)
    session.step()
    session.engine.restart(1)
    take = new_take(session.engine)
    writer = ScoreWriter(folder / f"{name}.jsonl", take.header, clock=lambda: 0.1 * next(ticks))
    for event in take.score().events:
        writer.add(event)
    film, digest, hashes = VideoFile(folder / f"{name}.mp4", 12, RECORDED_MP4), Digest(), []
    for _ in range(frames):
        frame = session.step()
        digest.add(frame)
        hashes.append(frame.hash)
        writer.checkpoint(digest)
        if video:
            film.put(frame)
    if ended:
        writer.finish(take.score(frames, str(digest)))
    writer._close()  # as the end of a process does, without a line more
    return hashes


def test_a_take_that_was_cut_off_is_finished_and_replays(tmp_path):
    hashes = cut_off(tmp_path, "night")
    takes = UnfinishedTakes(tmp_path)
    takes.recover()
    assert takes.recovered == ["night"]
    score = Score.read(tmp_path / "night.jsonl")
    assert 10 < score.header.frames <= 20
    digest, again = Digest(), []
    for frame in replay(score, TinyModel()):
        digest.add(frame)
        again.append(frame.hash)
    assert again == hashes[: score.header.frames]
    assert score.header.digest == str(digest)
    assert iio.improps(tmp_path / "night.mp4", plugin="pyav").n_images >= 19
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night.jsonl", "night.mp4"]
    takes.recover()
    assert takes.recovered == ["night"], "once"


def test_a_score_that_a_person_wrote_without_its_length_stays_as_it_is(tmp_path):
    session = Session(TinyModel())
    path = Score(new_take(session.engine).header, [Event(0, NIGHT), Event(40, FOX)]).write(tmp_path / "by hand.jsonl")
    (tmp_path / "notes.jsonl").write_text("no score\n")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    before = path.read_text()
    takes = UnfinishedTakes(tmp_path)
    takes.recover()
    assert (takes.recovered, path.read_text()) == ([], before)


def test_a_take_that_is_being_recorded_is_left_alone(tmp_path):
    session = Session(TinyModel())
    session.record(tmp_path / "live.jsonl")
    (tmp_path / ".live.part.mp4").write_bytes(b"whatever")
    before = (tmp_path / "live.jsonl").read_text()
    takes = UnfinishedTakes(tmp_path)
    takes.recover()
    assert takes.recovered == []
    assert (tmp_path / "live.jsonl").read_text() == before
    assert (tmp_path / ".live.part.mp4").is_file()
    session.stop_recording()


def test_a_file_is_held_until_it_is_closed(tmp_path):
    path = tmp_path / "file"
    with path.open("w") as file:
        assert hold(file)
        with held(path) as ours:
            assert not ours
    with held(path) as ours:
        assert ours
        with held(path) as twice:
            assert not twice


def test_a_video_whose_score_has_ended_is_finished_once_nobody_is_at_it(tmp_path):
    cut_off(tmp_path, "late", ended=True)
    before = (tmp_path / "late.jsonl").read_text()
    takes = UnfinishedTakes(tmp_path)
    takes.recover()
    assert takes.recovered == [], "its pictures may still be on their way"
    old = time.time() - FINISHING - 1
    os.utime(part_of(tmp_path / "late.mp4"), (old, old))
    takes.recover()
    assert takes.recovered == ["late"]
    assert iio.improps(tmp_path / "late.mp4", plugin="pyav").n_images >= 19
    assert (tmp_path / "late.jsonl").read_text() == before


def test_a_take_that_cannot_be_finished_is_told_once_and_the_others_are(tmp_path, caplog):
    cut_off(tmp_path, "night", video=False)
    (tmp_path / "a broken.jsonl").write_text('{"studio": 2}\nnonsense\n{"checkpoint": 3}\n')
    part_of(tmp_path / "a broken.mp4").write_bytes(b"")
    takes = UnfinishedTakes(tmp_path)
    takes.recover()
    takes.recover()
    assert takes.recovered == ["night"]
    assert caplog.text.count("a broken.jsonl was cut off and cannot be finished") == 1
    assert not (tmp_path / "night.mp4").exists()


def test_a_folder_that_is_not_there_holds_none(tmp_path):
    UnfinishedTakes(tmp_path / "none").recover()
    assert not (tmp_path / "none").exists()


# A server that is started anew


class House:
    """Servers of one studio, one after another: `start` is the next; the one before is as good as killed."""

    def __init__(self, folder, own=True, make=lambda: Session(TinyModel())):
        self.folder, self.own, self.make, self.number = folder, own, make, 0
        self.takes = folder / "takes 0"

    def start(self, **options) -> Seats:
        if self.takes.exists():  # who was killed holds its files no more: copies are held by nobody
            self.takes = shutil.copytree(self.takes, self.folder / f"takes {(number := self.number + 1)}")
            self.number = number
        restorer = Restorer(self.takes, SavedSeats(self.folder / "state"), self.own)
        return Seats(self.make, takes=self.takes, restorer=restorer, **options)


def played(seats, *controls, address="127.0.0.1"):
    seat = seats.sit(address=address)
    for control in controls:
        seat.send(control)
    for _ in range(5):
        seat.session.step()
    return seat


OPENING = Preset("Opening", "", (Event(0, Prompt("what every page begins with")),))


def test_a_killed_servers_page_gets_prompt_strokes_and_settings_back(tmp_path):
    house = House(tmp_path)
    first = house.start(opening=OPENING)
    settings = Sampling(seed=77, guidance="full", scale=2.0)
    seat = played(first, NIGHT, FOX, settings, Pause(True))
    first.sweep()
    seats = house.start(opening=OPENING)
    again = seats.sit(seat.id, "127.0.0.1")
    assert again.id == seat.id
    assert again is not seat
    again.session.step()
    state = again.session.engine.state
    assert (state[Prompt], state[Sampling], state[Pause].paused) == (NIGHT, settings, False)
    assert strokes(state) == {"f": (FOX, 0)}
    assert again.session.engine.frame == 1
    assert again.news == "Your session had ended and begins anew at frame 0, with its prompt, stroke and settings."
    assert again.played, "the seat waits for its page as long as before"
    assert seats.sit(seat.id) is again
    assert again.session.step().hash == frames_of(NIGHT, FOX, settings, count=2)[1].hash


def frames_of(*controls, count):
    session = Session(TinyModel())
    for control in controls:
        session.send(control)
    return [session.step() for _ in range(count)]


def test_a_guessed_seat_gets_nothing_back(tmp_path):
    house = House(tmp_path)
    first = house.start()
    seat = played(first, NIGHT)
    first.sweep()
    (file,) = (tmp_path / "state").iterdir()
    seats = house.start()
    for guess in (file.name, file.stem, seat.id[:-1], "", None):
        stranger = seats.sit(guess, "10.0.0.9")
        assert stranger.id not in (seat.id, guess)
        assert stranger.state[Prompt] != NIGHT
        seats.close(stranger)


def test_a_seat_that_nobody_used_is_not_saved(tmp_path):
    seats = House(tmp_path).start(opening=OPENING)
    seats.sit()
    seats.sweep()
    seats.close_all()
    assert list((tmp_path / "state").iterdir()) == []


def test_a_preset_that_a_person_chose_is_saved(tmp_path):
    house = House(tmp_path)
    seats = house.start(opening=OPENING)
    seat = seats.sit()
    seat.play(Preset("Night", "", (Event(0, NIGHT),)))
    seat.session.step()
    seats.sweep()
    assert house.start().sit(seat.id).state[Prompt] == NIGHT


def test_a_server_that_was_stopped_with_care_and_a_seat_that_gave_way_come_back_too(tmp_path):
    house = House(tmp_path)
    seats = house.start()
    seat = played(seats, NIGHT)
    seats.close(seat)
    again = seats.sit(seat.id, "127.0.0.1")
    assert (again.id, again.state[Prompt]) == (seat.id, NIGHT)
    again.send(FOX)
    seats.close_all()
    assert strokes(house.start().sit(seat.id).state).keys() == {"f"}


def test_words_that_blend_in_come_back_without_what_was_before_them(tmp_path):
    house = House(tmp_path)
    first = house.start()
    blending = Prompt("a lake", blend=40)
    seat = played(first, NIGHT, blending)
    first.sweep()
    again = house.start().sit(seat.id)
    hashes = [again.session.step().hash for _ in range(3)]
    assert again.state[Prompt] == blending
    assert hashes[0] == frames_of(Prompt("a lake"), count=1)[0].hash


def test_a_picture_that_came_in_is_not_saved_and_that_is_said(tmp_path):
    seat = SimpleNamespace(
        state=Session(TinyModel()).engine.state.updated(NIGHT, Picture(PNG)),
        models=SimpleNamespace(chosen=""),
        recorder=SimpleNamespace(takes=[], name=""),
        editing=Editing(),
        bookmarks=[],
        viewers=SimpleNamespace(secret=""),
    )
    saved = saved_of(seat)
    assert [control["kind"] for control in saved.controls] == ["prompt"]
    new = Seat(Session(TinyModel()), tmp_path)
    restore(new, saved, tmp_path)
    assert new.news.endswith("with its prompt and settings; not back: pictures.")


def test_a_take_that_was_being_recorded_is_finished_and_given_to_its_page(tmp_path):
    house = House(tmp_path, own=False)
    first = house.start()
    seat = played(first, NIGHT)
    seat.record()
    kept = seat.recorder.name
    for _ in range(3):
        seat.session.step()
    done = seat.stop_recording()
    seat.record()
    until(lambda: seat.session.step() and part_of(house.takes / f"{seat.recorder.name}.mp4").is_file())
    time.sleep(0.55)
    [seat.session.step() for _ in range(3)]
    first.sweep()
    seats = house.start()
    assert seats.sit(address="127.0.0.1").recorder.takes == [], "a host of others gives nobody's take to somebody else"
    again = seats.sit(seat.id, "10.0.0.9")
    before, cut = again.recorder.takes
    assert (before.name, before.frames, before.unfinished) == (kept, done.frames, False)
    assert (cut.name, cut.unfinished) == (seat.recorder.name, True)
    assert cut.frames >= 2
    assert f"its take was cut off at 0:{round(cut.frames / cut.fps):02d} and is in the list of takes" in again.news
    hello = SessionUpdates(again, "token", [], time.monotonic).hello()
    assert '"unfinished": true' in hello.to_json()
    for take in (before, cut):
        assert Score.read(again.downloads.get(take.score).content).header.frames == take.frames
        assert iio.improps(again.downloads.get(take.video).content, plugin="pyav").n_images >= 1
    third = house.start().sit(seat.id)
    assert [take.unfinished for take in third.recorder.takes] == [False, True], "it is so after the next restart too"


def test_on_a_persons_own_server_every_page_of_theirs_is_offered_what_was_cut_off(tmp_path):
    (tmp_path / "takes").mkdir()
    cut_off(tmp_path / "takes", "night")
    seats = Seats(
        lambda: Session(TinyModel()), takes=tmp_path / "takes", restorer=Restorer(tmp_path / "takes", own=True)
    )
    (take,) = seats.sit(address="127.0.0.1").recorder.takes
    assert (take.name, take.fps, take.unfinished) == ("night", 12, True)
    assert seats.sit(address="10.0.0.9").recorder.takes == [], "who came by a proxy or another machine is not known"


def test_a_take_whose_files_are_gone_is_not_offered_and_that_is_said(tmp_path):
    seat = Seat(Session(TinyModel()), tmp_path)
    cut_off(tmp_path, "x")
    outside = Score.read(tmp_path / "x.jsonl").write(tmp_path.parent / "outside.jsonl")
    names = ("gone", "../outside", str(outside.with_suffix("")), "", "x")
    restore(seat, SavedSeat("", SAVED.controls, takes=names, recording="gone"), tmp_path)
    assert seat.recorder.takes == []
    assert f"of its take nothing is left in {tmp_path}" in seat.news
    restore(seat, SavedSeat("", SAVED.controls, recording="x"), tmp_path)
    assert f"its take was cut off and could not be finished: what there is of it is in {tmp_path}" in seat.news


def test_a_page_gets_back_its_last_takes_alone(tmp_path):
    seat = Seat(Session(TinyModel()), tmp_path)
    seat.recorder.takes += [SimpleNamespace(name=str(number), unfinished=False) for number in range(MOST_TAKES + 5)]
    assert saved_of(seat).takes == tuple(str(number) for number in range(5, MOST_TAKES + 5))


def test_a_page_goes_back_to_the_model_it_had_chosen(tmp_path):
    shelf = Shelf()
    lib = library(shelf)
    house = House(tmp_path, make=lib.session)
    first = house.start(library=lib)
    seat = played(first, NIGHT, FOX)
    assert seat.models.chosen == ""
    seat.models.choose("other")
    assert seat.models.chosen == "other"
    until(lambda: seat.models.name == "other")
    first.sweep()
    shelf.go_on.clear()
    lib = library_anew(shelf)
    house.make = lib.session
    again = house.start(library=lib).sit(seat.id)
    assert "its model other is being loaded" in again.news
    assert (again.models.name, again.state[Prompt]) == ("tiny", NIGHT)
    shelf.go_on.set()
    until(lambda: again.models.name == "other")
    assert strokes(again.state).keys() == {"f"}
    assert again.late == ()


def library_anew(shelf):
    shelf.go_on.set()
    made = library(shelf)
    shelf.go_on.clear()
    return made


def without_strokes(state):
    """What a model without a track map plays of a state."""
    return state.drop(("stroke", "f")), {"stroke": "no track"}


def test_what_only_the_chosen_model_takes_waits_for_it(tmp_path, monkeypatch):
    seat = Seat(Session(TinyModel()), tmp_path)
    chosen = []
    seat.models.choose = chosen.append
    monkeypatch.setattr(
        seat.session.engine, "adapt", lambda state: (state.drop(("stroke", "f")), {"stroke": "no track"})
    )
    settings = Sampling(seed=5, steps=2)
    saved = SavedSeat("other", (NIGHT.to_message(), settings.to_message(), FOX.to_message()))
    restore(seat, saved, tmp_path)
    assert chosen == ["other"]
    assert set(seat.late) == {FOX, settings}
    assert "not back" not in seat.news
    assert seat.hand_over(TinyModel()) == {}
    assert (strokes(seat.state).keys(), seat.state[Sampling], seat.late) == ({"f"}, settings, ())


def test_what_the_model_does_not_take_any_more_is_said_with_the_reason(tmp_path, monkeypatch):
    seat = Seat(Session(TinyModel()), tmp_path)
    monkeypatch.setattr(
        seat.session.engine, "adapt", lambda state: (state.drop(("stroke", "f")), {"stroke": "no track"})
    )
    restore(seat, SAVED, tmp_path)
    assert seat.news.endswith("; not back: strokes (no track).")
    restore(seat, SavedSeat("gone", SAVED.controls), tmp_path)
    assert "it plays on tiny (this server plays one model)" in seat.news
    assert seat.late == ()


def test_a_saved_seat_that_cannot_be_restored_keeps_no_page_out(tmp_path, caplog):
    house = House(tmp_path)
    seat = played(house.start(opening=OPENING), NIGHT)
    SavedSeats(tmp_path / "state").save(seat.id, SAVED)

    class Deaf(TinyModel):
        def prepare(self, prompt, loras=None):
            if prompt == NIGHT.text:
                raise RuntimeError("out of memory")
            return super().prepare(prompt)

    house.make = lambda: Session(Deaf())
    again = house.start(opening=OPENING).sit(seat.id)
    assert again.state[Prompt].text == "what every page begins with"
    assert again.news.endswith("what was set could not be restored: out of memory")
    assert "a saved session could not be restored" in caplog.text


@pytest.mark.parametrize(
    ("options", "alone"),
    [
        ({}, True),
        ({"host": "localhost"}, True),
        ({"host": "0.0.0.0"}, False),
        ({"share": True}, False),
        ({"auth": {"a": "b"}}, False),
        ({"root_path": "/studio"}, False),
        ({"allowed_hosts": ["studio.example"]}, False),
    ],
)
def test_a_server_is_for_one_person_where_nothing_says_otherwise(options, alone):
    assert ServerOptions(**options).is_for_one is alone


def test_only_what_is_asked_to_save_sessions_saves_them(tmp_path, monkeypatch):
    assert ServerOptions().saved_seats is None
    assert ServerOptions(state=tmp_path).saved_seats.folder == tmp_path / "sessions"
    from studio.cli import main

    asked = {}
    monkeypatch.setenv("STUDIO_STATE_DIR", str(tmp_path))
    monkeypatch.setattr("studio.ui.app.launch", lambda *args, **options: asked.update(options))
    main(["run"])
    assert asked["state"] == tmp_path


def test_saving_costs_a_session_nothing(tmp_path):
    """It is the sweeper's thread that saves; a frame that is being drawn waits for no disk."""
    house = House(tmp_path)
    seats = house.start()
    seat = played(seats, NIGHT)
    busy = seat.session._turn
    with busy:  # as while a frame is drawn
        seats.sweep()
    assert house.start().sit(seat.id).state[Prompt] == NIGHT
