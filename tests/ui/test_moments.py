"""Branches and bookmarks as a page has them: named, kept, compared, gone back to, and what is said where that fails."""

import asyncio
import base64
import errno
import io
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from session.playing import SEVERAL, play, replayed
from tiny.model import TinyModel
from tiny.pictures import PictureModel

from studio.controls import Prompt
from studio.score import Score
from studio.session import Session
from studio.session.redraw import fork_of, redraw
from studio.ui.connection import Connection
from studio.ui.offline import Offline
from studio.ui.quota import DiskQuota
from studio.ui.restore import Restorer
from studio.ui.saved import SavedSeats
from studio.ui.seat import Seat
from studio.ui.takes import BOOKMARK

TINY = TinyModel()


class At:
    """A page at a seat with a session that nobody else steps."""

    def __init__(self, connection):
        self.connection, self.seat, self.session = connection, connection.seat, connection.seat.session
        self.heard = []  # and not yet given by `until`

    def ask(self, name, **fields):
        """Send a command, and give what the page is told."""
        self.connection.accept(json.dumps({"type": "command", "name": name, **fields}))
        asyncio.run(self.connection.work())
        self.connection.updates.tell_timeline()
        return self.told()

    def told(self):
        self.heard += (messages := [json.loads(text) for text in self.connection.drain()])
        return {message["type"]: message for message in messages}

    @property
    def timeline(self):
        self.connection.updates._timeline = None
        self.connection.updates.tell_timeline()
        return self.told()["timeline"]

    def until(self, type, seconds=30.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.told()
            if found := [one for one in self.heard if one["type"] == type]:
                self.heard = [one for one in self.heard if one not in found]
                return found
            time.sleep(0.01)
        raise AssertionError(f"no {type} came")


@pytest.fixture
def page(tmp_path):
    """Make a page at a seat; by default with the tiny model, and twenty frames played."""
    seats = []

    def made(model=TINY, events=SEVERAL, frames=20, **options):
        session = Session(model)
        play(session, frames, events)
        seat = Seat(session, tmp_path, **options)
        session.start = lambda fps=None: None  # a test steps it
        seats.append(seat)

        async def connect():
            return Connection(seat, {})

        seat.connection = connection = asyncio.run(connect())
        connection.bell.ring = lambda: None
        return At(connection)

    yield made
    for seat in seats:
        seat.close()


def decoded(url):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_a_step_in_time_says_what_it_left_so_that_undo_goes_there(page):
    at = page()
    first = at.ask("rewind", frame=10, step=7)["left"]
    play(at.session, 5)
    second = at.ask("rewind", frame=8, step=8)["left"]
    assert (first["step"], second["step"]) == (7, 8)
    play(at.session, 2)
    at.ask("branch", branch=second["branch"], step=9)
    assert at.session.engine.frame == 13
    back = at.ask("branch", branch=first["branch"], step=10)["left"]["branch"]
    assert at.session.engine.frame == 20
    assert back not in (None, first["branch"])
    assert at.ask("branch", branch=99)["error"]["message"].startswith("branch is 99; there are: branch")
    assert "send a branch's id or name" in at.ask("branch", branch=True)["error"]["message"]


def test_a_branch_is_renamed_in_place_kept_as_a_take_and_removed(page):
    at = page()
    branch = at.ask("rewind", frame=10)["left"]["branch"]
    told = at.ask("rename-moment", moment=branch, to="  the good one ")
    assert told["timeline"]["branches"][0]["name"] == "the good one"
    shown = [hash for one in at.session.line(branch) for hash in one.hashes]
    take = at.ask("keep-branch", branch=branch)["take"]["take"]
    assert "the-good-one" in take["name"]
    score = Score.read(at.seat.recorder.video_path(at.seat.recorder.takes[-1]).with_suffix(".jsonl"))
    assert replayed(score, TINY) == shown[score.header.start :]
    assert score.header.start + score.length == 20
    assert "send 1 to 60 characters" in at.ask("rename-moment", moment=branch, to=" ")["error"]["message"]
    assert at.ask("remove-moment", moment=branch)["timeline"]["branches"] == []
    assert "there are: none yet" in at.ask("remove-moment", moment=branch)["error"]["message"]


def test_of_too_many_branches_those_a_person_named_stay():
    session = Session(TINY)
    play(session, 12)
    session.history.branches.rename(session.rewind(5).id, "the good one")
    for _ in range(12):
        play(session, 2)
        session.rewind(5)
    names = [branch.name for branch in session.history.branches]
    assert len(names) == 8
    assert names[0] == "the good one"
    session.history.branches.rename(names[1], "branch 14")
    play(session, 2)
    assert session.rewind(5).name == "branch 15"
    assert len({branch.id for branch in session.history.branches}) == 8


def test_a_kept_take_gets_its_video_which_is_what_was_shown(page):
    at = page()
    take = at.ask("keep")["take"]["take"]
    assert take["video"] == ""
    (ready,) = at.until("video")
    assert ready["take"]["name"] == take["name"]
    assert at.seat.recorder.takes[-1].video == ready["take"]["video"]
    film = at.seat.recorder.video_path(at.seat.recorder.takes[-1])
    import av

    with av.open(str(film)) as video:
        pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in video.decode(video=0)]
    straight = Session(TINY)
    for picture, frame in zip(pictures, range(20), strict=True):
        for at_frame, control in SEVERAL:
            if at_frame == frame:
                straight.send(control)
        assert np.abs(picture - straight.step().picture).mean() < 12
    assert at.seat.downloads.get(ready["take"]["video"]).content == film


