import errno
import threading
import time
from dataclasses import replace
from queue import Queue

import pytest
from picture_nets import PictureModel, flat, noisy

import studio
from studio.controls import ControlError, Erase, Pause, Picture, Prompt, Sampling, Similarity, Stroke, strokes
from studio.outputs.latest import Latest
from studio.presets import Preset
from studio.score import Event, Score, ScoreError, replay
from studio.session import Session
from studio.session.inbox import Inbox
from studio.session.turn import Turn

SEVERAL = [
    (2, Stroke("a", "fox", ((0, 0.1, 0.5), (9, 0.9, 0.5)), "path")),
    (4, Prompt("winter")),
    (6, Sampling(3, "self", 1.5, 3)),
    (9, Stroke("b", "cow", ((0, 0.5, 0.2),))),
    (11, Erase("a")),
]


def drag(x, id="a"):
    return Stroke(id, "fox", ((0, x, 0.5),))


class Each:
    """An output that misses no frame."""

    def __init__(self, put):
        self.put = put

    def close(self):
        pass


def play(session, frames, events=()):
    """The hashes of some frames, each event sent before its frame."""
    made = []
    for _ in range(frames):
        for frame, control in events:
            if frame == session.engine.frame:
                session.send(control)
        made.append(session.step().hash)
    return made


def replayed(score, model):
    return [frame.hash for frame in replay(score, model)]


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


def test_the_score_of_a_session_replays_bit_for_bit(model):
    session = Session(model)
    made = play(session, 15, SEVERAL)
    assert session.score.length == 15
    assert replayed(session.score, model) == made


def test_a_score_that_was_written_and_read_replays_bit_for_bit(model, tmp_path):
    session = Session(model, sampler="rollout")
    made = play(session, 15, SEVERAL)
    assert replayed(Score.read(session.score.write(tmp_path / "take.jsonl")), model) == made


def test_a_take_begins_where_the_session_is_and_replays_from_its_own_first_frame(model, tmp_path):
    session = Session(model)
    # Under way when the take begins: a path, two drags that have turned, two strokes in another order than painted.
    play(session, 13, [*SEVERAL[:4], (10, drag(0.6, "c")), (11, drag(0.4, "c")), (12, drag(0.41, "b"))])
    assert session.record(tmp_path / "take.jsonl") == 13
    made = play(session, 14, [(15, Prompt("spring")), (16, drag(0.7, "c")), (17, Erase("*"))])
    score = session.stop_recording()
    assert (score.header.start, score.header.frames) == (13, 14)
    assert Score.read(tmp_path / "take.jsonl") == score
    assert replayed(score, model) == made


def test_pausing_while_recording_changes_no_frame_of_the_replay(model):
    session = Session(model)
    session.record()
    made = play(session, 3)
    session.send(Pause())
    assert session.step() is None
    session.send(Pause(False))
    made += play(session, 3, [(3, Prompt("winter"))])
    assert replayed(session.stop_recording(), model) == made


def test_a_recording_that_was_cut_off_is_all_on_disk(model, tmp_path):
    session = Session(model)
    session.record(tmp_path / "take.jsonl")
    made = play(session, 12, SEVERAL)
    # No stop_recording: the process died here.
    assert replayed(Score.read(tmp_path / "take.jsonl"), model) == made[:12]


def test_a_full_disk_while_recording_stops_neither_the_session_nor_the_take(model, tmp_path, monkeypatch, caplog):
    session = Session(model)
    session.record(tmp_path / "take.jsonl")
    made = play(session, 3)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("studio.score.ScoreWriter._append", full)
    made += play(session, 12, [(frame + 3, control) for frame, control in SEVERAL])
    assert "No space left on device" in session.stats["problem"]
    assert len(caplog.records) == 1
    score = session.stop_recording()
    assert replayed(score, model) == made
    assert Score.read(tmp_path / "take.jsonl") == score


def test_stopping_a_recording_that_was_not_begun_is_told(model):
    with pytest.raises(RuntimeError, match=r"nothing is being recorded; call record\(\) first"):
        Session(model).stop_recording()


def test_closing_finishes_what_is_being_recorded(model, tmp_path):
    with Session(model) as session:
        session.record(tmp_path / "take.jsonl")
        play(session, 3)
    assert Score.read(tmp_path / "take.jsonl").header.frames == 3


def test_a_reset_goes_back_to_frame_0_with_the_controls_and_another_seed(model):
    session = Session(model)
    play(session, 12, SEVERAL)
    session.send(Prompt("spring"))
    session.reset(seed=9)
    made = play(session, 6)
    assert session.engine.state[Prompt].text == "spring"
    assert session.engine.state[Sampling] == Sampling(9, "self", 1.5, 3)
    assert session.score.header.start == 0
    assert replayed(session.score, model) == made
    session.reset()
    assert play(session, 6) == made


