"""Takes that a page has made into files, and files that it opens as takes."""

import io
import time
from dataclasses import replace

import imageio.v3 as iio
import pytest
from PIL import Image
from session.playing import SEVERAL, play, replayed
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tiny.model import TinyModel
from tiny.pictures import PictureModel, noisy

from studio.controls import Picture, Prompt
from studio.outputs import OutputError
from studio.outputs.png import encode_png
from studio.score import Event, Header, Score, read_score, render
from studio.session import Session
from studio.ui import dropped, exports
from studio.ui.errors import QuotaExceeded, TakeRefused
from studio.ui.opened import open_take
from studio.ui.quota import DiskQuota
from studio.ui.routes import PREFIX, Routes
from studio.ui.seat import Seat
from studio.ui.seats import Seats
from studio.ui.snapshots import offer_snapshot
from ui.client import OURS, pulled

MODEL = TinyModel()


def seat_in(folder, model=MODEL, **options):
    return Seat(Session(model), folder, **options)


def recorded(seat, frames=12):
    seat.record()
    shown = play(seat.session, frames, SEVERAL)
    return seat.stop_recording(), shown


def exported(seat, take, form):
    """The last progress of an export that was waited for."""
    seat.exports.start(take.name, form)
    finish(seat)
    return seat.exports.progress


def finish(seat):
    """Wait until nothing is made any more beside the session, and nothing of it lies about."""
    end = time.monotonic() + 30
    while seat.offline.busy or any(path.name.startswith(".") for path in seat.exports._place.folder.iterdir()):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def score():
    session = Session(MODEL)
    session.record()
    play(session, 12, SEVERAL)
    return session.stop_recording()


# Exports


@pytest.mark.parametrize("form", exports.FORMS)
def test_a_take_is_made_into_every_form_and_each_carries_it(tmp_path, form):
    seat = seat_in(tmp_path)
    take, shown = recorded(seat)
    progress = exported(seat, take, form)
    assert (progress.stage, progress.done, progress.total, progress.note) == ("done", 12, 12, "")
    file = seat.downloads.get(progress.address)
    assert file.name == progress.name == take.name + exports.FORMS[form].ending
    assert replayed(read_score(file.content), MODEL) == shown
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_the_recorded_video_carries_its_score_too(tmp_path):
    seat = seat_in(tmp_path)
    take, shown = recorded(seat)
    video = seat.downloads.get(take.video).content
    assert replayed(read_score(video), MODEL) == shown
    assert len(iio.imread(video, plugin="pyav")) == 12


def test_an_export_can_be_called_off_and_leaves_nothing(tmp_path, monkeypatch):
    seat = seat_in(tmp_path)
    take, _ = recorded(seat)
    slow = exports.replay
    monkeypatch.setattr(exports, "replay", lambda *given: (time.sleep(0.05) or frame for frame in slow(*given)))
    seat.exports.start(take.name, "gif")
    with pytest.raises(OutputError, match="is being made into gif; wait for it, or cancel it"):
        seat.exports.start(take.name, "webm")
    while not seat.exports.progress.done:
        time.sleep(0.01)
    seat.exports.cancel()
    finish(seat)
    assert seat.exports.progress.stage == "cancelled"
    assert {path.suffix for path in tmp_path.iterdir()} == {".jsonl", ".mp4"}


def test_what_is_called_off_before_its_turn_is_said_and_another_can_begin_and_what_is_done_stays(tmp_path):
    seat = seat_in(tmp_path)
    take, _ = recorded(seat)
    seat.offline.run = lambda name, job: None  # whose thread is at something else
    seat.exports.start(take.name, "gif")
    seat.exports.cancel()
    assert seat.exports.progress.stage == "cancelled"
    del seat.offline.run
    progress = exported(seat, take, "gif")
    assert progress.stage == "done"
    seat.exports.cancel()  # too late
    assert seat.exports.progress == progress
    assert (tmp_path / progress.name).is_file()


def test_an_export_that_is_called_off_while_it_is_put_beside_the_take_leaves_nothing(tmp_path, monkeypatch):
    seat = seat_in(tmp_path)
    take, _ = recorded(seat)
    move = exports.shutil.move
    monkeypatch.setattr(exports.shutil, "move", lambda *given: (seat.exports.cancel(), move(*given)))
    assert exported(seat, take, "gif").stage == "cancelled"
    assert not (tmp_path / f"{take.name}.gif").exists()


def test_all_that_is_made_beside_a_session_takes_one_share_of_the_machine(tmp_path):
    seat = seat_in(tmp_path)
    take, _ = recorded(seat)
    begun = []
    seat.offline.run = lambda name, job: begun.append(name)
    seat.exports.start(take.name, "gif")
    assert begun == [exports.JOB]