def test_a_video_that_is_called_off_leaves_no_file(page, tmp_path):
    at = page(frames=400)
    at.ask("keep")
    time.sleep(0.05)
    at.seat.offline.close()
    end = time.monotonic() + 20
    while at.seat.offline._thread is not None:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]


# Comparing


def test_two_lines_are_drawn_in_step_from_their_fork_bit_for_bit(page):
    at = page(frames=30)
    shown = [hash for one in at.session.line() for hash in one.hashes]
    branch = at.session.rewind(14).id
    other = play(at.session, 20, [(17, Prompt("a lake"))])
    begun = at.ask("compare", one=branch)["comparison"]
    assert (begun["names"], begun["fork"], begun["firsts"], begun["frames"]) == (["branch 1", "now"], 17, [16, 16], 18)
    pairs = []
    while len(pairs) < begun["frames"]:
        pairs += at.until("compared")
    assert [pair["place"] for pair in pairs] == [*range(18)]
    assert [bool(left) for left, _ in (pair["pictures"] for pair in pairs)] == [True] * 14 + [False] * 4
    lines = at.session.line(branch), at.session.line()
    again = [[frame.hash for frame in redraw(TINY, "stream", line, 11) if frame] for line in lines]
    assert again == [shown[11:30], shown[11:14] + other]
    picture = next(frame for frame in redraw(TINY, "stream", lines[0], 16) if frame).picture
    assert np.abs(decoded(pairs[0]["pictures"][0]).astype(int) - picture).mean() < 12


def test_the_fork_is_the_first_frame_that_differs_and_not_the_checkpoint_before():
    session = Session(TINY)
    play(session, 30)
    session.rewind(10)
    play(session, 20, [(22, Prompt("a lake"))])
    (branch,) = session.history.branches
    assert branch.fork == 10
    assert fork_of(session.line(branch.id), session.line()) == 22
    assert fork_of(session.line(), session.line()) is None
    session.reset()
    play(session, 3)
    assert fork_of(session.line(branch.id), session.line()) is None


def test_lines_that_share_nothing_play_each_from_its_beginning(page):
    at = page()
    at.session.reset()
    play(at.session, 9)
    begun = at.ask("compare", one=at.session.history.branches[0].id)["comparison"]
    assert (begun["fork"], begun["firsts"], begun["frames"]) == (None, [0, 0], 20)
    assert "there are not two to compare" in at.ask("compare", one=1, other=1)["error"]["message"]


def test_a_comparison_that_is_closed_is_drawn_no_more(page, monkeypatch):
    at = page(frames=40)
    branch = at.session.rewind(10).id
    play(at.session, 30)
    monkeypatch.setattr("studio.ui.offline.SHARE", 1e-3)
    at.session._thread = type("Running", (), {"is_alive": lambda self: True, "join": lambda self: None})()
    at.ask("compare", one=branch)
    assert at.seat.offline.busy
    at.ask("compare")
    assert not at.seat.offline.busy
    at.session._thread = None


