"""The models a page chooses from: what is offered, shared and let go, and one on its way while another plays."""

import gc
import threading
import time
import weakref
from dataclasses import dataclass

import pytest
from tiny.model import TinyModel

from studio.models.errors import CheckpointError
from studio.ui.errors import LibraryError, Waiting
from studio.ui.library import Library
from studio.ui.model_load import LoadProgress, ModelLoad
from studio.ui.options import ServerOptions
from studio.ui.plays import refusals
from studio.ui.seat import Seat
from studio.ui.seats import Seats


@dataclass
class Offer:
    name: str
    what: str = ""
    licence: str = "Apache-2.0"
    download_bytes: int = 0
    memory_bytes: int = 0
    here: bool = True
    fits: bool = True
    reason: str = ""


class Shelf:
    """What `studio.models` would load: counts, and waits where it is told to."""

    def __init__(self):
        self.loaded: list[str] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.together = self.most = 0

    def listing(self):
        return [Offer("tiny"), Offer("other"), Offer("broken"), Offer("huge", fits=False, reason="needs a card")]

    def load(self, name, progress, cancel):
        self.together += 1
        self.most = max(self.most, self.together)
        try:
            progress(1, 2, "a file")
            while not self.go_on.wait(0.01):
                if cancel.is_set():
                    raise RuntimeError("the download was stopped")
            progress(2, 2, "all there")
            if name == "broken":
                raise CheckpointError("unet lacks conv_in.weight; download it again")
            self.loaded.append(name)
            model = TinyModel()
            model.name = name
            model.itself = model  # as real ones hold themselves, by what they remember
            return model
        finally:
            self.together -= 1


@pytest.fixture
def shelf():
    return Shelf()


def library(shelf, **options):
    made = Library("tiny", listing=shelf.listing, load=shelf.load, **options)
    made.open()
    return made


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def arrived(arrival):
    until(lambda: not arrival.progress.under_way)
    return arrival.progress


def test_everything_is_offered_to_who_owns_the_machine_and_only_the_chosen_to_others(shelf):
    assert [item["name"] for item in library(shelf).offers()] == ["tiny", "other", "broken", "huge"]
    host = library(shelf, offered=("other",))
    assert [item["name"] for item in host.offers()] == ["tiny", "other"]
    assert host.has_choice
    assert not library(shelf, offered=()).has_choice
    with pytest.raises(LibraryError, match="offers: tiny, other"):
        host.check("broken")


@pytest.mark.parametrize(
    ("models", "host", "share", "may"),
    [
        (None, "127.0.0.1", False, None),
        (None, "localhost", True, ()),
        (None, "0.0.0.0", False, ()),
        (["sd-turbo"], "0.0.0.0", False, ["sd-turbo"]),
        ([], "127.0.0.1", False, []),
    ],
)
def test_strangers_may_change_to_what_the_host_allows(models, host, share, may):
    assert ServerOptions(models=models, host=host, share=share).offered == may


@pytest.mark.parametrize("name", ["/etc", "../tiny", "", None, 7, ["tiny"], {"name": "tiny"}, "TINY"])
def test_a_page_names_a_model_on_offer_and_never_a_folder(shelf, name):
    with pytest.raises(LibraryError, match="this server offers"):
        library(shelf).check(name)


def test_what_does_not_fit_is_not_begun(shelf):
    with pytest.raises(LibraryError, match="huge does not fit this machine: needs a card"):
        ModelLoad(library(shelf), "huge", lambda model: {})


def test_a_folder_is_offered_by_its_last_part_and_loaded_by_its_whole(shelf, tmp_path):
    folder = tmp_path / "my-model"
    folder.mkdir()
    made = Library(str(folder), listing=shelf.listing, load=shelf.load)
    made.open()
    assert shelf.loaded == [str(folder)]
    assert made.offers()[0]["name"] == "my-model"
    assert made.name_of(made.session().model) == "my-model"
    (tmp_path / "pocket").mkdir()
    named = Library(str(tmp_path / "pocket"), listing=shelf.listing, load=shelf.load)
    assert named.home == "pocket (folder)", "it is not the catalogue's"


def test_one_loaded_model_is_shared_and_two_are_not_loaded_at_once(shelf):
    made = library(shelf)
    shelf.go_on.clear()
    got: list = []
    arrivals = [ModelLoad(made, "other", lambda model: got.append(model) or {}) for _ in range(3)]
    until(lambda: any(arrival.progress.stage == "download" for arrival in arrivals))
    shelf.go_on.set()
    assert [arrived(arrival).stage for arrival in arrivals] == ["ready"] * 3
    assert shelf.loaded == ["tiny", "other"]
    assert shelf.most == 1
    assert len({id(model) for model in got}) == 1


def test_a_download_is_told_and_can_be_called_off(shelf):
    made = library(shelf)
    shelf.go_on.clear()
    arrival = ModelLoad(made, "other", lambda model: {})
    until(lambda: arrival.progress.stage == "download")
    assert arrival.progress == LoadProgress("other", "download", 1, 2, "a file")
    arrival.cancel()
    assert arrived(arrival).stage == "cancelled"
    assert shelf.loaded == ["tiny"]
    shelf.go_on.set()
    assert arrived(ModelLoad(made, "other", lambda model: {})).stage == "ready", "and it can be chosen again"


