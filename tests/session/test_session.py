"""A session: what is sent to it, in which order it takes effect, and what a preset plays."""

import threading

import pytest

import studio
from session.playing import SEVERAL, drag, play
from studio.controls import ControlError, Erase, Pause, Prompt, Sampling, strokes
from studio.presets import Preset
from studio.score import Event
from studio.session import Session
from studio.session.inbox import Inbox


def test_a_control_takes_effect_in_the_next_frame_and_is_receipted(model):
    session = Session(model)
    session.step()
    revision = session.send(Prompt("winter"))
    frame = session.step()
    assert frame.revision == revision
    receipt = session.receipts[-1]
    assert (receipt.revision, receipt.kind, receipt.frame) == (revision, "prompt", frame.index)


def test_of_one_slot_the_latest_value_wins_and_the_others_leave_no_trace(model):
    session, once = Session(model), Session(model)
    for scale in (1.2, 1.4, 1.9):
        last = session.send(Sampling(guidance="self", scale=scale))
    once.send(Sampling(guidance="self", scale=1.9))
    assert [receipt.revision for receipt in session.receipts] == []
    assert session.step().hash == once.step().hash
    assert [receipt.revision for receipt in session.receipts] == [last]
    assert session.engine.state[Sampling].scale == 1.9


def test_strokes_of_different_ids_do_not_overwrite_each_other(model):
    session = Session(model)
    for control in (drag(0.1, "a"), drag(0.2, "b"), drag(0.3, "a")):
        session.send(control)
    session.step()
    places = {id: stroke.points[-1][1] for id, (stroke, _) in strokes(session.engine.state).items()}
    assert places == {"a": 0.3, "b": 0.2}


def test_an_erasure_of_all_takes_what_was_sent_before_it_and_not_what_came_after(model):
    session = Session(model)
    for control in (drag(0.1, "a"), drag(0.2, "b"), Erase("*"), drag(0.3, "a")):
        session.send(control)
    session.step()
    assert list(strokes(session.engine.state)) == ["a"]


def test_what_is_no_control_is_told_to_the_sender_and_the_stream_goes_on(model):
    session, other = Session(model), Session(model)
    for nonsense in ({"kind": "prompt", "text": "a"}, None, "winter"):
        with pytest.raises(ControlError, match="a session is sent controls such as Prompt or Stroke"):
            session.send(nonsense)
    assert play(session, 3) == play(other, 3)


def test_two_sessions_on_one_model_are_each_as_if_alone_bit_for_bit(model):
    def solo(seed):
        session = Session(model)
        session.send(Sampling(seed))
        return play(session, 20, SEVERAL)

    one, other = Session(model), Session(model, sampler="stream")
    one.send(Sampling(1))
    other.send(Sampling(2))
    made = [(play(one, 1, SEVERAL)[0], play(other, 1, SEVERAL)[0]) for _ in range(20)]
    assert [first for first, _ in made] == solo(1)
    assert [second for _, second in made] == solo(2)


