"""A page's session begins with free motion where its model can; a session of one's own code does not."""

from ui_stand_ins import StandInModel, StandInSession

from studio.controls import FreeMotion, Prompt
from studio.presets import Preset
from studio.session import Session
from studio.ui.seats import Seats

MEADOW = Preset.parse('{"name": "Quiet", "description": "Quiet", "controls": [{"kind": "prompt", "text": "a meadow"}]}')


class Bare(StandInSession):
    def hand_over(self, model):
        able, self.model = model.capabilities, model
        return {} if able.free_motion else {"free_motion": "it takes none"}


class Free(Bare):
    def __init__(self):
        super().__init__()
        self.model = StandInModel((64, 64), free_motion=True)


def test_a_new_seat_begins_with_it_and_its_opening_preset_leaves_it(tmp_path):
    seat = Seats(Free, takes=tmp_path, opening=MEADOW).sit()
    assert seat.state[FreeMotion].on
    assert seat.state[Prompt].text == "a meadow"
    assert not seat.played  # not by a person
    seat.close()


def test_a_model_without_it_is_not_asked(tmp_path):
    seat = Seats(Bare, takes=tmp_path).sit()
    assert not seat.state[FreeMotion].on
    seat.hand_over(StandInModel((64, 64), free_motion=True))
    assert seat.state[FreeMotion].on
    seat.close()


def test_that_a_model_does_not_take_it_is_not_told_as_nobody_asked_for_it(tmp_path):
    seat = Seats(Free, takes=tmp_path).sit()
    assert seat.hand_over(StandInModel((64, 64))) == {}
    seat.close()


def test_another_model_that_can_leaves_it_as_it_was(tmp_path):
    seat = Seats(Free, takes=tmp_path).sit()
    seat.send(FreeMotion(False))
    seat.hand_over(StandInModel((64, 64), free_motion=True))
    assert not seat.state[FreeMotion].on
    seat.close()


def test_a_session_of_ones_own_code_begins_without(model):
    assert not Session(model).engine.state[FreeMotion].on
