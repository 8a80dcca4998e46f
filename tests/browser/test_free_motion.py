"""Free motion on the page: on as a session begins, turned off and on by its box, and still so after a reload."""

import pytest
from ui_stand_ins import StandInModel, StandInSession

from browser.page import until
from studio.controls import FreeMotion


class Free(StandInSession):
    def __init__(self):
        super().__init__((64, 64))
        self.model = StandInModel((64, 64), free_motion=True)


@pytest.fixture
def playing(server):
    server.make = Free


def test_a_page_begins_with_free_motion_and_its_box_turns_it_off(playing, browse):
    visit = browse()
    box = visit.page.locator("#studio-free-motion input")
    until(lambda: visit.state[FreeMotion].on and box.is_checked())
    box.click()
    until(lambda: not visit.state[FreeMotion].on)
    visit.page.reload()
    visit.page.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=60_000)
    until(lambda: not box.is_checked())
    box.click()
    until(lambda: visit.state[FreeMotion].on)
