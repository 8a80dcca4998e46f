"""Takes at a seat: their videos, snapshots and names, their downloads, and the disk they share."""

import asyncio
import json
import time
from typing import Any

import numpy as np
import pytest
from ui_stand_ins import StandIn

from studio.controls import to_message
from studio.score import Score
from studio.ui.connection import Connection
from studio.ui.errors import QuotaExceeded
from studio.ui.quota import TAKES_AT_ONCE, DiskQuota
from studio.ui.routes import PREFIX
from studio.ui.seat import Seat
from studio.ui.seats import Seats
from studio.ui.snapshots import offer_snapshot
from studio.ui.takes import TakeVideo, take_path
from ui.client import FOX, Clock, content, frame, seats, socket, ticket_of, told, until


def test_a_take_in_progress_is_finished_when_its_page_is_closed(tmp_path):
    house = seats(tmp_path)
    seat = house.sit()
    seat.session.step()
    seat.record()
    for _ in range(5):
        seat.session.step()
    house.close_all()
    (score,), (video,) = tmp_path.glob("*.jsonl"), tmp_path.glob("*.mp4")
    assert Score.read(score).header.frames == 5
    assert video.stat().st_size > 500


def test_a_video_holds_exactly_the_frames_of_the_take(tmp_path):
    from imageio.v3 import improps

    house = seats(tmp_path)
    seat = house.sit()
    for _ in range(3):
        seat.session.step()
    seat.record()
    for _ in range(7):
        seat.session.step()
    take = seat.stop_recording()
    seat.session.step()
    assert take
    assert take.frames == 7
    assert take.problem == ""
    assert improps(content(seat, take.video), plugin="pyav").n_images == 7
    assert Score.parse(content(seat, take.score).decode()).header.start == 3


def test_frames_before_a_takes_first_and_after_its_last_are_not_in_the_video(tmp_path):
    from imageio.v3 import improps

    video = TakeVideo(tmp_path / "take.mp4", 24)
    for index in range(6):
        video.put(frame(index))
    video.begin(3)
    for index in range(6, 12):
        video.put(frame(index))
    time.sleep(0.2)
    video.finish(3, 7)
    assert improps(video.path, plugin="pyav").n_images == 7


def test_a_take_survives_a_disk_that_takes_no_video(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    session = StandIn()
    session.record = lambda path: session._begin(session.engine.frame) or 0
    session.stop_recording = lambda: session.score
    seat = Seat(session, blocked)
    seat.record()
    for _ in range(4):
        seat.session.step()
    take = seat.stop_recording()
    assert take
    assert "There is no video" in take.problem
    assert not take.video
    assert Score.parse(content(seat, take.score).decode()).header.frames == 4


def test_a_reset_keeps_the_take_that_is_being_recorded(tmp_path):
    seat = Seat(StandIn(), tmp_path)
    seat.record()
    seat.session.step()
    take = seat.reset()
    assert take
    assert take.frames == 1
    assert seat.session.engine.frame == 0
    assert not seat.recorder.recording


def test_a_snapshot_is_the_frame_the_person_saw(tmp_path):
    import io

    from PIL import Image

    seat = Seat(StandIn(), tmp_path)
    frames: list[Any] = [seat.session.step() for _ in range(5)]
    snapshot = offer_snapshot(seat, 2)
    assert snapshot
    assert snapshot.frame == 2
    png = content(seat, snapshot.address)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png))), frames[2].picture)


def test_takes_of_one_second_get_different_names(tmp_path):
    first = take_path(tmp_path, "A Fox, in the *Snow*!")
    first.with_name(first.name + ".jsonl").touch()
    second = take_path(tmp_path, "A Fox, in the *Snow*!")
    assert "a-fox-in-the-snow" in first.name
    assert first != second
    assert take_path(tmp_path, "../../etc").parent == tmp_path


def test_a_video_that_cannot_keep_up_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("studio.ui.takes.WAITING", 4)
    video = TakeVideo(tmp_path / "take.mp4", 24)
    for index in range(10):
        video.put(frame(index))
    video.finish(0, 10)
    assert "lacks 6 frames" in video.problem


