"""Any take at all: every kind of control, gone back in, branched, bookmarked and kept at random, shows the same again.

What is done is written down beside the session, line by line; at the end a session that never went anywhere but forward
does what the line says that is played then, and both must have shown the same frames.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cutout_files import png
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from regional.masks import mask
from tiny.model import PlacesModel, TinyModel
from tiny.pictures import PictureModel, half, noisy
from tiny.sd_folders import tiny_controlnet, tiny_lora, tiny_sd, tiny_taesd
from tiny.wan_folders import tiny_wan_folder

from session.playing import replayed
from studio.controls import (
    CONTROLS,
    Backdrop,
    Camera,
    ControlError,
    CutOut,
    Erase,
    Live,
    Lora,
    Pause,
    Picture,
    Place,
    Prompt,
    Region,
    Sampling,
    Similarity,
    Sink,
    Stroke,
    Structure,
    Subject,
)
from studio.models.image.model import open_image
from studio.models.wan.model import open_wan
from studio.presets import Preset
from studio.score import Event, Score
from studio.session import Session, history
from studio.session.history import History, checkpoint_bytes
from studio.session.room import Rooms

TEXTS = st.sampled_from(["winter", "a lake", "the (sea:1.3)", "a fox runs in snow"])
PLACES = st.floats(0, 1, width=16)
PICTURES = st.sampled_from([noisy(0), noisy(1), half(1, 2), half(1, 3), b""])
KINDS = {
    "prompt": st.builds(
        Prompt,
        TEXTS,
        st.sampled_from(["", "a blur"]),
        st.sampled_from(["recache", "keep", "cut"]),
        st.sampled_from([0, 0, 1, 5]),
    ),
    "sampling": st.builds(
        Sampling,
        seed=st.integers(0, 3),
        guidance=st.sampled_from(["none", "self", "full", "initialize"]),
        scale=st.sampled_from([1.0, 1.5]),
        steps=st.integers(1, 4),
        strength=st.sampled_from([0.3, 0.6, 1.0]),
        delta=st.sampled_from([0.5, 1.0]),
        drift=st.sampled_from([0, 0, 3]),
        add_noise=st.booleans(),
        follow=st.sampled_from([0.0, 0.5]),
    ),
    "picture": st.builds(Picture, PICTURES),
    "live": st.builds(Live, st.booleans(), st.sampled_from([0.0, 0.1])),
    "similarity": st.builds(Similarity, st.sampled_from([0, 0.05, 0.3]), st.integers(0, 4), st.booleans()),
    "structure": st.builds(Structure, st.sampled_from([0.0, 0.7]), st.sampled_from(["edges", "picture"])),
    "sink": st.builds(
        Sink,
        st.sampled_from(["recache", "keep", "keep_after_window", "renew", "reanchor"]),
        st.integers(0, 2),
    ),
    "lora": st.builds(Lora, st.just("ink"), st.sampled_from([0.0, 0.5, 1.0])),
    "stroke": st.builds(
        lambda id, x, mode, loop: Stroke(id, "fox", ((0, x, 0.5), (4, 0.5, x)), mode, loop=loop and mode == "path"),
        st.sampled_from("ab"),
        PLACES,
        st.sampled_from(["drag", "pin", "path"]),
        st.booleans(),
    ),
    "cutout": st.builds(CutOut, st.sampled_from("ab"), st.sampled_from([png(), png(9, 14)])),
    "subject": st.builds(Subject, st.just("fox"), st.sampled_from([png(), png(9, 14), b""])),
    "camera_motion": st.builds(
        Camera,
        pan_x=st.sampled_from([0.0, 0.06]),
        zoom=st.sampled_from([0.0, 0.05]),
        frames=st.sampled_from([0, 5]),
    ),
    "erase": st.builds(Erase, st.sampled_from(["a", "*"])),
    "region": st.builds(
        Region,
        st.sampled_from("ab"),
        st.sampled_from(["a frozen lake", "a fire", ""]),
        st.sampled_from([mask(0, 0.5), mask(0.25, 1)]),
        st.sampled_from([0.0, 0.6, 1.0]),
    ),
    "backdrop": st.builds(
        Backdrop,
        st.sampled_from(["auto", "picture", "pocket", "colour", "none"]),
        st.sampled_from(["red", "#204060"]),
        st.integers(0, 1),
        st.sampled_from([0.0, 0.7]),
    ),
    "place": st.builds(
        Place,
        st.sampled_from(["a lake", "the (sea"]),
        st.sampled_from([noisy(0), noisy(1), b""]),
        st.sampled_from(["day", "night"]),
        st.sampled_from([b"", half(1, 2)]),
        st.sampled_from([0.0, 0.2]),
    ),
    "pause": st.builds(Pause, st.booleans()),
}
PRESETS = st.builds(
    lambda words, at, one: Preset("p", "d", (Event(0, Prompt(words)), Event(at, one), Event(at, Prompt("late")))),
    TEXTS,
    st.integers(1, 12),
    st.one_of(KINDS["sampling"], KINDS["stroke"]),
)


def steps_of(kinds, most):
    """What a person does, of a model that takes these kinds of control."""
    sent = st.sampled_from(kinds).flatmap(KINDS.__getitem__)
    return st.lists(
        st.one_of(
            st.tuples(st.just("send"), sent),
            st.tuples(st.just("send"), sent),
            st.tuples(st.just("play"), PRESETS),
            st.tuples(st.just("step"), st.integers(1, 9)),
            st.tuples(st.just("step"), st.integers(1, 9)),
            st.tuples(st.just("record"), st.none()),
            st.tuples(st.just("reset"), st.one_of(st.none(), st.integers(0, 3))),
            st.tuples(st.just("rewind"), st.floats(0, 1)),
            st.tuples(st.just("go_to"), st.integers(0, 7)),
            st.tuples(st.just("bookmark"), st.none()),
            st.tuples(st.just("open"), st.integers(0, 3)),
        ),
        min_size=4,
        max_size=most,
    )


def do(session, what, how):
    """Have a session do what a person does; what its model does not take is not sent."""
    given = () if how is None else (how,)
    try:
        getattr(session, what)(*given)
    except ControlError:
        assert what in ("send", "play")


class Line:
    """What was done and shown since frame 0, after what came before the last reset.

    before: (everything done, frames) of each part that a reset ended. starts: how much was done when a clean start was
    made, by its frame.
    """

    def __init__(self, before=(), done=(), shown=(), starts=()):
        self.before, self.done, self.shown, self.starts = [*before], [*done], [*shown], dict(starts)

    def copy(self):
        return Line(self.before, self.done, self.shown, self.starts)

    def cut(self, frame):
        """What was set before a frame is of the line; for a clean start it is in force already."""
        count = self.starts.get(frame, sum(at < frame for at, *_ in self.done))
        starts = {at: count for at, count in self.starts.items() if at <= frame}
        return Line(self.before, self.done[:count], self.shown[:frame], starts)

    def again(self, session):
        """The frames that a session shows which does all this, and goes nowhere but forward."""
        for done, frames in [*self.before, (self.done, len(self.shown))]:
            waiting, shown = [*done], []
            for frame in range(frames + 1):
                while waiting and waiting[0][0] <= frame:
                    do(session, *waiting.pop(0)[1:])
                if frame < frames:
                    shown.append(session.step().hash)
        return shown


class Player:
    """A session in a person's hand, and the line that is played."""

    def __init__(self, session, folder):
        self.session, self.folder = session, folder
        self.line, self.left, self.bookmarks = Line(), {}, []

    @property
    def frame(self):
        return self.session.engine.frame

    def act(self, what, how):
        self.line.done.append((self.frame, what, how))
        do(self.session, what, how)

    def step(self, count):
        for _ in range(count):
            self.act("send", Pause(False))
            if self.session.history.is_fresh:
                self.line.starts[self.frame] = len(self.line.done)
            self.line.shown.append(self.session.step().hash)

    def reset(self, seed):
        branches, line = {branch.id for branch in self.session.history.branches}, self.line.copy()
        before = (*line.before, ([*line.done, (self.frame, "reset", seed)], len(line.shown)))
        self.session.reset(seed)
        self.left |= {branch.id: line for branch in self.session.history.branches if branch.id not in branches}
        self.line = Line(before)

    def rewind(self, share):
        if not self.session.history.stretches:
            return
        first = self.session.history.start
        frame, line = round(first + share * (self.frame - first)), self.line.copy()
        if branch := self.session.rewind(frame):
            self.left[branch.id] = line
        if frame < len(line.shown):
            self.line = line.cut(frame)

    def go_to(self, place):
        branches = self.session.history.branches
        if branches:
            id, line = branches[place % len(branches)].id, self.line.copy()
            if left := self.session.go_to(id):
                self.left[left.id] = line
            self.line = self.left[id].copy()

    def bookmark(self, _):
        path = self.session.bookmark(f"{self.folder}/{len(self.bookmarks)}.jsonl")
        self.bookmarks.append((path, self.line.copy(), self.session.history.is_fresh))

    def open(self, place):
        if self.bookmarks:
            path, line, _ = self.bookmarks[place % len(self.bookmarks)]
            here = self.line.copy()
            if left := self.session.open_bookmark(path):
                self.left[left.id] = here
            self.line = line.copy()


