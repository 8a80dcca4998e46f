"""Strokes on an image model: what a frame begins from, by the picture's number, on every backdrop."""

import numpy as np
import pytest
import torch
from image.drawing import SIZE
from tiny.pictures import noisy

from studio.controls import Backdrop, ControlError, ControlState, Erase, Picture, Prompt, Sampling, Stroke, Structure
from studio.engine import Engine
from studio.pictures import decoded
from studio.samplers import PictureStream
from studio.session import Session
from studio.trajectory import place
from studio.underpaint.backdrop import Underpainting
from studio.underpaint.compose import paste
from studio.underpaint.pocket_stream import PocketStream
from studio.underpaint.sprites import sprite

PATH = Stroke("a", "fox", ((0, 0.1, 0.5), (8, 0.9, 0.5)), "path", loop=False)
PROMPT = Prompt("a quiet meadow on a sunny day")


def state(*controls, since=0):
    held = ControlState.of(PROMPT)
    for control in controls:
        held = held.after(control, since)
    return held


def fox_on(backdrop, stroke, elapsed):
    """The slow definition of an underpainting: one sprite on one picture."""
    return paste(backdrop, [(sprite("fox"), place(stroke, elapsed))])[0]


@pytest.mark.parametrize("number", [3, 9])
def test_the_fox_is_where_its_path_is_in_that_picture(number):
    painting = Underpainting(SIZE)
    picture = decoded(noisy(1), SIZE)
    for backdrop, under in (
        (Backdrop("colour", "red"), np.full((*SIZE, 3), (255, 0, 0), np.uint8)),
        (Backdrop("auto"), picture),
        (Backdrop("picture"), picture),
    ):
        painted = painting.paint(state(Picture(noisy(1)), backdrop, PATH, since=2), number)
        assert np.array_equal(painted, fox_on(under, PATH, number - 2))


def test_what_nothing_is_painted_on_is_left_as_it_came():
    painting = Underpainting(SIZE)
    assert painting.paint(state(), 0) is None
    assert painting.paint(state(Picture(noisy(1))), 0) is None
    assert painting.paint(state(Picture(noisy(1)), Backdrop("none"), PATH), 0) is None
    assert painting.paint(state(Picture(noisy(1)), Stroke("a", "xyzzy", ((0, 0.5, 0.5),))), 0) is None
    assert painting.stream is None


def test_the_pocket_backdrop_is_the_pockets_own_frame_under_the_same_prompt():
    painting, alone = Underpainting(SIZE), PocketStream(4, 0)
    held = state(Backdrop("pocket", seed=4))
    for number in range(3):
        painted = painting.paint(held.at(number), number)
        assert painted.shape == (*SIZE, 3)
        frame = alone.step(held.at(number))
    from studio.pictures import cropped

    assert np.array_equal(painted, cropped(frame, SIZE))
    painting.paint(state(Backdrop("colour")), 3)
    assert painting.stream is None  # it is kept while it is the backdrop


def test_the_pockets_frames_do_not_depend_on_threads_and_leave_their_number_alone():
    before = torch.get_num_threads()
    pictures = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        stream = PocketStream(0, 0)
        pictures.append([stream.step(state()) for _ in range(2)])
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert np.array_equal(pictures[0], pictures[1])


def rows_of(model, controls, count):
    """The rows that a stream began, in order."""
    stream, began = PictureStream(model), []
    new_row = stream.new_row

    def noted(*given, **named):
        began.append(new_row(*given, **named))
        return began[-1]

    stream.new_row = noted
    for _ in range(count):
        stream.step(controls)
    return began


def test_a_row_begins_from_the_underpainting_of_the_picture_it_becomes(opened):
    """Also in a batch: a row of three steps comes out two pictures later, and begins where the fox is then."""
    model, held = opened(), state(Backdrop("colour"), PATH, Sampling(steps=3))
    under = np.full((*SIZE, 3), 128, np.uint8)
    for row in rows_of(model, held, 3):
        wanted = model.encode_picture(fox_on(under, PATH, row.frame))
        assert torch.equal(row.source[0], wanted)


def test_after_frames_were_left_out_strokes_go_by_the_pictures_numbers(opened):
    model, stream = opened(), PictureStream(opened())
    held = state(Backdrop("colour"), PATH, Sampling(steps=1))
    stream.watch(5, None, held)  # five pictures were shown again instead of drawn
    stream.step(held)
    under = np.full((*SIZE, 3), 128, np.uint8)
    row = stream.new_row(held, stream.frame, True)
    assert (row.frame, row.number) == (1, 6)
    assert torch.equal(row.source[0], model.encode_picture(fox_on(under, PATH, 6)))


