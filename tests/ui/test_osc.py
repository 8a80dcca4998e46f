"""OSC: what an address means, a whole server played by python-osc's own sender, floods, and what is said back."""

import builtins
import socket
import time

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient
from ui_stand_ins import StandIn

from studio.controls import Camera, ControlError, ControlState, Erase, Lora, Pause, Prompt, Sampling, Stroke, strokes
from studio.ui.connection import Connection
from studio.ui.errors import OptionsError
from studio.ui.options import ServerOptions
from studio.ui.osc import MISSING, STILL, Osc, OscPorts, open_ports, playing
from studio.ui.osc_controls import Waiting, control_of, folded
from studio.ui.seats import Seats
from ui.client import PRESET, told

PATH = Stroke("1", "fox", ((0, 0.1, 0.5), (48, 0.9, 0.5)), mode="path", grab=(5, 0.1, 0.5))
STATE = ControlState.of(Prompt("a meadow", blend=12), PATH)


@pytest.mark.parametrize(
    ("address", "values", "control"),
    [
        ("/studio/prompt/text", ["a harbour"], Prompt("a harbour", blend=12)),
        ("/studio/sampling/steps", [3.0], Sampling(steps=3)),
        ("/studio/camera_motion/zoom", [0.01], Camera(zoom=0.01)),
        ("/studio/pause/paused", [1], Pause(True)),
        ("/studio/pause/paused", [0.0], Pause(False)),
        ("/studio/lora/ink/weight", [0.8], Lora("ink", 0.8)),
        ("/studio/stroke/2", [0.25, 0.75, "bear"], Stroke("2", "bear", ((0, 0.25, 0.75),))),
        ("/studio/stroke/2", [0.25, 0.75, "bear", 0.5], Stroke("2", "bear", ((0, 0.25, 0.75),), size=0.5)),
        ("/studio/stroke/1", [0.25, 0.75], Stroke("1", "fox", ((0, 0.25, 0.75),))),
        ("/studio/erase/1", [], Erase("1")),
    ],
)
def test_an_address_sets_a_field_of_what_is_in_force(address, values, control):
    assert control_of(address, values, STATE) == control


def test_a_field_of_a_path_leaves_it_where_it_is():
    larger = control_of("/studio/stroke/1/size", [0.5], STATE)
    assert (larger.points, larger.size, larger.begun, larger.grab) == (PATH.points, 0.5, None, ())


@pytest.mark.parametrize(
    ("address", "values", "says"),
    [
        ("/other/prompt/text", ["x"], "/studio/CONTROL/FIELD"),
        ("/studio", [], "/studio/CONTROL/FIELD"),
        ("/studio/dance", [1], "possible: prompt"),
        ("/studio/sampling/steps", [99], "from 1 to 16"),
        ("/studio/sampling/steps", [], "no value"),
        ("/studio/sampling/paces", [1], "its fields"),
        ("/studio/sampling", [1], "/studio/sampling/FIELD value"),
        ("/studio/lora/weight", [1], "/studio/lora/NAME/FIELD"),
        ("/studio/prompt/text", [7], "must be text"),
        ("/studio/stroke/9", [0.5, 0.5], "x y label"),
        ("/studio/stroke/9", [0.5, "left", "fox"], "finite number"),
        ("/studio/stroke/1", [2.0, 0.5], "from 0 to 1"),
        ("/studio/picture/data", [b"\xff"], "bytes"),
        ("/studio/camera_motion/zoom", [float("nan")], "finite"),
    ],
)
def test_a_bad_message_says_what_to_send(address, values, says):
    with pytest.raises(ControlError, match=says):
        control_of(address, values, STATE)


def test_of_a_flood_the_newest_of_each_is_played_and_two_fields_are_one_control():
    waiting, refused = Waiting(), []
    for number in range(500):
        assert waiting.put("/studio/camera_motion/zoom", [number / 1e5], "a")
    waiting.put("/studio/camera_motion/rotate", [2.0], "a")
    waiting.put("/studio/sampling/steps", ["many"], "b")
    made = folded(waiting.take(), ControlState(), 0, lambda *what: refused.append(what))
    assert made == [Camera(zoom=499 / 1e5, rotate=2.0)]
    assert waiting.lost == 499
    assert not waiting
    assert [(address, sender) for address, sender, _ in refused] == [("/studio/sampling/steps", "b")]
    waiting.put("/studio/stroke/7", [0.1, 0.1, "fox", 0.5], "a")
    waiting.put("/studio/stroke/7", [0.2, 0.3], "a")
    assert folded(waiting.take(), ControlState(), 0, print) == [Stroke("7", "fox", ((0, 0.2, 0.3),), size=0.5)]
    waiting.put("/studio/sampling/t_index_list", [1, 2, 3], "a")
    waiting.put("/studio/sampling/t_index_list", [1, 2], "a")
    assert waiting.take()[0][1] == [1, 2]
    assert all(waiting.put(f"/studio/{number}", [1], "a") for number in range(Waiting.MOST))
    assert not waiting.put("/studio/more", [1], "a")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Hands:
    """Seats with a page on them, OSC beside it, and python-osc's sender."""

    def __init__(self, tmp_path) -> None:
        self.port, self.session = free_port(), StandIn()
        self.seats = Seats(lambda: self.session, takes=tmp_path)
        self.ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ear.bind(("127.0.0.1", 0))
        self.ear.settimeout(5)
        self.osc = Osc(open_ports(self.port, f"127.0.0.1:{self.ear.getsockname()[1]}"), self.seats, {"fox": PRESET})
        self.sender = SimpleUDPClient("127.0.0.1", self.port)

    def answer(self) -> list[str]:
        (message,) = [OscMessage(self.sender.receive(5))]
        assert message.address == "/studio/error"
        return list(message.params)

    def heard(self, address: str) -> object:
        """The value of the next message of an address."""
        for _ in range(2000):
            message = OscMessage(self.ear.recv(4096))
            if message.address == address:
                return message.params[0]
        raise AssertionError(f"no {address} was told")


