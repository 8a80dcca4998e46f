"""A take edited: functions from a score to a score. None touches its argument, so undo is to keep the one before.

Frames stay whole: an event is never before the start, events stay in order, and what was in force at the start stays
there. What was edited is another film: it has no digest. One that begins in mid-play begins there still, unless it is
trimmed. `edit_list` reads edits from a page's messages.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from studio.controls import CONTROLS, Control, ControlError, ControlState, Prompt, Stroke, opening_events
from studio.controls.base import shown
from studio.controls.messages import from_message, to_message
from studio.controls.prompt import BLENDS
from studio.controls.stroke import LONGEST_BEGUN, LONGEST_PATH
from studio.score.events import Event
from studio.score.format import MAX_FRAME, Score, ScoreError

MOST_FRAMES = 1_000_000  # eleven hours at 24 a second
MOST_EVENTS = 200_000
MOST_LOOPS = 100


class EditError(ScoreError):
    """An edit that cannot be: says what is possible."""


def move(score: Score, events: Collection[int], by: int) -> Score:
    """Move events, by their places in the score, some frames later, or earlier where `by` is negative.

    They move together and stop at the take's ends: the second frame, as what is in force at the start has been set
    before, and the last; of what is set at one frame they come last. Raises EditError for what is in force at the
    start.
    """
    chosen = chosen_events(score, events)
    start, last = score.header.start, end_of(score) - 1
    if any(event.frame <= start for event in chosen):
        raise EditError(
            f"what is in force at the take's start stays at frame {start}; change it there, or delete it and insert "
            "another later"
        )
    frames = [event.frame for event in chosen]
    by = min(max(by, start + 1 - min(frames)), last - max(frames))
    others = [event for place, event in enumerate(score.events) if place not in set(events)]
    moved = [replace(score.events[place], frame=score.events[place].frame + by) for place in sorted(set(events))]
    return edited(score, [*others, *moved])


def delete(score: Score, events: Collection[int]) -> Score:
    """Take events out, by their places in the score."""
    chosen_events(score, events)
    places = set(events)
    return edited(score, [event for place, event in enumerate(score.events) if place not in places])


def insert(score: Score, frame: int, control: Control) -> Score:
    """Set a control at a frame of the take; at its first one it is in force from the beginning."""
    check_frame(score, frame)
    return edited(score, [*score.events, Event(frame, control)])


def change(score: Score, events: Collection[int], values: Mapping[str, Any]) -> Score:
    """Give events other values, by the names of their controls' fields: the words of a prompt, a slider's number.

    Raises EditError, with the fields there are, for one that a control has not, or a value that it cannot have.
    """
    chosen_events(score, events)
    places = set(events)
    return edited(
        score,
        [
            replace(event, control=changed(event.control, values)) if place in places else event
            for place, event in enumerate(score.events)
        ],
    )


def changed(control: Control, values: Mapping[str, Any]) -> Control:
    """Give a control with other values; raises EditError for what it cannot have."""
    try:
        return from_message({**to_message(control), **values, "kind": control.kind})
    except ControlError as error:
        raise EditError(str(error)) from error


def retime(score: Score, first: int, last: int, frames: int) -> Score:
    """Make the part from frame `first` to before `last` so many frames long; what comes after it moves along.

    Paths that are set in it are walked, and prompts blended, slower or faster by as much.
    """
    check_part(score, first, last)
    check_length(score, frames, "the part")
    share, moved = frames / (last - first), frames - (last - first)

    def at(event: Event) -> Event:
        if event.frame <= score.header.start or event.frame < first:
            return event
        if event.frame >= last:
            return replace(event, frame=event.frame + moved)
        frame = first + min(frames - 1, round((event.frame - first) * share))
        return Event(max(score.header.start + 1, frame), stretched(event.control, share))

    return edited(score, [at(event) for event in score.events], end_of(score) + moved)


def stretched(control: Control, share: float) -> Control:
    """Give a control that takes longer, by a factor: a path's times, a prompt's blend."""
    if isinstance(control, Stroke) and control.mode == "path":
        if max(control.points[-1][0], control.delay) * share > LONGEST_PATH:
            raise EditError(f"a path would take more than {LONGEST_PATH:g} frames; make the part shorter")
        begun = control.begun and min(LONGEST_BEGUN, control.begun * share)
        points = tuple((t * share, x, y) for t, x, y in control.points)
        return replace(control, points=points, delay=control.delay * share, begun=begun)
    if isinstance(control, Prompt):
        return replace(control, blend=min(BLENDS[1], round(control.blend * share)))
    return control


def loop(score: Score, first: int, last: int, times: int) -> Score:
    """Play the part from frame `first` to before `last` so many times in all; what comes after it moves along.

    Each time begins under what was in force at `first`; paths that were under way go on from where they were.
    """
    check_part(score, first, last)
    if not 1 <= times <= MOST_LOOPS:
        raise EditError(f"the part is to be played {shown(times)} times; possible: 1 to {MOST_LOOPS}")
    span, before, after = last - first, state_before(score, first), state_before(score, last)
    inside = [event for event in score.events if first <= event.frame < last and event.frame > score.header.start]
    again = [event for event in inside if event.frame == first]
    back = [Event(first, one) for one in between(after, before, last, first)]
    rounds = [
        replace(event, frame=event.frame + number * span)
        for number in range(1, times)
        for event in (*back, *again, *inside[len(again) :])
    ]
    moved = (times - 1) * span
    later = [replace(event, frame=event.frame + moved) for event in score.events if event.frame >= last]
    kept = [event for event in score.events if event.frame < last]
    return edited(score, [*kept, *rounds, *later], end_of(score) + moved)


def trim(score: Score, first: int, last: int) -> Score:
    """Keep the part from frame `first` to before `last`. It begins clean, under what is in force there.

    At the start it begins as the take does.
    """
    check_part(score, first, last)
    start = score.header.start
    if first <= start:
        return edited(score, [event for event in score.events if event.frame < last], last)
    opening = [Event(at, control) for at, control in opening_events(state_before(score, first), first)]
    inside = [event for event in score.events if first <= event.frame < last]
    header = replace(score.header, start=first, clean=True)
    return edited(Score(header, []), [*opening, *inside], last)


def join(score: Score, other: Score) -> Score:
    """Put another take of the same model at the end of one. Where it began clean, a new shot begins; the past stays.

    Raises EditError for takes of two models.
    """
    ours, theirs = score.header, other.header
    if (ours.model, ours.width, ours.height) != (theirs.model, theirs.width, theirs.height):
        raise EditError(
            f"one take is of {ours.model} at {ours.width}x{ours.height}, the other of {theirs.model} at "
            f"{theirs.width}x{theirs.height}; a take is of one model: open one of them on the other's, and keep that"
        )
    end = end_of(score)
    before, after = state_before(score, end), other.opening()
    turn = [Event(end, one) for one in between(before, after, end, theirs.start)]
    if not other.snapshot:
        turn = [replace(event, control=as_cut(event.control)) for event in turn]
    later = [
        replace(event, frame=event.frame + end - theirs.start) for event in other.events if event.frame > theirs.start
    ]
    return edited(score, [*score.events, *turn, *later], end + other.length)


def as_cut(control: Control) -> Control:
    """Give a prompt as the beginning of a new shot; any other control as it is."""
    return replace(control, switch="cut", blend=0) if isinstance(control, Prompt) else control


# What all of them go by


def end_of(score: Score) -> int:
    """Give the number of the frame after the last."""
    return score.header.start + score.length


def edited(score: Score, events: Sequence[Event], end: int | None = None) -> Score:
    """Give the score with other events, in order, to before the frame `end`; what comes later is left out."""
    end = end_of(score) if end is None else end
    start = score.header.start
    check_length(score, end - start, "the take")
    if len(events) > MOST_EVENTS:
        raise EditError(f"the take would have {len(events)} events; {MOST_EVENTS} are possible: loop it fewer times")
    opening = [event for event in events if event.frame <= start]
    later = sorted((event for event in events if start < event.frame < end), key=lambda event: event.frame)
    header = replace(score.header, frames=end - start, digest="")
    return Score(header, [*opening, *later], score.snapshot)


def state_before(score: Score, frame: int) -> ControlState:
    """Give the controls in force before what is set at a frame; at the start, what the take begins with."""
    state = score.opening()
    for event in score.events:
        if score.header.start < event.frame < frame:
            state = state.after(event.control, event.frame)
    return state.at(frame)


def between(here: ControlState, there: ControlState, now: int, then: int) -> list[Control]:
    """Give what is to be set at frame `now`, where `here` is in force, to have what was in force `there`, at `then`."""
    wanted, has = settings(there, then), settings(here, now)
    gone = [emptied(control) for slot, control in has.items() if slot not in wanted]
    return [*gone, *(control for slot, control in wanted.items() if has.get(slot) != control)]


def settings(state: ControlState, frame: int) -> dict[Hashable, Control]:
    """Give, by slot, what would bring a take to go on from a frame as it is under a state; what blends in is in."""
    held = (resumed(control, frame - since) for since, control in opening_events(state, frame))
    return {control.slot: control for control in held} | {Prompt.kind: replace(state[Prompt], blend=0)}


def resumed(control: Control, elapsed: int) -> Control:
    """Give a control as it goes on when it has been in force for some frames: a path with as much of its time over.

    A drag is where it is: how the hand took hold of it is past.
    """
    if not isinstance(control, Stroke):
        return control
    begun = min(LONGEST_BEGUN, (control.begun or 0.0) + max(0, elapsed)) if control.mode == "path" else 0.0
    return replace(control, begun=begun, grab=(), lead=())


def emptied(control: Control) -> Control:
    """Give what leaves a control's slot empty."""
    if not control.slot_field:
        initial = control.initial()
        assert initial is not None
        return initial
    for kind in CONTROLS.values():
        if kind.clears == control.kind:
            return kind.from_message({kind.slot_field: getattr(control, control.slot_field)})
    return replace(control, **dict(control.absent))


