"""Hands that speak OSC: what they send is played on the page that was touched last, and they hear what it shows.

Off unless asked for (`studio run --osc`), and on this machine alone unless an address is said. Every value is a control
like a hand's on the page, at most one of each slot a frame, so the score holds it.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from studio.controls import Control, ControlError, ControlState, Prompt
from studio.presets import Preset
from studio.ui.errors import OptionsError
from studio.ui.offline import tell
from studio.ui.osc_controls import Waiting, folded
from studio.ui.protocol import Notice
from studio.ui.seat import Seat
from studio.ui.seats import Seats
from studio.ui.security import LOOPBACK

TICK = 1 / 60  # seconds between two looks at what has come, and at what is shown
STILL = 0.25  # seconds without a frame (paused, or slow), after which what waits is played anyhow
LARGEST = 65536  # bytes of a datagram
MOST_READ = 1000  # datagrams that are parsed at a look
BUFFER = 2**20  # bytes that may wait at the system, where it gives as many
FLOOD = 200  # values a second that nobody will see, from which on it is said
SAID_EVERY = 5.0  # seconds between two words about a flood
RATE_EVERY = 0.5
NO_PAGE = "no page of this machine is open at this server; open one, and OSC plays it"
MISSING = 'OSC needs python-osc: pip install "live-studio[osc]"'
Address = tuple[str, int]
log = logging.getLogger("studio")


@dataclass(frozen=True)
class OscPorts:
    """An open socket that hears OSC, and where what is shown is told, None for nowhere."""

    socket: socket.socket
    out: Address | None = None


def open_ports(heard: str | int, out: str = "") -> OscPorts:
    """Listen for OSC. Raises OptionsError where that cannot be, before anything is loaded.

    heard: a port of this machine alone, or HOST:PORT. out: HOST:PORT that is told what is shown, "" for nobody.
    """
    try:
        import pythonosc  # noqa: F401
    except ImportError:
        raise OptionsError(MISSING) from None
    at, told = read_address("--osc", str(heard)), read_address("--osc-out", out) if out else None
    try:
        family, _, _, _, bound = socket.getaddrinfo(*at, type=socket.SOCK_DGRAM)[0]
        told = told and (str(socket.getaddrinfo(*told, family, socket.SOCK_DGRAM)[0][4][0]), told[1])
        opened = socket.socket(family, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        opened.bind(bound)
    except OSError as error:
        words = error.strerror or error
        raise OptionsError(f"OSC cannot be heard at {at[0]} port {at[1]} ({words}); give another with --osc") from None
    opened.setblocking(False)
    if at[0] not in LOOPBACK:
        log.warning("OSC is heard at %s: whoever reaches that port plays, there is no login", at[0])
    return OscPorts(opened, told)


def read_address(option: str, text: str) -> Address:
    """Give host and port of "9000" or "127.0.0.1:9000"; raises OptionsError."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise OptionsError(f"{option} is {text!r}; give a port, 1 to 65535, or HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def received(opened: socket.socket, seconds: float) -> tuple[list[tuple[bytes, Any]], int]:
    """Give the datagrams that come within a time, each with its sender, and how many newer ones took the place of.

    Reading them is quick and parsing is not, and what is not read in time the system drops, the newest too.
    """
    newest: dict[bytes, tuple[bytes, Any]] = {}
    until, lost = time.monotonic() + seconds, 0
    while (left := until - time.monotonic()) > 0:
        if not select.select([opened], [], [], left)[0]:
            break
        with contextlib.suppress(OSError):  # an answer of ours did not arrive, which some systems say here
            packet = opened.recvfrom(LARGEST)
            head = head_of(packet[0])
            lost += newest.pop(head, None) is not None
            if len(newest) < MOST_READ:
                newest[head] = packet
            else:
                lost += 1
    return list(newest.values()), lost


def head_of(data: bytes) -> bytes:
    """Give a message's address and the types of its values, all of a bundle: one with the same replaces it."""
    types = data.find(b",")
    end = data.find(b"\0", types)
    return data if data.startswith(b"#") or types < 0 or end < 0 else data[:end]


