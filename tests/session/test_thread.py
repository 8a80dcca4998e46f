"""A session on its thread: the same frames, whose turn it is, its rate, and how it ends."""

import errno
import threading
import time
from queue import Queue

import pytest
from tiny.pictures import flat

from session.playing import Each, play
from studio.controls import Pause, Picture, Sampling, Similarity
from studio.outputs.latest import Latest
from studio.session import Session
from studio.session.turn import Turn


def test_on_its_thread_a_session_makes_the_same_frames(model):
    session, other = Session(model), Session(model)
    latest = Latest()
    session.outputs.append(latest)
    session.start()
    serial, frame = 0, None
    while frame is None or frame.index < 10:
        serial, frame = latest.read(serial, timeout=20)
    session.stop()
    assert not session.running
    assert session.stats["fps"] > 0
    assert play(other, frame.index + 1)[-1] == frame.hash


def test_a_paused_thread_wakes_at_the_message(model):
    session, latest = Session(model), Latest()
    session.outputs.append(latest)
    session.send(Pause())
    session.start()
    assert latest.read(0, timeout=0.2) is None
    session.send(Pause(False))
    assert latest.read(0, timeout=20) is not None
    session.stop()


def test_a_turn_goes_to_who_waited_first():
    turn, order = Turn(), []

    def waiter():
        with turn:
            order.append("waiter")

    thread = threading.Thread(target=waiter)
    with turn:
        thread.start()
        while not turn._door.locked():
            time.sleep(0.001)
    with turn:
        order.append("greedy")
    thread.join(20)
    assert order == ["waiter", "greedy"]


def test_other_threads_get_their_turn_while_the_session_runs(model):
    session = Session(model)
    session.start()
    for _ in range(5):
        session.record()
        session.stop_recording()
        session.reset()
        session.snapshot()
    session.stop()


def test_the_rate_can_be_held_down(model):
    session = Session(model)
    begun = time.perf_counter()
    session.start(fps=20)
    time.sleep(0.5)
    session.stop()
    # However busy the machine is, there are never more than the time allows.
    assert 1 <= session.engine.frame <= 20 * (time.perf_counter() - begun) + 2
    with pytest.raises(ValueError, match="fps is 0; give a number above 0"):
        session.start(fps=0)


def test_our_own_mistake_stops_the_thread_and_is_raised_at_stop(model, caplog):
    session = Session(model)
    session.step()
    model.denoise = lambda *_: 1 / 0
    session.start()
    while session.running:
        time.sleep(0.01)
    assert "division" in session.stats["error"]
    with pytest.raises(ZeroDivisionError):
        session.stop()
    session.stop()


def test_an_output_whose_file_cannot_be_written_is_left_and_the_stream_goes_on(model, caplog):
    class Full:
        def put(self, frame):
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self):
            raise AssertionError("is left already")

    session, latest = Session(model), Latest()
    session.outputs += [Full(), latest]
    play(session, 3)
    assert session.outputs == [latest]
    assert latest.serial == 3
    assert caplog.text.count("Full takes no more frames") == 1
    session.close()


def test_a_thread_that_skips_waits_and_wakes_for_a_new_picture(still):
    session, seen = Session(still), Queue()
    session.outputs.append(Each(seen.put))
    session._pace.tick_ms.append(60_000.0)  # as if drawing took a minute: it would wait its longest
    for control in (Similarity(0.1, most=1000), Sampling(steps=1), Picture(flat(9))):
        session.send(control)
    session.start()
    while not seen.get(timeout=60).skipped:
        pass
    begun, before = time.perf_counter(), session.engine.frame
    time.sleep(0.5)
    # However busy the machine is, it never steps more often than the waits allow.
    assert session.engine.frame - before <= (time.perf_counter() - begun) / 0.005 + 2
    session.send(Picture(flat(250)))
    while seen.get(timeout=60).skipped:
        pass
    session.stop()


def test_a_thread_that_is_still_ending_with_an_error_is_followed_by_another(model, monkeypatch):
    session, ending, seen = Session(model), threading.Event(), Queue()
    step, session.step = session.step, lambda: 1 / 0
    monkeypatch.setattr("studio.session.runner.log.exception", lambda *_: ending.set() or time.sleep(0.3))
    session.start()
    assert ending.wait(60)
    session.step = step
    session.outputs.append(Each(seen.put))
    session.start()
    assert seen.get(timeout=60).index == 0
    session.stop()