def test_what_cannot_be_exported_is_said(tmp_path):
    seat = seat_in(tmp_path)
    take, _ = recorded(seat)
    with pytest.raises(OutputError, match="no take 'of another seat'"):
        seat.exports.start("of another seat", "gif")
    with pytest.raises(OutputError, match="mp4, webm, gif, png, got 'avi'"):
        seat.exports.start(take.name, "avi")
    other = seat_in(tmp_path, PictureModel())
    other.recorder.adopt(take.name)
    progress = exported(other, take, "gif")
    assert (progress.stage, "the video's" in progress.note) == ("done", True), "another model plays: its video does"
    (tmp_path / f"{take.name}.mp4").unlink()
    progress = exported(other, take, "gif")
    assert progress.stage == "failed"
    assert "change to that model" in progress.note


def test_a_full_disk_and_a_full_quota_are_said_and_the_take_stays(tmp_path, monkeypatch):
    seat = seat_in(tmp_path)
    take, _ = recorded(seat)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("studio.outputs.video.Encoder.write", full)
        progress = exported(seat, take, "gif")
    assert progress.stage == "failed"
    assert "make room" in progress.note
    assert replayed(read_score(tmp_path / f"{take.name}.jsonl"), MODEL)
    poor = seat_in(tmp_path, disk=DiskQuota(1))
    poor.recorder.adopt(take.name)
    poor.recorder._disk.add("", 2)
    with pytest.raises(QuotaExceeded, match="fill what this server keeps"):
        poor.exports.start(take.name, "gif")


def test_a_disk_that_is_too_slow_holds_nothing_up_and_the_video_is_made_again_whole(tmp_path, monkeypatch):
    from studio.ui import takes

    whole = takes.VideoFile.put

    def slow(file, frame):
        time.sleep(0.05)
        whole(file, frame)

    seat = seat_in(tmp_path)
    monkeypatch.setattr(takes, "WAITING", 2)
    with monkeypatch.context() as patch:
        patch.setattr(takes.VideoFile, "put", slow)
        seat.record()
        play(seat.session, 30, SEVERAL)
        take = seat.stop_recording()
    assert "made again, whole, from the score" in take.problem
    finish(seat)
    video = seat.downloads.get(take.video).content
    assert len(iio.imread(video, plugin="pyav")) == 30
    assert read_score(video).length == 30


# Pictures


def test_a_saved_picture_carries_the_take_that_leads_to_it(tmp_path):
    seat = seat_in(tmp_path)
    shown = play(seat.session, 40, SEVERAL)
    data = seat.downloads.get(offer_snapshot(seat, 30).address).content
    score = read_score(data)
    assert score.header.start + score.length == 31
    assert replayed(score, MODEL)[-1] == shown[30]
    other = seat_in(tmp_path)
    assert open_take(other, data, "studio.png").remarks == []
    assert play(other.session, 31) == shown[:31]


def test_one_long_after_the_start_begins_half_a_minute_before(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.session.opening.NEAR_START", 20)
    monkeypatch.setattr("studio.session.opening.LEADING", 10)
    session = Session(MODEL)
    shown = play(session, 60, SEVERAL)
    score = session.leading_to(57)
    assert score.snapshot
    assert 10 < score.length <= 20
    assert replayed(score, MODEL) == shown[58 - score.length : 58]
    assert session.leading_to(60) is None
    assert Session(MODEL).leading_to(0) is None


# Opening


@pytest.mark.parametrize("ending", ["mp4", "webm", "gif", "zip", "jsonl"])
def test_a_take_in_any_file_is_opened_listed_and_plays_from_its_start(tmp_path, score, ending):
    path = tmp_path / f"film.{ending}"
    score.write(path) if ending == "jsonl" else render(score, path, model=MODEL)
    seat = seat_in(tmp_path / "takes")
    play(seat.session, 5, [(0, Prompt("a lake"))])
    opened = open_take(seat, path.read_bytes(), f"C:\\x/{path.name}")
    assert opened.remarks == []
    assert play(seat.session, 12) == replayed(score, MODEL)
    assert "film" in opened.take.name
    assert seat.recorder.takes == [opened.take]
    assert read_score(tmp_path / "takes" / f"{opened.take.name}.jsonl") == score
    assert [branch.words for branch in seat.session.history.branches] == ["a lake"]


def test_a_take_with_a_cameras_pictures_comes_back_with_them(tmp_path):
    model = PictureModel()
    session = Session(model)
    session.record()
    shown = play(session, 9, [(2, Picture(noisy(1))), (5, Picture(noisy(2)))])
    path = render(session.stop_recording(), tmp_path / "camera.gif", model=model)
    seat = seat_in(tmp_path / "takes", model)
    open_take(seat, path.read_bytes(), "camera.gif")
    assert play(seat.session, 9) == shown


def test_a_recording_ends_first_and_is_kept(tmp_path, score):
    seat = seat_in(tmp_path)
    seat.record()
    play(seat.session, 4)
    opened = open_take(seat, score.text.encode(), "film.jsonl")
    assert opened.recorded.frames == 4
    assert len(seat.recorder.takes) == 2


def hurt(score, **changes):
    return Score(replace(score.header, **changes), score.events).text.encode()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda score: score.text.replace('"studio": 2', '"studio": 9').encode(), "of version 9, this studio plays 2"),
        (lambda score: hurt(score, model="wan"), "played on wan and plays on tiny here"),
        (lambda score: hurt(score, weights="beef"), "other weights (beef, here"),
        (lambda score: score.text.replace('"label": "cow"', '"label": 7').encode(), "left out: film.jsonl"),
        (lambda score: score.text.encode()[:-40], ""),
        (
            lambda score: score.text.replace('"kind": "erase"', '"kind": "magic"').encode(),
            "left out: film.jsonl, line ",
        ),
    ],
)
def test_what_can_still_be_opened_is_and_the_rest_is_said(tmp_path, score, spoil, said):
    seat = seat_in(tmp_path)
    opened = open_take(seat, spoil(score), "film.jsonl")
    assert (not said and not opened.remarks) or said in "; ".join(opened.remarks)
    assert play(seat.session, 4)


