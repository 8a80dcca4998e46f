"""How many checkpoints are held: computed before the first is made, of this engine alone, few where they are large."""

import gc
from itertools import pairwise

import pytest
import torch
from tiny.model import TinyModel
from tiny.wan_folders import tiny_wan_folder

from session.playing import SEVERAL, play
from studio.controls import Prompt, Sampling
from studio.kv_cache import CacheSettings, KVCache, ring
from studio.models.wan.model import open_wan
from studio.session import Session
from studio.session.history import History, bytes_of, checkpoint_bytes
from studio.session.room import Room, Rooms
from studio.ui.rewinds import reason

MB = 10**6


@pytest.fixture(scope="module")
def wan(tmp_path_factory):
    return open_wan(tiny_wan_folder(tmp_path_factory.mktemp("wan") / "base"), size=(32, 48))


def test_many_are_near_and_few_are_spread_over_a_minute():
    spread = {count: Room.of(MB, count * MB, lambda: 0, near=8, span=1440) for count in (1, 3, 15, 16, 140)}
    assert {count: room.apart for count, room in spread.items()} == {1: 1440, 3: 480, 15: 96, 16: 8, 140: 8}
    assert {room.count for room in spread.values()} == {*spread}


def test_of_large_ones_as_many_are_held_as_a_share_of_free_memory_takes():
    room = Room.of(4300 * MB, 144 * MB, lambda: 120_000 * MB, near=8, span=1440)
    assert (room.count, room.apart, room.limit, room.is_large) == (3, 480, 15_000 * MB, True)
    none = Room.of(4300 * MB, 144 * MB, lambda: 16_000 * MB, near=8, span=1440)
    assert (none.count, none.limit) == (0, 2000 * MB)


def test_of_a_student_the_size_is_known_before_one_is_made_and_never_exceeded(wan):
    session = Session(wan)
    before = checkpoint_bytes(session.engine)
    room = Rooms(checkpoint_bytes).room(session.engine, 144 * MB, 8, 1440)
    assert (room.need, room.count) == (before, 144 * MB // before)
    most = 0
    for _ in range(10):
        play(session, 6, [(12, Prompt("sea"))])
        snapshot = session.snapshot().engine
        decoder = bytes_of(snapshot.decoder)
        most = max(most, bytes_of(snapshot) - decoder)
    assert 0 < most <= before == checkpoint_bytes(session.engine)


def test_where_none_fits_what_is_set_aside_free_memory_holds_a_few_and_they_serve(wan):
    session = Session(wan)
    need = checkpoint_bytes(session.engine)
    session.history = History(most_bytes=need - 1)
    session.history.rooms = Rooms(checkpoint_bytes, lambda: 8 * 3 * need)
    assert reason(session) == ""  # nothing was due yet
    play(session, 24)
    shown = play(session, 12)
    told = reason(session)
    assert "at most 3 are kept, 480 frames or more apart" in told
    assert [one.frame for one in session.history.stretches] == [0]  # the next is not due yet
    session.rewind(24)
    assert play(session, 12) == shown


def test_a_large_one_is_copied_seldom_and_they_are_bounded(model, monkeypatch):
    session = Session(model)
    need = checkpoint_bytes(session.engine)
    session.history = History(most_bytes=need - 1)
    session.history.rooms = Rooms(checkpoint_bytes, lambda: 8 * 4 * need)
    now = [100.0]
    monkeypatch.setattr("studio.session.history.time.monotonic", lambda: now[0])
    monkeypatch.setattr("studio.session.history.SPACING", ((12, 3), (40, 9), (2**32, 24)))
    shown = []
    for frame in range(120):
        if frame == 60:  # the last took 0.3 s: none before 10 s have gone by
            session.history._rests_until = now[0] + 0.3 / 0.03
        now[0] += 0.5
        shown += play(session, 1, SEVERAL)
    frames = [one.frame for one in session.history.stretches]
    assert all(after - before >= 10 for before, after in pairwise(frames))
    assert need < session.history.bytes <= 4 * need
    assert not {frame for frame in frames if 60 < frame < 80}
    back = frames[1] + 3
    session.rewind(back)
    assert play(session, 5, SEVERAL) == shown[back : back + 5]


def test_what_was_computed_is_of_this_engine_and_goes_with_it(model, still):
    session = Session(model)
    play(session, 9)
    history, first = session.history, session.history.room(session.engine)
    session.send(Sampling(steps=4))
    play(session, 9)
    assert first is not None
    assert history.room(session.engine).need > first.need
    session.history.most_bytes = first.need - 1
    session.history.rooms = Rooms(checkpoint_bytes, lambda: 0)
    play(session, 16)
    assert "tiny takes" in reason(session)
    assert "going back plays everything again from the last start" in reason(session)
    session.hand_over(still)
    session.history.most_bytes = 144 * MB
    play(session, 16)
    assert reason(session) == ""
    rooms = Rooms(lambda engine: engine.size)
    for size in (5, 7, 9):
        engine = Sized(size)
        assert rooms.room(engine, 100, 8, 1440).need == size
        del engine
        gc.collect()
    assert len(rooms._known) == 0


class Sized:
    def __init__(self, size):
        self.size, self.state = size, {Sampling: Sampling()}


def test_a_large_snapshot_of_a_cache_leaves_the_accelerator(monkeypatch):
    cache = KVCache(CacheSettings(1, 2), 1, 4, 8)
    cache.begin([0, 1], 2)
    cache._keys += torch.arange(float(cache._keys.numel())).view_as(cache._keys)
    small = cache.snapshot()
    monkeypatch.setattr(ring, "ON_DEVICE", 0)
    large = cache.snapshot()
    assert torch.equal(small.keys, large.keys)
    assert large.keys.device.type == "cpu"
    cache._keys.zero_()
    cache.restore(large)
    assert torch.equal(cache.snapshot().keys, small.keys)


def test_one_engine_more_does_not_change_what_is_known_of_another():
    rooms = Rooms(lambda engine: engine.size)
    one, other = Sized(5), Sized(50)
    assert rooms.known(one, 100) is None
    assert (rooms.room(one, 100, 8, 1440).need, rooms.room(other, 100, 8, 1440).need) == (5, 50)
    assert rooms.known(one, 100).need == 5


def test_a_model_is_held_by_no_room():
    session = Session(TinyModel())
    play(session, 9)
    rooms = session.history.rooms
    del session
    gc.collect()
    assert len(rooms._known) == 0


def test_of_the_pocket_model_checkpoints_are_near():
    session = Session("pocket")
    for steps in (2, 4):
        session.send(Sampling(steps=steps))
        session.step()
        session.history.wants_checkpoint(session.engine)
        play(session, 8)
        room = session.history.room(session.engine)
        assert (room.apart, room.is_large) == (8, False)
    assert reason(session) == ""
