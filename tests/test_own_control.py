"""A control that somebody adds is a file and a line in `CONTROLS`: everything else finds it there."""

import asyncio
import json
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import gradio as gr
import pytest
from tiny.model import TinyModel
from ui_stand_ins import StandIn

from studio.controls import (
    CONTROLS,
    Control,
    ControlState,
    Erase,
    Lora,
    Picture,
    Prompt,
    Stroke,
    describe,
    from_message,
    opening_events,
    state_message,
)
from studio.controls.base import check_choice, check_number, check_text, settle
from studio.controls.errors import ControlError
from studio.controls.widgets import Choice, Slider, Toggle, Widget
from studio.score import Score, replay
from studio.session import Session
from studio.ui.connection import Connection
from studio.ui.panel import needs_css, panel
from studio.ui.routes import WEB
from studio.ui.seat import Seat

AMOUNTS = (0.0, 1.0)
COLOURS = ("gold", "silver")


@dataclass(frozen=True)
class Sparkle(Control):
    """How much the picture sparkles."""

    amount: float = 0.0
    colour: str = "gold"
    kind: ClassVar[str] = "sparkle"
    widgets: ClassVar[tuple[Widget, ...]] = (
        Slider("amount", "How much it sparkles", limits=AMOUNTS, step=0.1, info="A little goes far."),
        Choice("colour", "Sparkles of", choices=COLOURS, advanced=True),
        Choice("colour", "The same beside the seed", section="sampling", order=15, choices=COLOURS),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            amount=check_number("sparkle amount", self.amount, *AMOUNTS),
            colour=check_choice("sparkle colour", self.colour, COLOURS),
        )


@dataclass(frozen=True)
class Sticker(Control):
    """A sticker on the picture, one for each name."""

    name: str
    turned: float = 1.0
    kind: ClassVar[str] = "sticker"
    slot_field: ClassVar[str] = "name"
    absent: ClassVar[dict[str, Any]] = {"turned": 0.0}
    timed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(
            self, name=check_text("sticker name", self.name, 1, 20), turned=check_number("turned", self.turned, 0, 9)
        )


@dataclass(frozen=True)
class Unstick(Control):
    """Takes a sticker away."""

    which: str
    kind: ClassVar[str] = "unstick"
    slot_field: ClassVar[str] = "which"
    clears: ClassVar[str] = "sticker"


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    for kind in (Sparkle, Sticker, Unstick):
        monkeypatch.setitem(CONTROLS, kind.kind, kind)


def components(**begun):
    """The panel's components by their ids, as Gradio's page is made of them."""
    with gr.Blocks() as page:
        panel({}, ControlState.of(*begun.values()))
    return {
        block["props"]["elem_id"]: block
        for block in page.get_config_file()["components"]
        if "elem_id" in block["props"]
    }


def test_the_panel_shows_it_in_its_own_words_and_limits():
    made = components(sparkle=Sparkle(0.5, "silver"))
    props = made["studio-amount"]["props"]
    assert made["studio-amount"]["type"] == "slider"
    assert (props["label"], props["info"], props["value"]) == ("How much it sparkles", "A little goes far.", 0.5)
    assert (props["minimum"], props["maximum"], props["step"]) == (0, 1, 0.1)
    assert props["elem_classes"] == ["needs-sparkle"]
    assert made["studio-colour"]["type"] == "radio"
    assert made["studio-colour"]["props"]["choices"] == [("Gold", "gold"), ("Silver", "silver")]
    assert made["studio-sparkle-colour"]["props"]["label"] in ("Sparkles of", "The same beside the seed")
    assert 'html[data-plays]:not([data-plays~="sparkle"]) :is(.needs-sparkle' in needs_css()


def test_its_widgets_stand_in_the_section_they_name_and_in_order():
    with gr.Blocks() as page:
        made = panel({}, ControlState())
    sampling = [
        (kind, field) for kind, field in made.fields if kind == "sampling" or (kind, field) == ("sparkle", "colour")
    ]
    assert sampling.index(("sampling", "seed")) + 1 == sampling.index(("sparkle", "colour"))
    assert made.fields[-2:] == [("sparkle", "amount"), ("sparkle", "colour")], "a section of its own comes last"
    assert page is not None