def check(model, steps, sampler, is_small):
    """Play it, and see that a straight session, a kept take and a bookmark show the same."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "SPACING", ((12, 3), (30, 9), (2**32, 24)))
        session = Session(model, sampler=sampler)
        if is_small:
            session.history = History(3 * checkpoint_bytes(session.engine))
            session.history.rooms = Rooms(checkpoint_bytes, lambda: 0)
        player = Player(session, folder)
        for what, how in steps:
            if what in ("send", "play", "record"):
                player.act(what, how)
            else:
                getattr(player, what)(how)
        player.step(3)
        path = session.bookmark(f"{folder}/end.jsonl")
        kept = session.keep(1000) if session.history.stretches else None
        player.step(3)
        assert player.line.again(Session(model, sampler=sampler)) == player.line.shown
        if kept:
            assert replayed(kept, model) == player.line.shown[kept.header.start : -3]
        other = Session(model, sampler=sampler)
        other.open_bookmark(path)
        assert [other.step().hash for _ in range(3)] == player.line.shown[-3:]
        assert Score.read(path).length == 0


FOLDER = TemporaryDirectory()  # as long as the tests run


@cache
def model_of(name):
    """A small model of each kind."""
    root = Path(FOLDER.name)
    if name == "tiny":
        return TinyModel()
    if name == "places":
        return PlacesModel()
    if name == "still":
        return PictureModel()
    if name == "film":
        return model_of("wan")
    if name == "wan":
        return open_wan(tiny_wan_folder(root / "wan"), size=(32, 48))
    base = tiny_sd(root / "sd")
    parts = {"controlnet": tiny_controlnet(root / "controlnet", base), "tiny_vae": tiny_taesd(root / "taesd")}
    return open_image(base, loras={"ink": tiny_lora(root, base, text=True)}, size=(64, 64), **parts)


PICTURES_OF_ITS_OWN = ("prompt", "sampling", "picture", "similarity")
PAINTED = ("stroke", "subject", "cutout", "erase")
TAKES = {
    "tiny": ["prompt", "sampling", "stroke", "subject", "erase", "camera_motion", "sink", "pause"],
    "places": ["prompt", "sampling", "place", "sink", "pause"],
    "still": [*PICTURES_OF_ITS_OWN, "pause"],
    "wan": [
        "prompt",
        "sampling",
        "picture",
        "live",
        "sink",
        "stroke",
        "subject",
        "cutout",
        "erase",
        "region",
        "camera_motion",
        "pause",
    ],
    "film": ["picture", "live"],
    "sd": [*PICTURES_OF_ITS_OWN, "structure", "lora", *PAINTED, "region", "backdrop", "camera_motion", "pause"],
}
OFTEN = {"tiny": 8, "places": 6, "still": 8, "wan": 2, "film": 2, "sd": 2}
QUICK = dict(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_every_kind_of_control_is_played():
    assert {kind for kinds in TAKES.values() for kind in kinds} == {*KINDS}
    assert {*KINDS} <= {*CONTROLS}


@pytest.mark.parametrize("name", TAKES)
def test_any_take_shows_the_same_again(name):
    @settings(max_examples=OFTEN[name], **QUICK)
    @given(steps_of(TAKES[name], 14), st.sampled_from(["stream", "rollout"]), st.booleans())
    def any_take(steps, sampler, is_small):
        check(model_of(name), steps, sampler, is_small)

    any_take()


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", TAKES)
def test_a_great_many_takes_show_the_same_again(name):
    @settings(max_examples=40 * OFTEN[name], **QUICK | {"derandomize": False})
    @given(steps_of(TAKES[name], 40), st.sampled_from(["stream", "rollout"]), st.booleans())
    def any_take(steps, sampler, is_small):
        check(model_of(name), steps, sampler, is_small)

    any_take()