def test_a_load_that_cannot_be_interrupted_comes_to_nothing_when_it_was_called_off(shelf):
    made = library(shelf)
    load, taken = shelf.load, []
    made._load = lambda name, progress, cancel: load(name, progress, threading.Event())
    shelf.go_on.clear()
    arrival = ModelLoad(made, "other", lambda model: taken.append(model) or {})
    until(lambda: arrival.progress.stage == "download")
    arrival.cancel()
    shelf.go_on.set()
    assert arrived(arrival).stage == "cancelled"
    assert taken == []
    until(lambda: list(made._loaded) == ["tiny"])


def test_one_that_waits_its_turn_can_be_called_off_too(shelf):
    made = library(shelf)
    shelf.go_on.clear()
    first, second = (ModelLoad(made, name, lambda model: {}) for name in ("other", "broken"))
    until(lambda: first.progress.stage == "download")
    second.cancel()
    assert arrived(second).stage == "cancelled"
    shelf.go_on.set()
    assert arrived(first).stage == "ready"


def test_a_failure_is_told_in_its_own_words(shelf):
    failed = arrived(ModelLoad(library(shelf), "broken", lambda model: {}))
    assert failed.stage == "failed"
    assert failed.what == "broken could not be played: unet lacks conv_in.weight; download it again"


def test_a_model_that_cannot_draw_is_found_out_before_it_is_played(shelf):
    made = library(shelf)

    def load(name, progress, cancel):
        model = TinyModel()
        model.denoise = lambda *_, **__: (_ for _ in ()).throw(RuntimeError("out of memory"))
        return model

    made._load = load
    taken = []
    failed = arrived(ModelLoad(made, "other", lambda model: taken.append(model) or {}))
    assert (failed.stage, taken) == ("failed", [])
    assert "out of memory" in failed.what


def test_a_seat_goes_over_and_the_model_that_nobody_plays_is_let_go(shelf, tmp_path):
    made = library(shelf)
    one, two = (Seat(made.session(), tmp_path, library=made) for _ in range(2))
    first = weakref.ref(one.session.model)
    one.models.choose("other")
    assert arrived(one.models.load).stage == "ready"
    assert (one.session.model.name, two.session.model.name) == ("other", "tiny")
    assert sorted(made._loaded) == ["other", "tiny"]
    two.models.choose("other")
    assert arrived(two.models.load).stage == "ready"
    assert two.session.model is one.session.model
    until(lambda: first() is None)  # nobody plays it any more
    assert list(made._loaded) == ["other"]


def test_a_model_that_somebody_has_in_hand_when_it_is_left_goes_a_moment_later(shelf, tmp_path):
    made = library(shelf)
    seat = Seat(made.session(), tmp_path, library=made)
    in_hand = seat.session.model
    seat.models.choose("other")
    assert arrived(seat.models.load).stage == "ready"
    assert sorted(made._loaded) == ["other", "tiny"]
    del in_hand
    until(lambda: list(made._loaded) == ["other"])


def test_a_server_whose_home_was_let_go_loads_it_again_for_the_next_page(shelf, tmp_path):
    made = library(shelf)
    house = Seats(made.session, library=made, takes=tmp_path)
    seat = house.sit()
    seat.models.choose("other")
    assert arrived(seat.models.load).stage == "ready"
    until(lambda: "tiny" not in made._loaded)
    with pytest.raises(Waiting, match="tiny is being loaded; this page starts by itself"):
        house.sit()
    until(lambda: "tiny" in made._loaded)
    assert house.sit().session.model.name == "tiny"
    house.close_all()


def test_the_home_model_stays_ready_while_nobody_plays(shelf, tmp_path):
    made = library(shelf)
    house = Seats(made.session, library=made, takes=tmp_path)
    house.sit()
    house.close_all()
    gc.collect()
    assert list(made._loaded) == ["tiny"]
    house.sit()
    assert shelf.loaded == ["tiny"]
    house.close_all()


def test_two_models_are_not_sent_for_at_once_by_one_page(shelf, tmp_path):
    seat = Seat(library(shelf).session(), tmp_path)
    with pytest.raises(LibraryError, match="one model"):
        seat.models.choose("other")
    made = library(shelf)
    seat = Seat(made.session(), tmp_path, library=made)
    shelf.go_on.clear()
    seat.models.choose("other")
    with pytest.raises(LibraryError, match="other is on its way; call it off first"):
        seat.models.choose("tiny")
    shelf.go_on.set()
    arrived(seat.models.load)


def test_a_closed_page_calls_its_model_off(shelf, tmp_path):
    made = library(shelf)
    house = Seats(made.session, library=made, takes=tmp_path)
    seat = house.sit()
    shelf.go_on.clear()
    seat.models.choose("other")
    until(lambda: seat.models.load.progress.stage == "download")
    house.close_all()
    assert arrived(seat.models.load).stage == "cancelled"
    assert seat.session.model.name == "tiny"


def test_a_take_in_progress_is_finished_before_another_model_plays(shelf, tmp_path):
    made = library(shelf)
    seat = Seat(made.session(), tmp_path, library=made)
    seat.record()
    for _ in range(3):
        seat.session.step()
    seat.models.choose("other")
    assert arrived(seat.models.load).stage == "ready"
    assert [take.frames for take in seat.recorder.takes] == [3]
    assert not seat.recorder.recording
    seat.close()


def test_what_is_left_aside_is_said_once():
    said = refusals("wan", {"stroke": "it is drawn by words alone", "erase": "it is drawn by words alone"})
    assert said == "wan takes no strokes: it is drawn by words alone."
    assert refusals("wan", {}) == ""