def test_a_connection_takes_it_and_tells_of_it(tmp_path):
    async def test():
        session = StandIn()
        connection = Connection(Seat(session, tmp_path), {})

        def told(type):
            return [message for message in map(json.loads, connection.drain()) if message["type"] == type]

        connection.send_hello()
        (hello,) = told("hello")
        assert "sparkle" in hello["plays"]
        (described,) = [kind for kind in hello["controls"] if kind["kind"] == "sparkle"]
        assert described["fields"] == ["amount", "colour"]
        assert described["initial"] == hello["state"]["sparkle"] == {"kind": "sparkle", "amount": 0.0, "colour": "gold"}
        assert described["widgets"][0] | {"type": "slider", "minimum": 0, "maximum": 1} == described["widgets"][0]
        assert hello["state"]["sticker"] == []
        for control in (
            {"kind": "sparkle", "amount": 0.7},
            {"kind": "sticker", "name": "star"},
            {"kind": "sparkle", "amount": 7},
        ):
            await connection.receive(json.dumps({"type": "control", "number": 3, "control": control}))
        messages = [json.loads(text) for text in connection.drain()]
        assert [message["type"] for message in messages if message["type"] in ("sent", "error")] == [
            "sent",
            "sent",
            "error",
        ]
        session.step()
        session.send(Prompt("from a notebook"))
        session.step()
        (state,) = told("state")
        assert state["state"]["sparkle"] == {"kind": "sparkle", "amount": 0.7, "colour": "gold"}
        assert state["state"]["sticker"] == [{"kind": "sticker", "name": "star", "turned": 1.0, "since": 0}]

    asyncio.run(test())


def test_a_score_holds_it_and_a_take_replays_with_it(tmp_path):
    model: Any = TinyModel()
    session = Session(model)
    session.send(Sparkle(0.3))
    session.send(Sticker("moon"))
    session.step()
    session.record(tmp_path / "take.jsonl")
    frames = [session.step() for _ in range(2)]
    session.send(Sparkle(0.9, "silver"))
    session.send(Unstick("*"))
    frames += [session.step() for _ in range(2)]
    session.stop_recording()
    score = Score.read(tmp_path / "take.jsonl")
    controls = [event.control for event in score.events]
    assert Sparkle(0.3) in controls, "what was in force begins the take"
    assert [Sparkle(0.9, "silver"), Unstick("*")] == controls[-2:]
    assert [frame.hash for frame in replay(score, model)] == [frame.hash for frame in frames if frame]


def test_it_folds_by_what_its_class_says():
    state = ControlState.of(Prompt("a lake"), Sticker("a"), Sticker("b", 2), Sparkle(0.4))
    assert list(state.all(Sticker)) == ["a", "b"]
    assert list(state.after(Sticker("a", 0), 1).all(Sticker)) == ["b"]
    assert list(state.after(Unstick("b"), 1).all(Sticker)) == ["a"]
    assert not state.after(Unstick("*"), 1).all(Sticker)
    assert state.after(Sparkle(), 1)[Sparkle] == Sparkle()
    assert state.after(Sticker("a", 3), 9).all(Sticker)["a"].frame == 9
    folded = ControlState()
    for frame, control in opening_events(state, 50):
        folded = folded.after(control, frame)
    assert folded == state


def test_every_kind_is_described_by_the_messages_it_reads():
    for described in json.loads(json.dumps(describe())):
        control = CONTROLS[described["kind"]]
        assert described["fields"] == [field.name for field in fields(control)]
        assert described["slot_field"] in ("", *described["fields"])
        assert described["clears"] in ("", *CONTROLS)
        assert set(described["absent"]) <= set(described["fields"])
        for widget in described["widgets"]:
            assert widget["field"] in ("", *described["fields"])
    (picture,) = [kind for kind in describe() if kind["kind"] == "picture"]
    assert not picture["undoable"]


def test_the_state_a_page_is_told_folds_to_the_state_it_is_told_of():
    state = ControlState.of(
        Prompt("a lake"),
        Lora("ink", 0.5),
        Stroke("a", "fox", ((0, 0.1, 0.2),)),
        Picture(b"\xff\xd8\xff a JPEG"),
        Sparkle(0.2),
    )
    message = json.loads(json.dumps(state_message(state)))
    assert message.pop("picture") == {"kind": "picture", "bytes": 10}, "a page knows the picture that it sent"
    assert "erase" not in message
    again = ControlState.of(state[Picture])
    for held in message.values():
        for one in held if isinstance(held, list) else [held]:
            again = again.after(
                from_message({name: value for name, value in one.items() if name != "since"}), one.get("since", 0)
            )
    assert again == state


def test_no_widget_offers_what_its_control_refuses():
    for kind in CONTROLS.values():
        for widget in kind.widgets:
            if isinstance(widget, Slider) and (initial := kind.initial()):
                for value in (widget.minimum, widget.maximum):
                    message = initial.to_message() | {widget.field: value}
                    assert getattr(from_message(message), widget.field) == value
            if isinstance(widget, Toggle):
                assert isinstance(getattr(kind.initial(), widget.field), bool)
    with pytest.raises(ControlError, match="show a part of"):
        Slider("amount", "Too wide", limits=(0, 1), shown=(0, 2), step=0.1)