class Osc:
    """Carries OSC between its ports and the seats of a server, on a thread of its own, while it is entered."""

    def __init__(self, ports: OscPorts, seats: Seats, presets: Mapping[str, Preset]) -> None:
        self._ports, self._seats, self._presets = ports, seats, presets
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="studio-osc", daemon=True)
        self._waiting = Waiting()
        self._answered: dict[str, float] = {}
        self._played = (-1, 0.0)  # the frame after which something was played last, and when
        self._told: tuple[int, float, str] = (-1, 0.0, "")  # frame, when the rate was, prompt
        self._counted_at = self._said_at = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._ports.socket.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hear()
                seat = playing(self._seats)
                if self._waiting and self._is_due(seat):
                    self._play(seat)
                self._say_flood(seat)
                if seat and self._ports.out:
                    self._tell(seat, self._ports.out)
            except Exception:  # a hand must not end because of one message; that it happened is ours to see
                log.exception("an OSC message could not be played")

    def _hear(self) -> None:
        """Take in what comes until the next tick; of one address and the same types only the last is read."""
        from pythonosc.osc_packet import OscPacket, ParseError

        packets, lost = received(self._ports.socket, TICK)
        self._waiting.lost += lost
        for data, sender in packets:
            try:
                messages = [timed.message for timed in OscPacket(data).messages]
            except (ParseError, ValueError, IndexError) as error:
                self._answer("", sender, f"{len(data)} bytes that are no OSC message ({error}); send OSC 1.0")
                continue
            for message in messages:
                if not self._waiting.put(message.address, list(message.params), sender):
                    self._answer(
                        "", sender, f"more than {Waiting.MOST} addresses in one frame; the others are left out"
                    )

    def _is_due(self, seat: Seat | None) -> bool:
        """Whether a frame has been made since something was played last; where none is made, a while has to do."""
        count, then = self._played
        is_new = seat is None or seat.mailbox.count != count or time.monotonic() - then > STILL
        return is_new and not (seat and seat.reading.wait)  # new words may be read only so often

    def _play(self, seat: Seat | None) -> None:
        messages = self._waiting.take()
        if seat is None:
            self._answer("", messages[0][2], NO_PAGE)
            return
        self._played = seat.mailbox.count, time.monotonic()
        seat.touch()
        presets = [message for message in messages if message[0] == "/studio/preset"]
        for _, values, sender in presets:
            self._play_preset(seat, values, sender)
        others = [message for message in messages if message[0] != "/studio/preset"]
        state: ControlState = seat.state
        for control in folded(others, state, seat.session.engine.frame, self._answer):
            self._send(seat, control, messages[-1][2])

    def _play_preset(self, seat: Seat, values: Any, sender: Any) -> None:
        name = str(values[0]) if len(values) == 1 else ""
        if name not in self._presets:
            self._answer("/studio/preset", sender, f"preset is {name!r}; possible presets: {', '.join(self._presets)}")
        else:
            seat.play(self._presets[name])

    def _send(self, seat: Seat, control: Control, sender: Any) -> None:
        began = time.monotonic()
        try:
            seat.dial.hear(control, seat.session)
            seat.send(control)
        except ControlError as error:
            self._answer(f"/studio/{control.kind}", sender, str(error))
        finally:
            seat.reading.spend(time.monotonic() - began)

    def _answer(self, address: str, sender: Any, words: str) -> None:
        """Say to who sent it what cannot be, of one address at most once a second."""
        now = time.monotonic()
        self._answered = {one: then for one, then in self._answered.items() if now - then < 1.0}
        if address in self._answered or len(self._answered) >= Waiting.MOST:
            return
        self._answered[address] = now
        log.warning("OSC: %s", f"{address}: {words}" if address else words)
        self._post("/studio/error", [address, words], sender)

    def _say_flood(self, seat: Seat | None) -> None:
        """Once a second, count what nobody will see; say, now and then, that it is much."""
        now = time.monotonic()
        if now - self._counted_at < 1.0:
            return
        self._counted_at, lost, self._waiting.lost = now, self._waiting.lost, 0
        if lost < FLOOD or now - self._said_at < SAID_EVERY:
            return
        self._said_at = now
        words = f"OSC sends more than is played: {lost} values of the last second were replaced by newer ones."
        log.warning(words)
        if seat:
            tell(seat, Notice(words))

    def _tell(self, seat: Seat, out: Address) -> None:
        """Say what is shown: the frame's number; twice a second rate and prompt, and a new prompt at once."""
        frame, rate_at, prompt = self._told
        newest, now, words = seat.mailbox.newest, time.monotonic(), seat.session.engine.state[Prompt].text
        if newest and newest.index != frame:
            frame = newest.index
            self._post("/studio/frame", [frame], out)
        if now - rate_at > RATE_EVERY:
            rate_at, prompt = now, ""
            self._post("/studio/rate", [float(seat.session.stats["fps"])], out)
        if words != prompt:
            self._post("/studio/prompt", [words], out)
        self._told = frame, rate_at, words

    def _post(self, address: str, values: list[Any], to: Any) -> None:
        from pythonosc.osc_message_builder import OscMessageBuilder

        message = OscMessageBuilder(address)
        for value in values:
            message.add_arg(value)
        with contextlib.suppress(OSError):  # whoever asked is gone
            self._ports.socket.sendto(message.build().dgram, to)


def playing(seats: Seats) -> Seat | None:
    """Give the seat whose page is on this machine and was touched last; None where no page is open.

    Nobody else's page is played by hands of this machine.
    """
    there = [seat for seat in seats.taken.values() if seat.connection is not None and seat.address in ("", *LOOPBACK)]
    return max(there, key=lambda seat: seat.touched_at, default=None)