def test_a_picture_that_is_missing_or_too_large_is_left_out(tmp_path):
    model, large = PictureModel(), io.BytesIO()
    Image.new("L", (4096, 8)).save(large, "PNG")
    events = [Event(frame, Picture(data)) for frame, data in ((1, noisy(1)[:50]), (2, large.getvalue()), (3, noisy(2)))]
    height, width = model.size
    score = Score(Header(model.name, model.weights_id, width, height, frames=6, sampler="stream"), events)
    seat = seat_in(tmp_path, model)
    wide, cut_off = open_take(seat, score.text.encode(), "film.jsonl").remarks
    assert "the first at frame 2 (it is 4096x8, at most 2048 a side)" in wide
    assert "left out: picture" in cut_off
    play(seat.session, 5)
    assert seat.session.engine.state[Picture].data == noisy(2)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"{}", "no header"),
        (b"\xff\xfe\x00nonsense", "no text file"),
        (encode_png(Session(MODEL).step().picture), "without a score in it"),
        (Score(Header("tiny", "x", 32, 32, frames=0)).text.encode(), "has 0 frames"),
        (Score(Header("tiny", "x", 32, 32, frames=2**31)).text.encode(), "2,147,483,648 frames"),
    ],
)
def test_what_is_no_take_is_refused_with_a_word_and_what_is_played_goes_on(tmp_path, data, said):
    seat = seat_in(tmp_path)
    play(seat.session, 5)
    with pytest.raises(TakeRefused, match=said):
        open_take(seat, data, "film.xyz")
    assert seat.session.engine.frame == 5
    assert seat.recorder.takes == []


def test_a_full_quota_opens_nothing(tmp_path, score):
    seat = seat_in(tmp_path, disk=DiskQuota(1))
    seat.recorder._disk.add("", 2)
    with pytest.raises(TakeRefused, match="as much as this server keeps"):
        open_take(seat, score.text.encode(), "film.jsonl")
    assert seat.session.history.branches == []


# By the page's address


@pytest.fixture
def house(tmp_path):
    routes = Routes(Seats(lambda: Session(MODEL), takes=tmp_path), {})
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    with TestClient(app) as client:
        yield routes, client


def test_a_page_opens_a_take_at_its_own_seat_and_is_told(house, score):
    routes, client = house
    mine, others = routes.seats.sit(), routes.seats.sit()
    headers = pulled(routes, client, mine)
    answer = client.post(f"{PREFIX}/open", headers=headers | {"x-studio-name": "f%C3%BClm.gif"}, content=score.text)
    assert answer.status_code == 200
    assert (answer.json()["frames"], answer.json()["remarks"]) == (12, [])
    assert [take.name for take in mine.recorder.takes] == [answer.json()["take"]]
    assert others.recorder.takes == []
    told = client.post(f"{PREFIX}/up", headers=headers, json={"messages": []}).json()["messages"]
    assert {"take", "state"} <= {one["type"] for one in told}
    answer = client.post(f"{PREFIX}/open", headers=headers, content=b"nonsense")
    assert "no JSON" in answer.json()["error"] or "no text file" in answer.json()["error"]


def test_who_has_no_link_and_who_sends_too_much_is_refused(house, score, monkeypatch):
    routes, client = house
    headers = pulled(routes, client, routes.seats.sit())
    for papers in (OURS, OURS | {"x-studio-link": "guessed"}, headers | {"origin": "http://elsewhere"}):
        assert client.post(f"{PREFIX}/open", headers=papers, content=score.text).status_code == 403
    monkeypatch.setattr(dropped, "LARGEST_TAKE", 1000)
    answer = client.post(f"{PREFIX}/open", headers=headers, content=b"x" * 1001)
    assert answer.status_code == 413
    assert "nothing was opened" in answer.json()["error"]
