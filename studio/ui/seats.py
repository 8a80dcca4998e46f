"""Seats: a session for each open page, a few at a time, and what becomes of it when the page is closed."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.controls import (
    Control,
    ControlError,
    ControlState,
    Erase,
    Pause,
    Picture,
    Prompt,
    Sampling,
    Similarity,
    Sink,
    Structure,
    lora_weights,
    strokes,
    to_message,
)
from studio.ui.mailbox import Mailbox, encode_png
from studio.ui.takes import Download, Downloads, TakeVideo, take_path

if TYPE_CHECKING:
    from studio.models.base import Model
    from studio.presets import Preset
    from studio.score import Score
    from studio.session.session import Session
    from studio.ui.library import Arrival, Library, Progress
    from studio.ui.link import Link

RUNNING = 2  # sessions at once: each wants the whole machine
GIVES_WAY_AFTER = 3.0  # seconds without a page after which a seat may be given to another
PAUSE_AFTER = 10.0  # seconds without a page after which a session stops drawing
FASTEST = 30.0  # frames a second, as video; a faster machine would only play the paths faster
CLOSE_AFTER = 120.0  # seconds without a page after which it is closed
log = logging.getLogger("studio")


class CloseCode(IntEnum):
    """Who ended a link, as a WebSocket close code; the page has the same table (web/link.js, `CLOSE`).

    A superseded page stays ended; after any other close it comes back by itself, to the same seat while there is one.
    """

    POLICY = 1008  # the server refused: no good ticket, or far too many messages
    STOPPING = 1012  # the server stops, or this seat; uvicorn closes every socket with this code when it stops
    SUPERSEDED = 4001  # another page took the seat, and nothing else
    SILENT = 4002  # the page answered no heartbeat any more

    @property
    def words(self) -> str:
        """What the page says of it; at most 123 bytes, which is what a close frame holds."""
        return CLOSE_WORDS[self]


CLOSE_WORDS = {
    CloseCode.POLICY: "The server refused this page. Trying again.",
    CloseCode.STOPPING: "The server has ended this session. Trying again.",
    CloseCode.SUPERSEDED: "This session goes on in another tab. Reload this page to take it back.",
    CloseCode.SILENT: "This page had fallen silent. Trying again; your session waits.",
}


class Waiting(RuntimeError):
    """There is no session for this page yet; says why. The page asks again by itself."""


class SeatsTaken(Waiting):
    """No seat is free; says what to do."""


class Seat:
    """One person's place: a session, the mailbox with its newest frame, what can be downloaded, and the link in use."""

    def __init__(
        self,
        session: Session,
        takes: Path,
        clock: Callable[[], float] = time.monotonic,
        library: Library | None = None,
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.session = session
        self.mailbox = Mailbox()
        self.downloads = Downloads()
        self.takes: list[dict[str, Any]] = []
        self.library = library
        self.arrival: Arrival | None = None
        self.link: Link | None = None
        self.left_at: float | None = clock()
        self._clock = clock
        self._folder = takes
        self._video: TakeVideo | None = None
        self._path: Path | None = None
        self._played = self._closed = False
        self._asked = session.engine.state
        self._revision = 0
        self._lock = threading.RLock()
        session.sinks.append(self.mailbox)

    @property
    def recording(self) -> bool:
        return self._video is not None

    @property
    def state(self) -> ControlState:
        """The controls in force, or those that will be with the next frame."""
        receipts = tuple(self.session.receipts)
        settled = bool(receipts) and receipts[-1].revision >= self._revision
        return self.session.engine.state if settled else self._asked

    def send(self, control: Control) -> int:
        """The control to the session; its revision."""
        asked = self.state.after(control, self.session.stats["frame"])
        self._revision = self.session.send(control)
        self._asked, self._played = asked, True
        return self._revision

    def play(self, preset: Preset) -> dict[str, str]:
        """The preset to the session: its controls at once, later ones when their frame has come.

        Returns the kinds of its controls that the model does not take and that are left out, with the reasons.
        """
        refuses = self.session.model.capabilities.refuses
        taken = [event for event in preset.events if event.control.kind not in refuses]
        left_out = {event.control.kind: refuses[event.control.kind] for event in preset.events if event not in taken}
        preset = replace(preset, events=tuple(taken))
        asked, frame = self.state.after(Erase("*"), 0), self.session.stats["frame"]
        self.session.play(preset)
        for event in preset.events:
            asked = asked.after(event.control, frame) if event.frame == 0 else asked
        receipted = self.session.receipts[-1].revision if self.session.receipts else 0
        self._asked, self._revision = asked, max(self._revision, receipted) + 1  # what `play` sends is newer than these
        return left_out

    # The model

    @property
    def model_name(self) -> str:
        """As a person chose it: a folder's is its last part."""
        model = self.session.model
        return self.library.name_of(model) if self.library else model.name

    @property
    def progress(self) -> Progress | None:
        """How far the model that was chosen last is on its way."""
        return self.arrival.progress if self.arrival else None

    def choose(self, name: Any) -> None:
        """Have a model made ready; the session goes over to it by itself. Raises LibraryError for what cannot be."""
        from studio.ui.library import Arrival, LibraryError

        with self._lock:
            if self.library is None:
                raise LibraryError("this server plays one model")
            if self.progress and self.progress.under_way:
                raise LibraryError(f"{self.progress.name} is on its way; call it off first")
            self.arrival = Arrival(self.library, name, self.hand_over)

    def hand_over(self, model: Model) -> dict[str, str]:
        """The session goes on, from its next frame, on another model; a take that is being recorded ends first.

        Returns the kinds of control in force that the model does not take, with the reasons.
        """
        with self._lock:
            if self._closed:
                return {}
            self.stop_recording()
            refused = self.session.hand_over(model)
            self._asked = self.session.engine.state
            if self.link is not None:
                self.session.start(FASTEST)  # it had stopped if something had gone wrong
        if self.library is not None:
            self.library.tidy()
        return refused

    def attach(self, link: Link) -> Link | None:
        """The link becomes the one in use and the session runs; the link it takes over from, if any.

        A seat that was closed meanwhile ends it at once: the page gets another.
        """
        with self._lock:
            if self._closed:
                link.end(CloseCode.STOPPING)
                return None
            before, self.link, self.left_at = self.link, link, None
            self.mailbox.bell = link.bell
            self.session.start(FASTEST)
        return before

    def detach(self, link: Link) -> None:
        """The page is gone; nothing happens if another link has taken over."""
        with self._lock:
            if self.link is link:
                self.link, self.mailbox.bell, self.left_at = None, None, self._clock()

    def record(self) -> None:
        """Begin a take: the session starts clean, the video waits for its first frame."""
        with self._lock:
            if self._video is not None:
                return
            self._path = take_path(self._folder, self.state[Prompt].text)
            self._video = TakeVideo(self._path.with_name(self._path.name + ".mp4"), self.session.stats["fps"])
            self.session.sinks.append(self._video)
            self._video.begin(self.session.record(self._path.with_name(self._path.name + ".jsonl")))

    def stop_recording(self) -> dict[str, Any] | None:
        """End the take; what the page says of it, with the addresses of score and video. None if none was recorded."""
        with self._lock:
            if self._video is None or self._path is None:
                return None
            score = self.session.stop_recording()
            video, self._video = self._video, None
            self.session.sinks.remove(video)
            video.finish(score.header.start, score.length)
            take = self._offer(self._path, score, video)
            self.takes.append(take)
            return take

    def reset(self, seed: int | None = None) -> dict[str, Any] | None:
        """Back to frame 0; a take that is being recorded ends first, and is returned."""
        take = self.stop_recording()
        self.session.reset(seed)
        if self.link is not None:
            self.session.start(FASTEST)  # it had stopped if something had gone wrong
        return take

    def snapshot(self, index: int | None) -> dict[str, Any] | None:
        """The frame the person saw as PNG, on offer."""
        frame = self.mailbox.seen(index)
        if frame is None:
            return None
        name = f"studio-{self.state[Sampling].seed}-{frame.index:06d}.png"
        secret = self.downloads.offer(Download(name, "image/png", encode_png(frame.picture)))
        return {"name": name, "address": secret, "frame": frame.index}

    def stop(self) -> None:
        """The session draws no more; everything else stays."""
        try:
            self.session.stop()
        except Exception:  # what had ended its thread, raised again: our fault, and no reason to lose the take
            log.exception("a session had stopped by itself")

    def close(self) -> None:
        """Stop for good. A take is finished; otherwise what was played is kept as a score."""
        with self._lock:
            self._closed = True
            if self.link is not None:
                self.link.end(CloseCode.STOPPING)
            if self.arrival:
                self.arrival.cancel()
            self.stop()
            if self.stop_recording() is None and self._played:
                self._keep(self.session.score)
            self.mailbox.close()
        if self.library is not None:
            self.library.leave(self.session)

    def _keep(self, score: Score) -> None:
        if not score.header.frames:
            return
        path = take_path(self._folder, self.state[Prompt].text)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            score.write(path.with_name(path.name + ".jsonl"))
        except OSError as error:
            log.error("a closed page's score could not be kept in %s: %s; make room there", self._folder, error)

    def _offer(self, path: Path, score: Score, video: TakeVideo) -> dict[str, Any]:
        """Score and video of a take on offer. A score is held in memory too, so a full disk does not take it away."""
        text = "\n".join([*score.lines(), ""])
        address = self.downloads.offer(Download(f"{path.name}.jsonl", "application/jsonl", text.encode()))
        take = {"name": path.name, "frames": score.header.frames, "fps": video.fps, "score": address}
        if video.path.is_file():
            take["video"] = self.downloads.offer(Download(video.path.name, "video/mp4", video.path))
        return take | {"problem": video.problem}


def begin(seat: Seat, opening: Preset) -> None:
    """Play what every page begins with, as far as the model does: a page must open on any model."""
    try:
        seat.play(opening)
    except ControlError as error:
        log.warning("the first preset is not played: %s", error)


def state_message(state: ControlState) -> dict[str, Any]:
    """The controls in force as the page reads them."""
    return {
        "prompt": to_message(state[Prompt]),
        "sampling": to_message(state[Sampling]),
        "paused": state[Pause].paused,
        "similarity": to_message(state[Similarity]),
        "structure": to_message(state[Structure]),
        "sink": to_message(state[Sink]),
        "loras": dict(lora_weights(state)),
        "picture": bool(state[Picture].data),
        "strokes": [to_message(stroke) | {"since": since} for stroke, since in strokes(state).values()],
    }


class Seats:
    """All seats of a server."""

    def __init__(
        self,
        session_factory: Callable[[], Session],
        *,
        opening: Preset | None = None,
        library: Library | None = None,
        takes: Path = Path("takes"),
        running: int = RUNNING,
        pause_after: float = PAUSE_AFTER,
        close_after: float = CLOSE_AFTER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.running, self.pause_after, self.close_after = running, pause_after, close_after
        self._factory, self._opening, self._takes, self._clock = session_factory, opening, takes, clock
        self._library = library
        self._seats: dict[str, Seat] = {}
        self._lock = threading.RLock()

    @property
    def taken(self) -> Mapping[str, Seat]:
        return dict(self._seats)

    def find(self, id: str | None) -> Seat | None:
        return self._seats.get(id or "")

    def sit(self, id: str | None = None) -> Seat:
        """The seat with this id, or else a new one; raises SeatsTaken if all are in use, Waiting if none can begin."""
        with self._lock:
            if seat := self.find(id):
                return seat
            self._make_room()
            seat = Seat(self._factory(), self._takes, self._clock, self._library)
            if self._opening is not None:
                begin(seat, self._opening)
            self._seats[seat.id] = seat
            return seat

    def _make_room(self) -> None:
        """The seat left longest ago gives way to a new page, unless its own may just be reloading."""
        while len(self._seats) >= self.running:
            since = self._clock() - GIVES_WAY_AFTER
            left = [seat for seat in self._seats.values() if seat.left_at is not None and seat.left_at <= since]
            if not left:
                raise SeatsTaken(
                    f"{self.running} sessions are running here, as many as this machine can draw at once. "
                    "Close one of the other tabs, and this one starts by itself."
                )
            self.close(min(left, key=lambda seat: seat.left_at or 0.0))

    def sweep(self) -> None:
        """Stop and close the seats whose page is gone; called about once a second."""
        now = self._clock()
        for seat in list(self._seats.values()):
            gone = now - seat.left_at if seat.left_at is not None else 0.0
            if gone > self.close_after:
                self.close(seat)
            elif gone > self.pause_after:
                seat.stop()

    def close(self, seat: Seat) -> None:
        with self._lock:
            self._seats.pop(seat.id, None)
        seat.close()

    def close_all(self) -> None:
        for seat in list(self._seats.values()):
            self.close(seat)