def test_a_session_that_failed_says_so_and_begins_again_with_reset(tmp_path):
    from tiny.model import TinyModel

    from studio.session.session import Session

    class Failing(TinyModel):
        fails = False

        def denoise(self, *args, **options):
            if self.fails:
                raise RuntimeError("out of memory")
            return super().denoise(*args, **options)

    async def reached(condition):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)

    async def test():
        model = Failing()
        seat = Seat(Session(model), tmp_path)  # pyright: ignore[reportArgumentType]
        connection = Connection(seat, {})
        seat.attach(connection)
        await reached(lambda: seat.mailbox.count > 1)
        model.fails = True
        await reached(lambda: seat.session.error)
        assert told(connection, "status")[0]["error"] == "out of memory"
        model.fails = False
        await connection.receive('{"type": "command", "name": "reset"}')
        count = seat.mailbox.count
        await reached(lambda: seat.mailbox.count > count)
        seat.close()

    asyncio.run(test())


def test_a_take_is_recorded_and_downloaded(house):
    routes, client = house
    with socket(client, ticket_of(routes)) as page:
        page.send_json({"type": "open"})
        until(page, "hello")
        page.send_json({"type": "command", "name": "record"})
        assert until(page, "recording")["recording"]
        page.send_json({"type": "control", "control": to_message(FOX)})
        for _ in range(4):
            page.send_json({"type": "ack", "sequence": until(page, "frame")[0]})
        page.send_json({"type": "command", "name": "stop"})
        take = until(page, "take")["take"]
    answer = client.get(f"{PREFIX}/download/{take['score']}")
    assert f'filename="{take["name"]}.jsonl"' in answer.headers["content-disposition"]
    score = Score.parse(answer.text)
    assert score.header.frames == take["frames"]
    assert FOX in [event.control for event in score.events]
    video = client.get(f"{PREFIX}/download/{take['video']}")
    assert video.headers["content-type"] == "video/mp4"
    assert client.get(f"{PREFIX}/download/guess").status_code == 404


def test_a_video_that_was_deleted_is_said_to_be(house, tmp_path):
    routes, client = house
    seat = routes.seats.sit()
    seat.record()
    for _ in range(3):
        seat.session.step()
    take = seat.stop_recording()
    assert client.get(f"{PREFIX}/download/{take.video}").status_code == 200
    for film in tmp_path.glob("*.mp4"):
        film.unlink()
    answer = client.get(f"{PREFIX}/download/{take.video}")
    assert answer.status_code == 404
    assert "no longer there" in answer.json()["error"]
    assert client.get(f"{PREFIX}/download/{take.score}").status_code == 200


# The disk


def test_takes_are_counted_by_the_address_they_come_from():
    clock = Clock()
    quota = DiskQuota(1000, clock)
    for _ in range(TAKES_AT_ONCE):
        quota.begin_take("a")
    with pytest.raises(QuotaExceeded, match="20 takes were begun within 200 s; the next may in 201 s"):
        quota.begin_take("a")
    quota.begin_take("b")
    clock.now += 200
    quota.begin_take("a")
    quota.add("a", 999)
    quota.begin_take("a")
    quota.add("a", 1)
    with pytest.raises(QuotaExceeded, match="as much as this server keeps for one person"):
        quota.begin_take("a")
    quota.begin_take("b")
    assert not DiskQuota().is_full("a", 10**15), "no limit where none was said"


def test_a_take_over_the_share_is_ended_kept_and_told_and_no_more_are_begun(tmp_path):
    async def test():
        house = Seats(StandIn, takes=tmp_path, disk=DiskQuota(3000))
        seat = house.sit()
        connection = Connection(seat, {})
        seat.attach(connection)
        await connection.receive('{"type": "command", "name": "record"}')
        (score,) = [seat.recorder._path.with_name(seat.recorder._path.name + ".jsonl")]
        score.write_text("x" * 4000)  # as a long take grows
        house.sweep()
        assert not seat.recorder.recording
        (take,) = [message for message in map(json.loads, connection.drain()) if message["type"] == "take"]
        assert "it fills what this server keeps" in take["take"]["problem"]
        assert Score.parse(seat.downloads.get(take["take"]["score"]).content.decode()).events
        seat.recorder._disk.add("", 3000)
        await connection.receive('{"type": "command", "name": "record"}')
        (error,) = [message for message in map(json.loads, connection.drain()) if message["type"] == "error"]
        assert "as much as this server keeps for one person" in error["message"]
        assert not seat.recorder.recording
        house.close_all()

    asyncio.run(test())


def test_recording_again_and_again_comes_to_an_end(tmp_path):
    async def test():
        connection = Connection(Seat(StandIn(), tmp_path), {})
        for _ in range(TAKES_AT_ONCE + 5):
            await connection.receive('{"type": "command", "name": "record"}')
            connection.seat.session.step()
            await connection.receive('{"type": "command", "name": "stop"}')
        assert len(list(tmp_path.glob("*.jsonl"))) == TAKES_AT_ONCE
        connection.seat.close()

    asyncio.run(test())