def test_two_sessions_on_threads_of_their_own_are_each_as_if_alone(model):
    def solo(seed):
        session = Session(model)
        session.send(Sampling(seed))
        return play(session, 30)

    made = {}

    def on_a_thread(seed):
        made[seed] = solo(seed)

    threads = [threading.Thread(target=on_a_thread, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == {1: solo(1), 2: solo(2)}


def test_paused_there_are_no_frames_and_what_is_sent_waits(model):
    session, other = Session(model), Session(model)
    assert play(session, 3) == play(other, 3)
    session.send(Pause())
    session.send(Prompt("winter"))
    assert session.step() is None
    assert session.step() is None
    assert session.engine.state[Prompt].text != "winter"
    assert session.stats["paused"]
    session.send(Pause(False))
    other.send(Prompt("winter"))
    assert play(session, 3) == play(other, 3)


def test_a_preset_takes_strokes_away_and_plays_its_later_controls_at_their_frames(model):
    session = Session(model)
    session.send(drag(0.5, "old"))
    play(session, 5)
    preset = Preset("p", "d", (Event(0, Prompt("winter")), Event(0, drag(0.2, "new")), Event(3, Prompt("spring"))))
    revision = session.play(preset)
    frame = session.step()
    assert frame.revision == revision
    assert list(strokes(session.engine.state)) == ["new"]
    prompts = [(event.frame, event.control.text) for event in session.score.events if isinstance(event.control, Prompt)]
    play(session, 4)
    prompts = [(event.frame, event.control.text) for event in session.score.events if isinstance(event.control, Prompt)]
    assert prompts[1:] == [(5, "winter"), (8, "spring")]


def test_what_a_person_sends_is_not_undone_by_a_presets_later_controls(model):
    session = Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("winter")), Event(3, Prompt("spring")), Event(3, drag(0.2, "new")))))
    play(session, 1)
    session.send(Prompt("autumn"))
    play(session, 4)
    assert session.engine.state[Prompt].text == "autumn"
    assert list(strokes(session.engine.state)) == ["new"]


def test_open_makes_a_session_with_prompt_and_seed(model):
    session = studio.open(model, prompt="winter", seed=7)
    session.step()
    assert session.engine.state[Prompt].text == "winter"
    assert session.engine.state[Sampling].seed == 7


def test_an_unknown_model_and_an_impossible_size_are_told(model):
    with pytest.raises(ValueError, match="no model is called 'poket'; there are: pocket"):
        studio.open("poket")
    with pytest.raises(ValueError, match=r"tiny makes \(32, 32\), not \(64, 64\) .*leave size out"):
        Session(model, size=(64, 64))


def test_what_a_person_sends_while_paused_is_not_undone_by_what_a_preset_still_plays(model):
    session = Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("winter")), Event(1, Prompt("spring")))))
    play(session, 1)
    session.send(Pause())
    assert session.step() is None
    session.send(Prompt("autumn"))
    session.send(Pause(False))
    play(session, 3)
    assert session.engine.state[Prompt].text == "autumn"


def test_the_pending_state_is_what_the_next_frame_is_made_under(model):
    session = Session(model)
    play(session, 3)
    for control in (Prompt("winter"), drag(0.3, "a"), drag(0.4, "b"), Erase("a")):
        session.send(control)
    pending = session.pending_state()
    assert pending[Prompt].text == "winter"
    assert list(strokes(pending)) == ["b"]
    assert session.engine.state[Prompt].text != "winter"
    session.step()
    assert session.engine.state.slots == pending.slots == session.pending_state().slots


@pytest.mark.timeout(60)
def test_who_waits_for_something_new_does_not_wait_if_it_is_there_and_wakes_when_it_comes():
    inbox = Inbox()
    waiting = threading.Thread(target=inbox.wait_for_new, args=(10_000,), daemon=True)
    waiting.start()
    inbox.put(Prompt("winter"))
    waiting.join(30)
    assert not waiting.is_alive()
    inbox.wait_for_new(10_000)


def test_new_words_are_read_when_they_are_sent_and_not_when_a_frame_is_drawn(model, still):
    session, read = Session(model), []
    for each in (model, still):
        prepare = each.prepare
        each.prepare = lambda text, *loras, name=each.name, prepare=prepare: (
            read.append((name, text)) or prepare(text, *loras)
        )
    session.send(Prompt("winter", negative="fog"))
    assert read == [("tiny", "winter"), ("tiny", "fog")]
    read.clear()
    session.play(Preset("p", "d", (Event(0, Prompt("spring")), Event(30, Prompt("summer")))))
    assert read == [("tiny", "spring"), ("tiny", "summer")]
    session.step()
    read.clear()
    session.hand_over(still)
    assert {("still", "spring"), ("still", "summer")} <= set(read), "what is in force, and what a preset will send"
