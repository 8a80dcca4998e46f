"""Going back: any frame that is kept can be had again, bit for bit, and what was played instead is kept as a branch."""

from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tiny.model import TinyModel
from tiny.pictures import PictureModel, noisy

from session.playing import CAMERA, SEVERAL, drag, play, replayed
from studio.controls import ControlError, Erase, Pause, Picture, Prompt, Sampling, Similarity, Sink, Stroke
from studio.hub.footprint import frame_kv_bytes, frame_tokens
from studio.kv_cache import CacheSettings, KVCache
from studio.kv_cache.ring import snapshot_bytes
from studio.models.registry import MODELS
from studio.presets import Preset
from studio.score import Digest, Event, replay
from studio.session import Session, history
from studio.session.history import MOST_BYTES, History, bytes_of, checkpoint_bytes
from studio.session.room import Rooms

SWITCH = [(20, Prompt("a lake"))]


def test_undo_of_the_picture_after_a_prompt_switch_is_the_stream_without_it(model):
    session, never = Session(model), Session(model)
    play(session, 30, [*SEVERAL, *SWITCH])
    without = play(never, 45, SEVERAL)
    session.rewind(20)
    assert play(session, 25) == without[20:]


def test_every_frame_can_be_had_again_and_not_the_checkpoints_alone(model):
    session = Session(model)
    shown = play(session, 30, SEVERAL)
    for frame in (29, 17, 8, 3):
        branch = session.rewind(frame)
        assert session.engine.frame == frame
        again = play(session, 30 - frame, [event for event in SEVERAL if event[0] >= frame])
        assert again == shown[frame:]
        assert (branch.fork, branch.frame) == (frame, 30)
    assert replayed(session.score, model) == shown


def test_what_was_taken_back_stays_so_when_one_goes_back_again(model):
    session, never = Session(model), Session(model)
    play(session, 24, [*SEVERAL, (17, Sink("renew", 1)), *SWITCH])
    without = play(never, 40, [*SEVERAL, (17, Sink("renew", 1))])
    session.rewind(20)
    play(session, 3)
    session.rewind(22)  # the same checkpoint, and the switch at 20 is not between
    assert play(session, 18) == without[22:]
    assert replayed(session.keep(22), model) == without[16:]


def test_what_was_thinned_is_as_exact(model, often):
    session = Session(model)
    path = Stroke("new", "fox", ((0, 0.1, 0.5), (40, 0.9, 0.5)), "path")
    preset = Preset("p", "d", (Event(0, Prompt("winter")), Event(14, path), Event(30, Prompt("spring"))))
    shown = play(session, 10, SEVERAL)
    session.record()
    shown += play(session, 20, SEVERAL)
    session.play(preset)
    shown += play(session, 70, [(31, Sink("renew", 1)), (47, drag(0.7)), (64, Prompt("a lake", "", "keep", 4))])
    frames = [one.frame for one in session.history.stretches]
    assert len(frames) < 16
    assert 10 in frames  # a clean start stays
    for frame in range(91, 31, -3):
        session.rewind(frame)
        after = [event for event in [(64, Prompt("a lake", "", "keep", 4)), (47, drag(0.7))] if event[0] >= frame]
        assert play(session, 4, after) == shown[frame : frame + 4]
    session.rewind(14)
    assert play(session, 16) == shown[14:30]


def test_two_stretches_that_are_joined_know_what_a_preset_had_to_play_at_each_frame(model):
    session = Session(model)
    session.play(Preset("p", "d", tuple(Event(at, Prompt(f"scene {at}")) for at in (0, 3, 5, 11, 40))))
    play(session, 16)
    one, two, _ = session.history.stretches
    both = one.joined(two)
    assert [len(both.scheduled_at(frame)) for frame in range(1, 16)] == [4, 4, 4, 3, 3, *[2] * 6, *[1] * 4]
    for frame in range(1, 16):
        assert both.scheduled_at(frame) == (one if frame <= two.frame else two).scheduled_at(frame)


def test_a_rewind_to_the_first_frame_keeps_what_was_set_for_it(model):
    session = Session(model)
    shown = play(session, 6, [(0, Prompt("winter")), (3, Prompt("spring"))])
    session.rewind(0)
    assert play(session, 3) == shown[:3]