def test_from_a_snapshot_the_session_goes_on_and_its_score_is_that_of_the_branch(model):
    session = Session(model)
    play(session, 6, SEVERAL)
    state = session.snapshot()
    left = play(session, 9, SEVERAL)
    session.restore(state)
    assert play(session, 9, SEVERAL) == left
    session.restore(state)
    right = play(session, 5, [(7, Prompt("autumn"))])
    assert right != left[:5]
    assert replayed(session.score, model)[6:] == right


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


# Pictures, and another model


@pytest.fixture
def still():
    return PictureModel()


CAMERA = [
    (0, Sampling(steps=3)),
    (2, Picture(noisy(1))),
    (3, Similarity(0.1, most=4)),
    (4, Picture(noisy(2))),
    (11, Picture(noisy(3))),
    (12, Prompt("winter", blend=3)),
    (13, Sampling(3, "initialize", 1.5, 2)),
    (15, Picture(noisy(4))),
]


def pictures_of(score):
    return [event.control for event in score.events if isinstance(event.control, Picture)]


def test_a_recorded_take_with_pictures_replays_bit_for_bit_from_its_file(still, tmp_path):
    session = Session(still)
    play(session, 3, CAMERA)
    session.record(tmp_path / "take.jsonl")
    made = play(session, 17, CAMERA)
    score = session.stop_recording()
    assert len(pictures_of(score)) == 4
    assert Score.read(tmp_path / "take.jsonl") == score
    assert replayed(Score.read(tmp_path / "take.jsonl"), still) == made


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_frames_that_were_skipped_are_skipped_again_in_the_replay(still, sampler):
    session = Session(still, sampler=sampler)
    session.record()
    frames = []
    for number in range(25):
        for frame, control in CAMERA:
            if frame == number:
                session.send(control)
        frames.append(session.step())
    again = list(replay(session.stop_recording(), still))
    assert [frame.hash for frame in again] == [frame.hash for frame in frames]
    assert [frame.skipped for frame in again] == [frame.skipped for frame in frames]
    assert {frame.skipped for frame in frames} == {True, False}


def test_a_session_that_is_not_recording_keeps_only_the_newest_picture(still):
    session = Session(still)
    play(session, 20, CAMERA)
    assert pictures_of(session.score) == [Picture(noisy(4))]
    assert [event.control for event in session.score.events if isinstance(event.control, Prompt)][-1].text == "winter"
    session.record()
    play(session, 3, [(20, Picture(noisy(5))), (21, Picture(noisy(6)))])
    assert pictures_of(session.stop_recording()) == [Picture(noisy(number)) for number in (4, 5, 6)]
    assert pictures_of(session.score) == [Picture(noisy(6))]


def test_a_branch_of_a_stream_of_pictures_goes_on_bit_for_bit(still):
    session = Session(still)
    play(session, 6, CAMERA)
    state = session.snapshot()
    left = play(session, 12, CAMERA)
    session.restore(state)
    assert play(session, 12, CAMERA) == left
    other = Session(still)
    other.restore(state)
    assert play(other, 12, CAMERA) == left


def test_a_branch_has_the_controls_that_its_preset_had_still_to_play(model):
    """What `restore` forgets, nobody sends again: the later controls of a preset come at their frames."""
    session = Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("winter")), Event(4, Prompt("spring")), Event(6, drag(0.2, "new")))))
    play(session, 2)
    state = session.snapshot()
    left = play(session, 8)
    assert session.engine.state[Prompt].text == "spring"
    session.restore(state)
    assert session.engine.state[Prompt].text == "winter"
    assert play(session, 8) == left
    assert list(strokes(session.engine.state)) == ["new"]
    other = Session(model)
    other.restore(state)
    assert play(other, 8) == left
    assert [event.frame for event in other.score.events if event.frame] == [4, 6]


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


def test_a_snapshot_of_another_model_is_refused(model, still):
    state = Session(model).snapshot()
    with pytest.raises(ValueError, match="the snapshot is of tiny; hand over to it, then restore"):
        Session(still).restore(state)


def test_the_digest_is_that_of_the_frames_it_was_made_of_and_goes_when_more_are_played(model):
    session = Session(model)
    session.record()
    play(session, 3)
    assert session.stop_recording().header.digest
    play(session, 2)
    assert (session.score.header.frames, session.score.header.digest) == (5, "")


def test_a_picture_that_cannot_be_decoded_is_told_to_the_sender_and_the_stream_keeps_the_one_it_had(still):
    session, other = Session(still), Session(still)
    for one in (session, other):
        one.send(Picture(flat(80)))
        one.step()
    with pytest.raises(ControlError, match="cannot be decoded"):
        session.send(Picture(flat(200)[:50]))
    assert play(session, 3) == play(other, 3)


def test_how_many_frames_were_skipped_lately_is_told(still):
    session = Session(still)
    assert session.stats["skip_rate"] == 0
    session.send(Similarity(0.1, most=1000))
    session.send(Sampling(steps=1))
    play(session, 4)
    assert session.stats["skip_rate"] == 0.75
    drawn = session.stats["tick_ms"]
    play(session, 40)
    assert session.stats["skip_rate"] == 1
    assert session.stats["tick_ms"] == drawn


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