@pytest.fixture
def hands(tmp_path):
    made = Hands(tmp_path)
    with made.osc:
        yield made
    made.seats.close_all()
    made.ear.close()
    made.sender.close()


def eventually(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def test_a_sender_of_its_own_package_plays_the_page_and_hears_what_is_shown(hands):
    import asyncio

    async def play():
        seat = hands.seats.sit()
        connection = Connection(seat, {})
        seat.attach(connection)
        await asyncio.to_thread(drive, hands, seat, connection)

    asyncio.run(play())


def drive(hands, seat, connection) -> None:
    send, state = hands.sender.send_message, lambda: hands.session.engine.state
    send("/studio/prompt/text", "a harbour")
    send("/studio/stroke/1", [0.25, 0.75, "fox"])
    eventually(lambda: state()[Prompt].text == "a harbour" and "1" in strokes(state()))
    assert hands.heard("/studio/frame") >= 0
    assert hands.heard("/studio/rate") == 50.0
    eventually(lambda: hands.heard("/studio/prompt") == "a harbour")
    before = len(hands.session.sent)
    frame = hands.session.engine.frame
    for number in range(1500):
        send("/studio/camera_motion/zoom", number / 1e5)
    time.sleep(0.1)  # what comes too fast the system drops, a last one too
    send("/studio/camera_motion/zoom", 0.015)
    eventually(lambda: state()[Camera].zoom == pytest.approx(0.015))
    played = len(hands.session.sent) - before
    assert played <= hands.session.engine.frame - frame + 2, "at most one a frame"
    eventually(lambda: any("replaced by newer ones" in one["message"] for one in told(connection, "notice")))
    send("/studio/sampling/steps", 99)
    address, words = hands.answer()
    assert address == "/studio/sampling/steps"
    assert "from 1 to 16" in words
    send("/studio/preset", "fox")
    eventually(lambda: state()[Prompt].text == "a meadow")
    send("/studio/preset", "nowhere")
    assert "possible presets: fox" in hands.answer()[1]
    hands.sender._sock.sendto(b"not osc", ("127.0.0.1", hands.port))
    assert "no OSC message" in hands.answer()[1]
    send("/studio/pause/paused", 1)
    eventually(lambda: state()[Pause].paused)
    before, began = len(hands.session.sent), time.monotonic()
    for number in range(15):
        send("/studio/camera_motion/rotate", number / 10)
        time.sleep(0.02)
    most = (time.monotonic() - began) / STILL + 2
    assert len(hands.session.sent) - before <= most, "where no frame is made, a few times a second"
    assert "a harbour" in [event.control.text for event in hands.session.score.events if event.control.kind == "prompt"]


def test_without_a_page_of_this_machine_nothing_is_played_and_it_is_said(hands):
    far = hands.seats.sit(address="192.0.2.7")
    far.connection = object()
    try:
        assert playing(hands.seats) is None
        hands.sender.send_message("/studio/prompt/text", "a harbour")
        assert "no page of this machine" in hands.answer()[1]
        assert far.session.sent == []
    finally:
        far.connection = None


def test_what_cannot_be_heard_is_said_before_anything_is_loaded(monkeypatch):
    with pytest.raises(OptionsError, match="give a port"):
        open_ports("osc")
    taken = open_ports(free_port())
    assert taken.socket.getsockname()[0] == "127.0.0.1", "this machine alone"
    with pytest.raises(OptionsError, match="another with --osc"):
        open_ports(taken.socket.getsockname()[1])
    taken.socket.close()
    assert ServerOptions().osc == "", "off unless it is asked for"
    really = builtins.__import__

    def without(name, *rest):
        if name.startswith("pythonosc"):
            raise ImportError(name)
        return really(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OptionsError, match="pip install"):
        open_ports(9000)
    assert "live-studio[osc]" in MISSING
    assert OscPorts.__doc__