def test_what_was_set_since_is_the_other_branch(model):
    session, never = Session(model), Session(model)
    play(session, 24, SEVERAL)
    left = session.rewind(10)
    other = play(session, 9, [(12, Prompt("a lake"))])
    back = session.go_to(left.name)
    assert session.engine.frame == 24
    straight = play(never, 40, SEVERAL)
    assert play(session, 6) == straight[24:30]
    assert (back.fork, back.frame, back.words) == (8, 19, "a lake")
    session.go_to(back.name)
    session.rewind(10)
    assert play(session, 9, [(12, Prompt("a lake"))]) == other


def test_what_waits_when_one_goes_back_is_of_the_branch_that_is_left(model):
    session = Session(model)
    play(session, 20)
    session.send(Pause())
    assert session.step() is None
    session.send(Prompt("winter"))
    left = session.rewind(12)
    assert session.engine.state[Prompt].text != "winter"
    assert not session.pending_state()[Pause].paused
    assert left.words == "winter"
    session.go_to(left.name)
    assert session.engine.state[Prompt].text == "winter"


def test_a_rewind_to_the_present_or_of_what_is_not_kept_changes_nothing(model):
    session, other = Session(model), Session(model)
    for one in (session, other):
        play(one, 10)
    session.send(Prompt("winter"))
    other.send(Prompt("winter"))
    assert session.rewind(10) is None
    with pytest.raises(ValueError, match="frame 11 is still to come; the last one made is 9"):
        session.rewind(11)
    with pytest.raises(ValueError, match="frame -1 is not kept; the first that is kept is 0"):
        session.rewind(-1)
    with pytest.raises(ValueError, match="branch is 'elsewhere'; there are: none yet"):
        session.go_to("elsewhere")
    assert play(session, 4) == play(other, 4)


def test_nothing_was_played_yet(model):
    session = Session(model)
    with pytest.raises(ValueError, match="nothing that was played is kept"):
        session.rewind(-1)
    with pytest.raises(ValueError, match="nothing that was played is kept"):
        session.keep(100)


def test_a_reset_can_be_taken_back(model):
    session, never = Session(model), Session(model)
    play(session, 14, SEVERAL)
    session.reset()
    play(session, 5)
    (left,) = session.history.branches
    session.go_to(left.name)
    assert play(session, 6) == play(never, 20, SEVERAL)[14:]


def test_a_preset_plays_on_after_a_rewind(model):
    preset = Preset("p", "d", (Event(0, Prompt("winter")), Event(9, Prompt("spring")), Event(18, drag(0.2, "new"))))
    session = Session(model)
    play(session, 5)
    session.play(preset)
    shown = play(session, 30)
    for frame in (7, 16, 25):
        session.rewind(frame)
        assert play(session, 35 - frame) == shown[frame - 5 :]
    session.rewind(7)
    session.send(Prompt("autumn"))
    play(session, 20)
    assert session.engine.state[Prompt].text == "autumn"


def test_a_recording_ends_with_a_rewind_and_its_clean_start_is_gone_through_again(model, tmp_path):
    session = Session(model)
    play(session, 5)
    session.record(tmp_path / "take.jsonl")
    shown = play(session, 20, SEVERAL)
    session.rewind(6)
    assert not session.recording
    assert play(session, 19, [event for event in SEVERAL if event[0] >= 6]) == shown[1:]


def test_another_model_has_a_history_of_its_own(model, still):
    session = Session(model)
    play(session, 20)
    session.rewind(5)
    session.hand_over(still)
    assert session.history.branches == []
    with pytest.raises(ValueError, match="nothing that was played is kept"):
        session.rewind(3)


def test_a_branch_has_the_name_that_a_person_gives_it(model):
    session = Session(model)
    play(session, 12)
    name = session.rewind(5).name
    session.history.branches.rename(name, "the good one")
    play(session, 3)
    other = session.go_to("the good one")
    with pytest.raises(ValueError, match="there are: branch 2"):
        session.history.branches.rename("the good one", "x")
    session.rewind(9)
    with pytest.raises(ValueError, match="give another name"):
        session.history.branches.rename(session.history.branches[-1].name, other.name)


# Memory


def test_a_checkpoint_takes_no_more_than_is_computed_before(model, still):
    for one, events in ((model, SEVERAL), (still, CAMERA)):
        for sampler in ("stream", "rollout"):
            session = Session(one, sampler=sampler)
            play(session, 20, events)
            assert 0 < bytes_of(session.snapshot().engine) <= checkpoint_bytes(session.engine)