def test_a_session_goes_on_with_another_model_under_what_that_takes(model, still):
    session = Session(model)
    play(session, 7, SEVERAL)
    still.capabilities = replace(still.capabilities, refuses={"stroke": "it draws from words"})
    session.send(Prompt("autumn"))
    session.send(drag(0.5, "late"))
    refused = session.hand_over(still)
    assert refused == {"stroke": "still takes no stroke: it draws from words"}
    frame = session.step()
    assert (frame.index, frame.picture.shape) == (7, (64, 64, 3))
    assert session.model is still
    assert session.engine.state[Prompt].text == "autumn"
    assert session.engine.state[Sampling].steps == 3
    assert not strokes(session.engine.state)
    assert session.receipts[-1].frame == 7
    with pytest.raises(ControlError, match="it draws from words"):
        session.send(drag(0.5))


def test_after_a_hand_over_a_new_take_begins_that_replays_on_the_new_model(model, still, tmp_path):
    session = Session(model)
    session.record(tmp_path / "first.jsonl")
    first = play(session, 5, SEVERAL)
    revision = session.send(Prompt("winter"))
    session.hand_over(still)
    assert not session.recording
    assert replayed(Score.read(tmp_path / "first.jsonl"), model) == first
    made = [session.step()]
    assert made[0].revision == revision
    made += [session.step() for _ in range(4)]
    assert session.score.header.model == "still"
    assert (session.score.header.start, session.score.header.frames) == (5, 5)
    assert replayed(session.score, still) == [frame.hash for frame in made]
    session.hand_over(model)
    assert session.step().index == 10


def test_a_model_that_cannot_play_leaves_the_session_as_it_was(model, still):
    session, other = Session(model), Session(model)
    play(session, 3), play(other, 3)

    def broken(text, loras=None):
        raise RuntimeError("no text encoder")

    still.prepare = broken
    with pytest.raises(RuntimeError, match="no text encoder"):
        session.hand_over(still)
    assert session.model is model
    assert play(session, 3) == play(other, 3)


def test_a_preset_that_is_playing_goes_on_with_what_the_new_model_takes(model, still):
    still.capabilities = replace(still.capabilities, refuses={"stroke": "it draws from words"})
    session = Session(model)
    session.play(Preset("p", "d", (Event(0, Prompt("winter")), Event(3, Prompt("spring")), Event(3, drag(0.2)))))
    play(session, 1)
    session.hand_over(still)
    play(session, 4)
    assert session.engine.state[Prompt].text == "spring"
    assert not strokes(session.engine.state)


def test_what_is_sent_while_a_session_is_handed_over_is_checked_for_the_model_that_plays_it(model, still):
    still.capabilities = replace(still.capabilities, refuses={"stroke": "it draws from words"})
    session = Session(model)
    check = session.engine.check

    def late(control):
        """The hand-over comes between the check and the inbox."""
        check(control)
        session.hand_over(still)

    session.engine.check = late
    with pytest.raises(ControlError, match="still takes no stroke"):
        session.send(drag(0.5))
    session.step()
    assert not strokes(session.engine.state)


def test_a_paused_session_stays_paused_with_another_model(model, still):
    session = Session(model)
    play(session, 2)
    session.send(Pause())
    assert session.step() is None
    session.hand_over(still)
    assert session.step() is None
    session.send(Pause(False))
    assert session.step().index == 2


def test_a_running_session_is_handed_over_between_two_frames(model, still):
    session, latest = Session(model), Latest()
    session.outputs.append(latest)
    session.start()
    serial, frame = latest.read(0, timeout=60)
    session.hand_over(still)
    while frame.picture.shape != (64, 64, 3):
        index = frame.index
        serial, frame = latest.read(serial, timeout=60)
        assert frame.index > index
    session.stop()


def test_another_model_is_played_by_its_own_sampler_with_its_own_steps_unless_a_person_chose_others(model, still):
    still.capabilities = replace(still.capabilities, sampler="rollout", steps=4)
    session = Session(model)
    session.hand_over(still)
    assert (session.engine.sampler_name, session.engine.state[Sampling].steps) == ("rollout", 4)
    session.send(Sampling(steps=3))
    session.hand_over(model)
    assert (session.engine.sampler_name, session.engine.state[Sampling].steps) == ("stream", 3)
    session.step()


def test_a_take_whose_picture_was_damaged_says_at_which_frame(still):
    session = Session(still)
    session.record()
    play(session, 6, [(3, Picture(flat(80)))])
    score = session.stop_recording()
    score.events[-1] = Event(3, Picture(flat(80)[:50]))
    frames = replay(score, still)
    assert [next(frames).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ScoreError, match=r"cannot be played at frame 3: .*cannot be decoded.*take out its line"):
        next(frames)


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
