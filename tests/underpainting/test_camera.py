"""The camera over what an image model's frames begin from: moved picture by picture, mirrored beyond the edges."""

import numpy as np
import pytest
from image.drawing import SIZE
from tiny.pictures import PictureModel, noisy

from studio.controls import Backdrop, Camera, ControlError, ControlState, Picture, Sampling, Stroke
from studio.geometry.camera import camera_map
from studio.geometry.warp import warp_by_camera
from studio.models.playable import check, playable_kinds
from studio.pictures import decoded
from studio.session import Session
from studio.trajectory import place
from studio.underpaint.backdrop import Underpainting
from studio.underpaint.compose import paste
from studio.underpaint.sprites import sprite

RIGHT = Camera(pan_x=1 / 16)
PATH = Stroke("a", "fox", ((0, 0.1, 0.5), (8, 0.9, 0.5)), "path", loop=False)
PICTURE = decoded(noisy(1), SIZE)


def held(*controls, since=0):
    state = ControlState()
    for control in controls:
        state = state.after(control, since)
    return state


def test_what_is_seen_goes_the_other_way_and_is_mirrored_beyond_the_edge():
    painting, width = Underpainting(SIZE), SIZE[1]
    state = held(Picture(noisy(1)), RIGHT)
    for number in range(3):
        painted = painting.paint(state, number)
    far = 3 * width // 16
    assert np.array_equal(painted[:, : width - far], PICTURE[:, far:])
    assert np.array_equal(painted[:, width - far :], PICTURE[:, ::-1][:, :far])


def test_it_turns_and_grows_step_by_step_stays_where_it_is_and_goes_on_from_there():
    painting, turn = Underpainting(SIZE), Camera(rotate=5, zoom=0.03, frames=4)
    shown = held(Picture(noisy(1)))
    assert painting.paint(shown, 0) is None
    moving, view = shown.after(turn, 1), np.eye(3)
    for number in range(1, 9):
        painted = painting.paint(moving, number)
        view = np.vstack([camera_map(turn, SIZE), [0, 0, 1]]) @ view if number < 5 else view
        assert np.abs(painted.astype(int) - warp_by_camera(PICTURE, view[:2], "reflection")[0]).max() <= 1
    back = moving.after(RIGHT, 9)
    view = np.vstack([camera_map(RIGHT, SIZE), [0, 0, 1]]) @ view
    painted = painting.paint(back, 9)
    assert np.abs(painted.astype(int) - warp_by_camera(PICTURE, view[:2], "reflection")[0]).max() <= 1


@pytest.mark.parametrize("backdrop", [Backdrop(), Backdrop("pocket")])
def test_what_strokes_move_stays_where_they_say(backdrop):
    painting, still = Underpainting(SIZE), Underpainting(SIZE)
    state = held(Picture(noisy(1)), backdrop, PATH)
    moved, stood = painting.paint(state.after(RIGHT, 0), 0), still.paint(state, 0)
    under = PICTURE if backdrop.source == "auto" else None
    fox = paste(PICTURE, [(sprite("fox"), place(PATH, 0))])[1] == 1
    assert np.array_equal(moved[fox], stood[fox])
    assert not np.array_equal(moved[~fox], stood[~fox])
    if under is not None:
        wanted = warp_by_camera(under, camera_map(RIGHT, SIZE), "reflection")[0]
        assert np.array_equal(moved, paste(wanted, [(sprite("fox"), place(PATH, 0))])[0])


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_it_is_redrawn_where_the_camera_is_and_goes_on_the_same_from_a_file(opened, sampler, tmp_path):
    model = opened()
    session, other, still = (Session(model, sampler=sampler) for _ in range(3))
    for one in (session, still):
        one.send(Picture(noisy(1))), one.send(Sampling(seed=2, steps=2, strength=0.5))
    session.send(RIGHT)
    moved, stood = ([one.step().picture.tobytes() for _ in range(4)] for one in (session, still))
    assert len({*moved}) == 4
    assert len({*stood}) == 1
    other.open_bookmark(session.bookmark(tmp_path / "here.jsonl"))
    session.send(Camera()), other.send(Camera())
    assert [other.step().hash for _ in range(4)] == [session.step().hash for _ in range(4)]
    view = session.engine.sampler._source.painting.view
    assert view[0, 2] == -SIZE[1] * round(-view[0, 2] * 16 / SIZE[1]) / 16 < 0
    session.reset()
    assert session.engine.sampler._source.painting.view is None


def test_a_frame_that_failed_has_not_moved_the_camera(opened, monkeypatch):
    model = opened()
    session = Session(model)
    session.send(Picture(noisy(1))), session.send(RIGHT)
    session.step()
    sampler = session.engine.sampler
    before = sampler._source.painting.view
    with monkeypatch.context() as broken:
        broken.setattr(type(model), "denoise", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sampler.tick(session.engine.state)
    assert np.array_equal(sampler._source.painting.view, before)


def test_there_has_to_be_something_it_goes_over(opened):
    model = opened()
    session = Session(model)
    assert "camera_motion" in playable_kinds(model)
    session.send(Camera())
    with pytest.raises(ControlError, match="the camera moves over what is under them, and nothing is: start the cam"):
        session.send(RIGHT)
    session.send(Backdrop("pocket"))
    session.send(RIGHT)
    assert "camera_motion" not in playable_kinds(PictureModel())
    with pytest.raises(ControlError, match="no camera moves from one to the next; choose a video model"):
        check(PictureModel(), RIGHT)