def chosen_events(score: Score, events: Collection[int]) -> list[Event]:
    """Give the events of some places; raises EditError where there is none."""
    count = len(score.events)
    if not events:
        raise EditError("no event is named; give the places of one or more")
    for place in events:
        if not 0 <= place < count:
            raise EditError(f"event {shown(place)} is not there; the take has {count}, from 0")
    return [score.events[place] for place in events]


def check_frame(score: Score, frame: int) -> None:
    """Raise EditError for a frame that the take has not."""
    start, last = score.header.start, end_of(score) - 1
    if not start <= frame <= last:
        raise EditError(f"frame {shown(frame)} is not in the take; it has {start} to {last}")


def check_part(score: Score, first: int, last: int) -> None:
    """Raise EditError unless the take has a part from `first` to before `last`."""
    start, end = score.header.start, end_of(score)
    if not start <= first < last <= end:
        raise EditError(
            f"there is no part from frame {shown(first)} to {shown(last)}; the take goes from {start} to {end}"
        )


def check_length(score: Score, frames: int, what: str) -> None:
    """Raise EditError for a length that no take has."""
    most = min(MOST_FRAMES, MAX_FRAME - score.header.start)
    if not 1 <= frames <= most:
        raise EditError(f"{what} would be {shown(frames)} frames long; possible: 1 to {most}")
