"""The controls that will be in force once all that was sent has taken effect: what a page is shown."""

import threading

from studio.controls import Erase, Pause, Prompt, Stroke, strokes
from studio.presets import Preset
from studio.score import Event
from studio.session.session import Session

FOX = Stroke("a", "fox", ((0, 0.1, 0.5), (9, 0.9, 0.5)), "path")


def test_the_pending_state_is_what_the_next_frame_is_drawn_under(model):
    session = Session(model)
    session.step()
    session.send(Prompt("winter"))
    session.send(FOX)
    pending = session.pending_state()
    assert pending[Prompt].text == "winter"
    assert strokes(pending) == {"a": (FOX, 1)}
    assert session.engine.state[Prompt].text != "winter", "asking changes nothing"
    session.step()
    assert session.pending_state().slots == session.engine.state.slots == pending.slots


def test_the_pending_state_holds_what_waits_for_the_end_of_a_pause(model):
    session = Session(model)
    session.send(FOX)
    session.step()
    session.send(Pause())
    session.send(Erase("*"))
    session.step()
    assert strokes(session.engine.state)
    pending = session.pending_state()
    assert not strokes(pending)
    assert pending[Pause].paused


def test_a_presets_first_controls_are_pending_and_its_later_ones_are_not(model):
    session = Session(model)
    session.send(FOX)
    session.step()
    session.play(Preset("winter", "", (Event(0, Prompt("winter")), Event(5, Prompt("spring")))))
    assert session.pending_state()[Prompt].text == "winter"
    assert not strokes(session.pending_state())


def test_what_was_sent_is_seen_at_every_moment_while_frames_are_made(model):
    session, done = Session(model), threading.Event()
    sent, missed = [0], []

    def look():
        # A look, then a moment's rest: two threads that never wait can keep a lock from the one that draws for minutes.
        while not done.wait(0.0005):
            before = sent[-1]
            seen = session.pending_state()[Prompt].text
            if seen.isdigit() and int(seen) < before:
                missed.append((before, seen))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for number in range(1, 40):
            session.send(Prompt(str(number)))
            sent.append(number)
            session.step()
    finally:
        done.set()
        thread.join()
    assert not missed