def test_what_is_drawn_beside_a_session_rests_three_times_as_long_as_it_draws():
    session = Session(TINY)
    offline = Offline(session)
    assert offline._rest(0.1) == 0.0  # it stands still
    session.start(1.0)
    try:
        assert offline._rest(0.1) == pytest.approx(0.3)
    finally:
        session.stop()


# Bookmarks


def test_a_bookmark_is_listed_renamed_gone_on_from_and_what_was_left_is_a_branch(page):
    at = page()
    told = at.ask("bookmark")
    assert told["notice"]["message"].startswith("Bookmark kept")
    (one,) = told["timeline"]["bookmarks"]
    assert (one["frame"], one["model"]) == (20, "tiny")
    assert np.abs(decoded(one["picture"]).astype(int) - at.session.engine._last_picture).mean() < 12
    shown = play(at.session, 9, [(23, Prompt("a lake"))])
    at.ask("rename-moment", moment=one["name"], to="harbour")
    left = at.ask("open-bookmark", bookmark=one["name"], step=3)["left"]
    assert left["step"] == 3
    assert play(at.session, 9, [(23, Prompt("a lake"))]) == shown
    at.ask("branch", branch=left["branch"])
    assert at.session.engine.frame == 29
    assert Score.read(at.seat.bookmarks.path(one["name"])).header.title == "harbour"
    assert at.timeline["bookmarks"][0]["title"] == "harbour"


@pytest.mark.parametrize("own", [True, False])
def test_bookmarks_are_listed_again_after_a_restart(page, tmp_path, own):
    at = page(id="s" * 30)
    at.seat.bookmarks.add("harbour")
    saved = SavedSeats(tmp_path / "state")
    Restorer(tmp_path, saved).save(at.seat)
    again = page(frames=0)
    again.seat.address = "127.0.0.1"
    restorer = Restorer(tmp_path, saved, own)
    restorer.begin(again.seat, None if own else restorer.load("s" * 30))
    assert [one.title for one in again.seat.bookmarks] == ["harbour"]
    assert play(again.session, 3) is not None
    again.ask("open-bookmark", bookmark=again.seat.bookmarks[0].name)
    assert play(again.session, 5) == play(at.session, 5)


def test_nobody_gets_at_a_file_by_a_bookmarks_name(page, tmp_path):
    at = page()
    (tmp_path / f"theirs{BOOKMARK}").write_text("{}")
    for name in ("theirs", "../theirs", str(tmp_path / "theirs")):
        assert "there is no bookmark" in at.ask("open-bookmark", bookmark=name)["error"]["message"]
        assert "there is no bookmark" in at.ask("remove-moment", moment=name)["error"]["message"]
    at.seat.bookmarks.adopt("../theirs")
    assert list(at.seat.bookmarks) == []
    assert (tmp_path / f"theirs{BOOKMARK}").exists()


def test_a_bookmark_whose_file_is_gone_or_damaged_is_told(page):
    at = page()
    one, other = at.seat.bookmarks.add(), at.seat.bookmarks.add()
    at.seat.bookmarks.path(one.name).unlink()
    told = at.ask("open-bookmark", bookmark=one.name)
    assert "is gone from" in told["error"]["message"]
    assert [each["name"] for each in told["timeline"]["bookmarks"]] == [other.name]
    path, frame = at.seat.bookmarks.path(other.name), at.session.engine.frame
    path.write_text(path.read_text()[:200])
    assert "remove the bookmark" in at.ask("open-bookmark", bookmark=other.name)["error"]["message"]
    assert at.session.engine.frame == frame
    at.ask("remove-moment", moment=other.name)
    assert not path.exists()


def test_of_a_bookmark_whose_snapshot_is_damaged_the_prompt_is_set(page):
    at = page()
    one = at.seat.bookmarks.add()
    at.session.send(Prompt("a lake"))
    play(at.session, 1)
    path = at.seat.bookmarks.path(one.name)
    lines = path.read_text().splitlines()
    lines[1] = json.dumps({"snapshot": base64.b64encode(b"x" * 99).decode()})
    path.write_text("\n".join([*lines, ""]))
    told = at.ask("open-bookmark", bookmark=one.name)["notice"]["message"]
    assert "it was damaged" in told
    assert told.endswith("Its prompt and settings are set here instead.")
    play(at.session, 1)
    assert at.session.engine.state[Prompt].text == "winter"