def test_the_underpaintings_edges_are_the_control_picture(opened, folders):
    model = opened(controlnet=folders / "controlnet-sd")
    held = state(Backdrop("colour"), PATH, Structure(0.8))
    (row, *_) = rows_of(model, held, 1)
    under = np.full((*SIZE, 3), 128, np.uint8)
    assert torch.equal(row.cond.extra["structure"][0], model._shown(fox_on(under, PATH, 0), "edges"))
    stream, other = PictureStream(model), PictureStream(model)
    stream.step(held)
    other.restore(stream.snapshot())
    assert torch.equal(stream.step(held), other.step(held))


def engine(model, *controls):
    made = Engine(model, state=ControlState.of(PROMPT, *controls))
    return made


def test_what_is_alike_is_left_out_and_a_moving_stroke_is_not(opened):
    from studio.controls import Similarity

    still = Stroke("a", "fox", ((0, 0.5, 0.5),), "pin", 0.5)
    one = engine(opened(), Similarity(0.02, most=50), Sampling(steps=1), Backdrop("colour"), still)
    assert [one.step().skipped for _ in range(4)][1:] == [True] * 3
    one.apply([(1, Stroke("a", "fox", ((0, 0.5, 0.5), (40, 0.9, 0.5)), "path", 0.5))])
    skipped = [one.step().skipped for _ in range(20)]
    assert not all(skipped)
    moving = engine(opened(), Similarity(0.02, most=50), Sampling(steps=1), Backdrop("pocket"))
    assert not any(moving.step().skipped for _ in range(4))


def test_of_a_moving_stroke_only_what_it_changed_is_drawn(opened):
    from studio.controls import Similarity
    from studio.samplers.boxes import WHOLE

    model = opened(size=(256, 256))
    held = state(Similarity(0.02, regions=True), Backdrop("colour"), Sampling(steps=1), Stroke(
        "a", "fox", ((0, 0.2, 0.2), (50, 0.3, 0.2)), "path", 0.2,
    ))  # fmt: skip
    first, *others = rows_of(model, held, 12)
    assert first.box == WHOLE
    boxes = [row.box for row in others if row.box != WHOLE]
    assert boxes
    assert all(rows.stop <= 24 and columns.stop <= 24 for rows, columns in boxes)


@pytest.mark.parametrize("source", ["colour", "auto"])
def test_a_bookmark_in_mid_play_goes_on_the_same(opened, tmp_path, source):
    model = opened(controlnet="")
    session, other = Session(model), Session(model)
    for control in (PROMPT, Sampling(steps=2), Backdrop(source, seed=2), PATH):
        session.send(control)
    for _ in range(4):
        session.step()
    other.open_bookmark(session.bookmark(tmp_path / "here.jsonl"))
    for text in (PROMPT.text, "a city at night"):
        for one in (session, other):
            one.send(Prompt(text))
        assert [other.step().hash for _ in range(2)] == [session.step().hash for _ in range(2)]


def test_an_error_in_a_tick_leaves_the_backdrop_where_it_was(opened, monkeypatch):
    model, held = opened(), state(Backdrop("pocket"), Sampling(steps=1))
    stream, alone = PictureStream(model), PictureStream(model)
    assert torch.equal(stream.step(held), alone.step(held))
    with monkeypatch.context() as patch:
        patch.setattr(stream, "_forward", None)
        with pytest.raises(TypeError):
            stream.step(held)
    assert torch.equal(stream.step(held), alone.step(held))


def test_a_camera_that_is_not_there_is_refused_in_words(opened):
    session = Session(opened())
    with pytest.raises(ControlError, match="no picture comes in for strokes to be painted on: start the camera"):
        session.send(Backdrop("picture"))
    session.send(Picture(noisy(1)))
    session.send(Backdrop("picture"))
    session.send(PATH)
    session.step()
    session.send(Picture(b""))  # the camera was turned off: the colour is under it, and the stream goes on
    session.step()
    session.send(Erase("*"))
    assert session.step() is not None


def test_a_backdrop_is_for_models_that_are_painted_under():
    from tiny.model import TinyModel

    with pytest.raises(ControlError, match="paints nothing under its pictures; a backdrop is for image models"):
        Session(TinyModel()).send(Backdrop("pocket"))


def test_a_label_is_heard_where_its_subject_is(opened):
    from studio.conditioning import condition_frames

    model = opened()
    held = state(PATH, Backdrop(words=0.5))
    early, late = (condition_frames(model, held, [frame]).regions[0][0].share for frame in (0, 8))
    assert early.max() == late.max() == 0.5
    assert early.argmax() % 8 < 3 < 5 <= late.argmax() % 8 + 1
    assert not condition_frames(model, held.updated(Backdrop(words=0)), [0]).regions
    many = [Stroke(str(n), f"thing {n}", ((0, 0.5, 0.5),)) for n in range(12)]
    assert len(condition_frames(model, state(*many), [0]).regions[0]) == 8
