"""A video file that a session draws from: in the film's time, in the take, and out of a person's way."""

import gc
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tiny.model import TinyModel

from session.playing import pictures_of
from studio.cli.errors import UsageError
from studio.cli.run import check_film_file
from studio.controls import Picture
from studio.frames import Frame
from studio.motion.film import FilmError
from studio.outputs.video import VideoFile
from studio.pictures import decoded
from studio.score import replay
from studio.session import Session
from studio.session.film_in import FilmIn, check_film, decode
from studio.ui.app import drawing_from

FPS, PICTURES = 10, 6


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Six flat pictures, ever lighter, in 0.6 s."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    video = VideoFile(path, FPS)
    for number in range(PICTURES):
        video.put(Frame(number, np.full((64, 96, 3), 40 * number + 20, np.uint8)))
    video.close()
    return path


def level(picture: Picture) -> int:
    """Which of the film's pictures it is."""
    return round((decoded(picture.data, (32, 32)).mean() - 20) / 40)


def films():
    return [thread for thread in threading.enumerate() if thread.name == "studio-film"]


def step_until(session, condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        session.step()
        time.sleep(0.02)


def now(session) -> Picture:
    return session.pending_state()[Picture]


def test_a_films_pictures_come_in_order_over_and_over_and_the_take_replays_without_it(still, film):
    session = Session(still)
    session.record()
    session.outputs.append(FilmIn(session, film))
    seen = []
    made = []

    def twice():
        made.append(session.step().hash)
        if now(session).data and (not seen or seen[-1] != level(now(session))):
            seen.append(level(now(session)))
        return seen.count(0) > 1 and seen[-1] > 0

    step_until(session, twice)
    assert seen[0] == 0
    assert all(other in (one + 1, one + 2, one + 3) or other <= 2 for one, other in pairwise(seen))
    score = session.stop_recording()
    session.outputs.close()
    assert len(pictures_of(score)) > 3
    hashes = [frame.hash for frame in replay(score, still)]
    assert set(made) <= set(hashes)


def test_a_person_who_chooses_another_picture_is_not_overruled(still, film):
    session = Session(still)
    playing = FilmIn(session, film)
    session.outputs.append(playing)
    step_until(session, lambda: now(session).data)
    session.send(Picture(b""))
    step_until(session, lambda: playing._ended.is_set())
    assert now(session).data == b""
    assert playing.problem == ""


def test_a_film_ends_with_its_session(still, film):
    before = len(films())

    def play():
        session = Session(still)
        session.outputs.append(FilmIn(session, film))
        step_until(session, lambda: now(session).data)

    play()
    gc.collect()
    end = time.monotonic() + 20
    while len(films()) > before:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_film_that_goes_is_told_and_the_stream_goes_on(still, film, tmp_path):
    path = tmp_path / "gone.mp4"
    path.write_bytes(film.read_bytes())
    session = Session(still)
    path.unlink()
    playing = FilmIn(session, path)
    session.outputs.append(playing)
    step_until(session, lambda: playing.problem)
    assert playing.problem.startswith("the film has ended: ")
    assert session.step() is not None


def test_pictures_are_upright_in_the_models_shape_with_their_times(film):
    got = list(decode(film, (32, 32)))
    assert [round(at, 2) for at, _ in got] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert {picture.shape for _, picture in got} == {(32, 32, 3)}


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"no video", "it is no video that can be read"), (None, "cannot be read")],
    ids=["text", "none"],
)
def test_what_is_no_film_is_said_before_anything_is_loaded(data, words, tmp_path):
    path = tmp_path / "film.mp4"
    if data:
        path.write_bytes(data)
    with pytest.raises(FilmError, match=words):
        check_film(path)
    with pytest.raises(UsageError, match=words):
        check_film_file(path)


def test_a_model_that_takes_no_pictures_leaves_the_film_aside(still, film, caplog):
    model = TinyModel()
    assert drawing_from(lambda: Session(model), Path(film))().outputs == []
    assert "so the film is left aside" in caplog.text
    session = drawing_from(lambda: Session(still), Path(film))()
    assert len(session.outputs) == 1
    session.outputs.close()