@pytest.mark.parametrize("change", [{"weights": "f" * 12}, {"width": 64}, {"model": "else"}, {"sampler": "rollout"}])
def test_a_bookmark_of_other_weights_size_model_or_sampler_gives_its_controls(page, change):
    at = page()
    one = at.seat.bookmarks.add()
    path = at.seat.bookmarks.path(one.name)
    head, rest = path.read_text().split("\n", 1)
    path.write_text(json.dumps(json.loads(head) | change) + "\n" + rest)
    at.session.send(Prompt("a lake"))
    frame = at.session.engine.frame
    assert "set here instead" in at.ask("open-bookmark", bookmark=one.name)["notice"]["message"]
    play(at.session, 1)
    assert at.session.engine.frame == frame + 1
    assert at.session.engine.state[Prompt].text == "winter"


def test_a_bookmark_of_a_model_that_is_offered_is_gone_on_from_once_that_plays(page, monkeypatch):
    at, asked = page(), []
    one = at.seat.bookmarks.add()
    goes_on = play(at.session, 6)
    monkeypatch.setattr(at.seat.models, "choose", asked.append)
    at.seat.hand_over(PictureModel())
    told = at.ask("open-bookmark", bookmark=one.name)["notice"]["message"]
    assert asked == ["tiny"]
    assert "is being loaded" in told
    at.seat.hand_over(TINY)
    assert play(at.session, 6) == goes_on
    assert at.seat.arrived is None


def test_on_a_full_disk_a_bookmark_is_kept_as_a_branch(page, monkeypatch):
    at = page()

    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("studio.score.format.os.fsync", full)
    told = at.ask("bookmark")
    assert "No space left on device" in told["notice"]["message"]
    assert "kept as branch 1" in told["notice"]["message"]
    monkeypatch.undo()
    assert list(Path(at.seat.bookmarks.folder).iterdir()) == []
    shown = play(at.session, 5)
    at.ask("branch", branch=told["timeline"]["branches"][0]["id"])
    assert play(at.session, 5) == shown


def test_bookmarks_are_on_the_seats_share_of_the_disk(page):
    disk = DiskQuota(limit=50_000)
    at = page(disk=disk)
    while "Bookmark kept" in (told := at.ask("bookmark")["notice"]["message"]):
        assert len(at.seat.bookmarks) < 20
    assert "as much as this server keeps for one person" in told
    assert "kept as branch" in told
    size = at.seat.bookmarks.path(at.seat.bookmarks[0].name).stat().st_size
    before = disk._bytes[""]
    for one in list(at.seat.bookmarks):
        at.ask("remove-moment", moment=one.name)
    assert disk._bytes[""] == 0 < size <= before


# A branch of a branch of a thousand


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.long)])
def test_a_branch_of_a_branch_of_a_thousand_is_bounded(count):
    session = Session(TINY)
    play(session, 9)
    sizes, took = [], []
    for number in range(count):
        began = time.perf_counter()
        if number % 3:
            session.go_to(session.history.branches[-1].id)
        else:
            session.rewind(session.engine.frame - 1)
        took.append(time.perf_counter() - began)
        session.step()
        if number % 50 == 49:
            lines = [session.history.stretches, *(one.stretches for one in session.history.branches)]
            sizes.append((len(lines), sum(map(len, lines)), session.history.bytes))
    assert max(count for count, *_ in sizes) <= 9
    assert max(stretches for _, stretches, _ in sizes) <= 9 * 45
    assert sizes[-1][2] <= session.history.most_bytes
    assert sorted(took)[-count // 10] < 0.1


def test_the_page_is_told_what_begins_before_anything_of_it_comes(page):
    at = page(frames=30)
    at.seat.offline.run = lambda name, job: [*job]  # a thread that is faster than anybody
    branch = at.session.rewind(14).id
    play(at.session, 10)
    at.ask("compare", one=branch)
    at.ask("keep")
    types = [message["type"] for message in at.heard]
    assert types.index("comparison") < types.index("compared")
    assert types.index("take") < types.index("video")