# The page folds as the server does

NODE = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
PAGE = """
import { Controls } from CONTROLS_JS;
const read = [];
for await (const part of process.stdin) read.push(part);
const { kinds, state, sent } = JSON.parse(Buffer.concat(read));
const out = { sent: [], states: [], undone: [], redone: [] };
const controls = new Controls({
  ready: () => true, send: (control) => out.sent.push(control), play() {}, changed() {},
});
controls.describe(kinds);
controls.take(state);
const told = () => Object.fromEntries(kinds.filter(({ clears }) => !clears).map(({ kind, slot_field: name }) => (
  [kind, name ? [...controls.all(kind).values()].map((held) => controls.asControl(held)) : controls.get(kind)])));
for (const control of sent) {
  controls.set(control);
  out.states.push(told());
}
while (controls.undo()) out.undone.push(told());
while (controls.redo()) out.redone.push(told());
console.log(JSON.stringify(out));
"""


def page(tmp_path, sent, state=None):
    """What `web/controls.js` makes of these controls, from what it is told of the kinds there are and nothing else."""
    script = tmp_path / "page.mjs"
    script.write_text(PAGE.replace("CONTROLS_JS", json.dumps((WEB / "controls.js").as_uri())), "utf-8")
    told = {
        "kinds": describe(),
        "state": state_message(state or ControlState()),
        "sent": [one.to_message() for one in sent],
    }
    assert NODE
    done = subprocess.run([NODE, str(script)], input=json.dumps(told), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def without_since(state):
    """A state as a page reads it, in no order of names, and without the frames things took effect at."""
    message = {}
    for kind, held in state_message(state).items():
        if isinstance(held, list):
            known = [{name: value for name, value in one.items() if name != "since"} for one in held]
            message[kind] = sorted(known, key=json.dumps)
        else:
            message[kind] = held
    return json.loads(json.dumps(message))


def in_no_order(told):
    """What the page holds, in no order of names; undo and redo send what is momentary (a grab) as it is without."""

    def whole(one):
        return json.loads(json.dumps(from_message(one).to_summary()))

    return {
        kind: sorted(map(whole, held), key=json.dumps) if isinstance(held, list) else held
        for kind, held in told.items()
    }


def some_controls(random):
    """A few dozen controls of many kinds, as a person may send them."""
    names = ("a", "b", "c")
    makes = (
        lambda: Prompt(random.choice(("a lake", "fog", "the sea"))),
        lambda: Sparkle(random.choice((0.0, 0.5)), random.choice(COLOURS)),
        lambda: Sticker(random.choice(names), random.choice((0.0, 1.0, 2.0))),
        lambda: Unstick(random.choice((*names, "*"))),
        lambda: Lora(random.choice(names), random.choice((0.0, 0.5))),
        lambda: Stroke(random.choice(names), "fox", ((0, random.random(), 0.5),), mode="pin"),
        lambda: Erase(random.choice((*names, "nobody"))),
    )
    return [random.choice(makes)() for _ in range(40)]


@pytest.mark.skipif(NODE is None, reason="needs node")
@pytest.mark.parametrize("seed", range(3))
def test_the_page_folds_every_kind_as_the_server_does_and_takes_it_back(tmp_path, seed):
    sent = some_controls(random.Random(seed))
    states = [ControlState.of(Prompt("a meadow"), Sticker("b", 4))]
    for control in sent:
        states.append(states[-1].after(control, 0))
    told = page(tmp_path, sent, states[0])
    folded = [without_since(state) for state in states]
    assert [in_no_order(state) for state in told["states"]] == folded[1:]
    assert [in_no_order(state) for state in told["redone"]] == folded[1:]
    state = states[-1]
    for control in told["sent"][len(sent) :]:  # what undo and redo send leads the server there too
        state = state.after(from_message(control), 0)
    assert without_since(state) == folded[-1]


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_the_page_takes_back_step_by_step(tmp_path):
    sent = [Sparkle(0.5), Sticker("star", 2), Sticker("star", 3), Unstick("star"), Sticker("moon", 0)]
    states = [ControlState.of(Prompt("a meadow"))]
    for control in sent:
        states.append(states[-1].after(control, 0))
    told = page(tmp_path, sent, states[0])
    back = [without_since(state) for state in reversed(states[:-1])]
    assert [in_no_order(state) for state in told["undone"]] == back