def test_the_ring_is_thinned_with_age_and_bounded(model):
    session = Session(model)
    play(session, 540)
    frames = [one.frame for one in session.history.stretches]
    near = [frame for frame in frames if frame >= 540 - 200]
    assert {after - before for before, after in pairwise(near)} == {8}
    far = [frame for frame in frames if frame < 540 - 260]
    assert {60 < after - before <= 120 for before, after in pairwise(far)} == {True}
    session.history.most_bytes = session.history.bytes // 2
    left = session.rewind(530)
    play(session, 16)
    assert session.history.bytes <= session.history.most_bytes
    assert session.history.start > 0
    session.rewind(session.history.start)
    assert session.history.branches.named(left.name).frame == 540
    assert session.history.bytes <= session.history.most_bytes


def test_of_a_wan_student_it_is_known_before_one_is_made():
    """LongLive's cache at 480x832 in half precision, on no device: nine frames kept, three drawn, three written."""
    counts = MODELS["longlive-1.3b"].memory
    settings, tokens = CacheSettings(3, 6, evicts="after"), frame_tokens((480, 832))
    cache = KVCache(settings, counts.layers, tokens, counts.width, torch.bfloat16, "meta")
    assert snapshot_bytes(cache, 6) == 15 * frame_kv_bytes(counts, (480, 832))
    assert snapshot_bytes(cache, 6) > 20 * MOST_BYTES  # so free memory says how many are made, if any


def test_no_checkpoint_is_made_where_none_fits_and_a_clean_start_serves(model, monkeypatch):
    session = Session(model)
    session.history = History(most_bytes=checkpoint_bytes(session.engine) - 1)
    session.history.rooms = Rooms(checkpoint_bytes, lambda: 0)
    monkeypatch.setattr(KVCache, "snapshot", one_snapshot(KVCache.snapshot))
    shown = play(session, 30, SEVERAL)
    assert [one.frame for one in session.history.stretches] == [0]
    monkeypatch.undo()
    session.rewind(21)
    assert play(session, 9) == shown[21:]


def one_snapshot(snapshot):
    """A cache's snapshot that may be made once, of the empty cache at the clean start."""

    def made(cache):
        assert not len(cache), "a full cache was copied"
        return snapshot(cache)

    return made


def test_a_camera_fills_no_memory(still):
    session = Session(still)
    session.history = History(most_bytes=40_000)
    for number in range(60):
        session.send(Picture(noisy(number)))
        session.step()
    assert session.history.bytes <= 40_000 + 8 * 20_000


# Keep that


def test_the_last_frames_are_kept_as_a_take_though_nobody_recorded(model):
    session = Session(model)
    shown = play(session, 50, [*SEVERAL, (30, Prompt("spring", blend=9)), (41, drag(0.5, "c"))])
    score = session.keep(14)
    assert score.header.start == 32
    assert score.snapshot
    again, digest = list(replay(type(score).parse("\n".join([*score.lines(), ""])), model)), Digest()
    for frame in again:
        digest.add(frame)
    assert [frame.hash for frame in again] == shown[32:]
    assert str(digest) == score.header.digest


def test_from_a_clean_start_a_kept_take_needs_no_snapshot(model):
    session = Session(model)
    shown = play(session, 12, SEVERAL)
    score = session.keep(1000)
    assert (score.snapshot, score.header.start) == (b"", 0)
    assert replayed(score, model) == shown


def test_what_is_kept_after_a_rewind_is_what_was_shown_on_this_branch(model):
    session = Session(model)
    first = play(session, 30, SEVERAL)
    session.rewind(18)
    second = play(session, 10, [(20, Prompt("a lake"))])
    assert replayed(session.keep(1000), model) == first[:18] + second


def test_what_is_kept_begins_at_the_last_clean_start_at_the_earliest(model):
    session = Session(model)
    play(session, 12, SEVERAL)
    session.record()
    shown = play(session, 9)
    score = session.keep(1000)
    assert (score.header.start, score.snapshot) == (12, b"")
    assert replayed(score, model) == shown


# Any take at all

TINY, STILL = TinyModel(), PictureModel()
WORDS = st.sampled_from(["winter", "a lake", "spring"])
PLACES = st.floats(0, 1, width=16)
CONTROLS = st.one_of(
    st.builds(Prompt, WORDS, switch=st.sampled_from(["recache", "keep", "cut"]), blend=st.sampled_from([0, 0, 3])),
    st.builds(Sampling, st.integers(0, 3), st.sampled_from(["none", "self", "full"]), st.just(1.5), st.integers(1, 4)),
    st.builds(lambda id, x, mode: Stroke(id, "fox", ((0, x, 0.5), (4, 0.5, x)), mode),
              st.sampled_from("ab"), PLACES, st.sampled_from(["drag", "pin", "path"])),
    st.builds(Erase, st.sampled_from(["a", "*"])),
    st.builds(Sink, st.sampled_from(["recache", "keep", "renew"]), st.integers(0, 2)),
    st.builds(Picture, st.integers(0, 3).map(noisy)),
    st.builds(Similarity, st.sampled_from([0, 0.1]), st.integers(0, 4), st.booleans()),
    st.builds(Pause, st.booleans()),
)  # fmt: skip
PRESETS = st.builds(
    lambda words, at: Preset("p", "d", (Event(0, Prompt(words)), Event(at, Prompt("late")))), WORDS, st.integers(1, 12)
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), CONTROLS),
        st.tuples(st.just("preset"), PRESETS),
        st.tuples(st.just("step"), st.integers(1, 9)),
        st.tuples(st.just("step"), st.integers(1, 9)),
        st.tuples(st.just("record"), st.none()),
        st.tuples(st.just("rewind"), st.floats(0, 1)),
        st.tuples(st.just("go_to"), st.integers(0, 7)),
    ),
    min_size=4,
    max_size=16,
)


def do(session, what, how):
    """Have a session do one thing that a person does; what its model does not take is not sent."""
    if what == "send":
        try:
            session.send(how)
        except ControlError:
            return
    elif what == "preset":
        session.play(how)
    elif what == "record":
        session.record()


class Played:
    """What was done and shown, frame by frame, and how much of it was done when a clean start was made; by branch."""

    def __init__(self, session):
        self.session, self.lines = session, {}
        self.done, self.shown, self.starts = [], [], {}

    @property
    def frame(self):
        return self.session.engine.frame

    @property
    def line(self):
        return [*self.done], [*self.shown], dict(self.starts)

    def step(self, count):
        for _ in range(count):
            self.act("send", Pause(False))
            if self.session.history.is_fresh:
                self.starts[self.frame] = len(self.done)
            self.shown.append(self.session.step().hash)

    def act(self, what, how):
        self.done.append((self.frame, what, how))
        do(self.session, what, how)

    def rewind(self, share):
        history = self.session.history
        if not history.stretches:
            return
        frame = round(history.start + share * (self.frame - history.start))
        line, goes_back = self.line, frame < self.frame
        if branch := self.session.rewind(frame):
            self.lines[branch.name] = line
        if goes_back:
            before = sum(at < frame for at, *_ in self.done)
            self.done = self.done[: self.starts.get(frame, before)]
            self.shown = self.shown[:frame]
            self.starts = {at: count for at, count in self.starts.items() if at <= frame}

    def go_to(self, place):
        branches = self.session.history.branches
        if not branches:
            return
        name, line = branches[place % len(branches)].name, self.line
        if left := self.session.go_to(name):
            self.lines[left.name] = line
        self.done, self.shown, self.starts = self.lines[name]


@pytest.fixture
def often(monkeypatch):
    """Checkpoints are thinned as in a long take, within a hundred frames."""
    monkeypatch.setattr(history, "SPACING", ((12, 3), (30, 9), (2**32, 24)))


@pytest.mark.usefixtures("often")
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(STEPS, st.sampled_from([TINY, TINY, STILL]), st.sampled_from(["stream", "rollout"]), st.booleans())
def test_any_take_gone_back_in_and_branched_shows_what_it_would_have_shown(steps, model, sampler, is_small):
    session = Session(model, sampler=sampler)
    if is_small:
        session.history.most_bytes = 3 * checkpoint_bytes(session.engine)
    played = Played(session)
    for what, how in steps:
        if what in ("step", "rewind", "go_to"):
            getattr(played, what)(how)
        else:
            played.act(what, how)
    played.step(3)
    straight = Session(model, sampler=sampler)
    waiting, shown = [*played.done], []
    while len(shown) < len(played.shown):
        while waiting and waiting[0][0] <= straight.engine.frame:
            do(straight, *waiting.pop(0)[1:])
        shown.append(straight.step().hash)
    assert shown == played.shown
    if model is TINY and session.history.stretches:
        kept = session.keep(1000)
        assert replayed(kept, model) == shown[kept.header.start :]
