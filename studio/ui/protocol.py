"""What a page and the server say to each other, whatever carries it.

Up come commands, as JSON or, a picture, in binary: `studio/ui/parsing.py` reads them. Down go notifications, as
JSON (`to_json`), and frames, as `mailbox.pack` writes them. A page that is open says something at least as often as it
is asked (`Ping`), whatever becomes of the frames: that, and no frame, keeps a connection.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

from studio.controls.base import shown

if TYPE_CHECKING:
    from studio.ui.recorder import Take

LARGEST_NUMBER = 2**53  # that a page can count to


class ProtocolError(ValueError):
    """A message that cannot be understood: says what was got and what is possible.

    number: the message's own, by which the page knows which one it was; None where it has none.
    """

    def __init__(self, words: str, number: int | None = None) -> None:
        super().__init__(words)
        self.number = number


class CloseCode(IntEnum):
    """Who ended a connection, as a WebSocket close code; the page has the same table (web/link.js, `CLOSE`).

    A superseded, an idle or a withdrawn page stays ended; after any other close it comes back by itself, to the same
    seat while there is one.
    """

    POLICY = 1008  # the server refused: no good ticket, or far too many messages
    STOPPING = 1012  # the server stops, or this seat; uvicorn closes every socket with this code when it stops
    SUPERSEDED = 4001  # another page took the seat, and nothing else
    SILENT = 4002  # the page answered no heartbeat any more
    IDLE = 4003  # nobody touched the page, and somebody else waited for a seat
    WITHDRAWN = 4004  # the link to a picture was withdrawn on its page

    @property
    def words(self) -> str:
        """What the page says of it; at most 123 bytes, which is what a close frame holds."""
        return CLOSE_WORDS[self]


CLOSE_WORDS = {
    CloseCode.POLICY: "The server refused this page. Trying again.",
    CloseCode.STOPPING: "The server has ended this session. Trying again.",
    CloseCode.SUPERSEDED: "This session goes on in another tab. Reload this page to take it back.",
    CloseCode.IDLE: "Nobody touched this page, so its place went to somebody who waited. Reload to play again.",
    CloseCode.WITHDRAWN: "This link was withdrawn.",
    CloseCode.SILENT: "This page had fallen silent. Trying again; your session waits.",
}


# -- from the page ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """Something a page asks for. number: the page's own, by which an answer names it; None where it has none."""

    number: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class SetControl(Command):
    """Set a control, given as its message. saw: the frame on the page when it was sent."""

    message: object
    saw: int = 0


@dataclass(frozen=True)
class SendPicture(Command):
    """Draw from a picture, given as JPEG, PNG or WebP bytes. saw: the frame on the page when it was sent."""

    data: bytes
    saw: int = 0


@dataclass(frozen=True)
class Acknowledge(Command):
    """The frame of this sequence number is on the page."""

    sequence: int = 0


@dataclass(frozen=True)
class Pong(Command):
    """The answer to the ping of this number."""

    ping: int = 0


@dataclass(frozen=True)
class Record(Command):
    """Begin a take."""


@dataclass(frozen=True)
class StopRecording(Command):
    """End the take."""


@dataclass(frozen=True)
class Reset(Command):
    """Start again from frame 0."""


@dataclass(frozen=True)
class TakeSnapshot(Command):
    """Offer the frame the person saw as a picture; None: the newest."""

    saw: int | None = None


@dataclass(frozen=True)
class PlayPreset(Command):
    """Play a preset, by its name."""

    preset: object = None


@dataclass(frozen=True)
class ListModels(Command):
    """Tell what models there are to choose from."""


@dataclass(frozen=True)
class LoadModel(Command):
    """Make a model ready, and go over to it."""

    model: object = None


@dataclass(frozen=True)
class CancelLoad(Command):
    """Call off the model that is on its way."""


def whole(message: dict[str, object], name: str, number: int | None = None) -> int:
    """Give a whole number from a message, 0 if it is not there; an error names the message by `number`."""
    value = message.get(name, 0)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_NUMBER:
        raise ProtocolError(f"{name} must be a whole number, got {shown(value)}", number)
    return value


# -- to the page ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Notification:
    """Something a page is told; `type` is its name in JSON."""

    type: ClassVar[str]

    def to_json(self) -> str:
        """Give the message's text."""
        values = {"type": self.type} | {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps(values, default=as_json)


def as_json(value: Any) -> dict[str, object]:
    """Give the fields of a value that is a dataclass."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


@dataclass(frozen=True)
class Hello(Notification):
    """What is played, what of it can be set, and all that is in force. Sent first, and when the model is another.

    size: (width, height); controls: `studio.controls.describe`; plays: `studio.ui.plays`; refuses: kind of control to
    the reason; strokes: how it plays them, and what is to be known of that (`models.base.STROKES`);
    state: `studio.controls.state_message`; takes: those that were recorded, each with its addresses;
    late: pictures from one that comes in to the one that shows it, of a video model that redraws them, else 0.
    """

    type: ClassVar[str] = "hello"
    token: str
    size: Sequence[int]
    model: str
    choice: bool
    labels: Sequence[str]
    loras: Sequence[str]
    plays: Sequence[str]
    refuses: dict[str, str]
    strokes: dict[str, str]
    controls: list[dict[str, object]]
    presets: Sequence[str]
    recording: bool
    takes: Sequence[Take]
    state: dict[str, object]
    late: int = 0


@dataclass(frozen=True)
class StateChanged(Notification):
    """The controls in force, where something else than this page has changed them."""

    type: ClassVar[str] = "state"
    state: dict[str, object]


@dataclass(frozen=True)
class ControlSent(Notification):
    """The session has a control, under this revision; it takes effect with its receipt."""

    type: ClassVar[str] = "sent"
    number: int
    revision: int
    saw: int


@dataclass(frozen=True)
class Grabbed(Notification):
    """The thing that was pressed on is taken hold of: what the session was sent for that, under which revision.

    number: of the command; outline: its edge, (x, y) in 0..1 of the picture, as it was seen; box: left, top, right,
    bottom of what was cut out; cutout, stroke: the controls, as messages.
    """

    type: ClassVar[str] = "grabbed"
    number: int
    id: str
    outline: Sequence[Sequence[float]]
    box: Sequence[float]
    cutout: dict[str, object]
    stroke: dict[str, object]
    revision: int


@dataclass(frozen=True)
class Receipts(Notification):
    """The frame at which each revision took effect: (revision, kind of control, frame)."""

    type: ClassVar[str] = "receipts"
    items: Sequence[tuple[int, str, int]]


@dataclass(frozen=True)
class Status(Notification):
    """What is measured: frames a second and ms a frame, of the session; the window and round trip of the connection.

    draw_ms: of a chunk with all its pictures, which is what a control waits for; decode_ms: of it, their decoding;
    pack_ms: making JPEG of one; kbits: a second of H.264 in its place, or 0; shortest_ms: the shortest round trip so
    far, by which the page reads `Ping.time`.
    """

    type: ClassVar[str] = "status"
    fps: float = 0.0
    tick_ms: float = 0.0
    skip_rate: float = 0.0
    frame: int = 0
    revision: int = 0
    paused: bool = False
    recording: bool = False
    problem: str | None = None
    error: str | None = None
    window: int = 0
    round_trip_ms: float = 0.0
    draw_ms: float = 0.0
    decode_ms: float = 0.0
    pack_ms: float = 0.0
    shortest_ms: float = 0.0
    kbits: int = 0


@dataclass(frozen=True)
class RecordingChanged(Notification):
    """A take has begun, or ended."""

    type: ClassVar[str] = "recording"
    recording: bool


@dataclass(frozen=True)
class TakeSaved(Notification):
    """A take is on offer (`recorder.Take`)."""

    type: ClassVar[str] = "take"
    take: Take


@dataclass(frozen=True)
class TakeOpened(Notification):
    """A take as its editor shows it, after so many edits (`score.edit_list`).

    start, frames: its first frame and how many; gestures: `edit_list.Gesture`; notes: what of its file could not be
    read, or is otherwise here; versions: names of what it came from, the oldest first; sizes: whether its model has
    several; steps: of its first frame.
    """

    type: ClassVar[str] = "editing"
    take: str
    start: int
    frames: int
    fps: int
    gestures: Sequence[object]
    notes: Sequence[str]
    versions: Sequence[str]
    edits: int
    sizes: bool
    steps: int


@dataclass(frozen=True)
class Preview(Notification):
    """A take is shown in the place of what is played, from its frame `start` on; frames: 0 once that plays again."""

    type: ClassVar[str] = "preview"
    take: str = ""
    start: int = 0
    frames: int = 0


@dataclass(frozen=True)
class RenderProgress(Notification):
    """How far a take is rendered.

    stage: "load", "render", then "done", "failed" or "cancelled"; done, total: frames; seconds: about how long it still
    takes, 0 where that is not known; what: the words for the person; video: the secret it is downloaded by.
    """

    type: ClassVar[str] = "rendering"
    take: str
    stage: str = "load"
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    what: str = ""
    name: str = ""
    video: str = ""

    @property
    def under_way(self) -> bool:
        """Whether it has not come to an end."""
        return self.stage in ("load", "render")


@dataclass(frozen=True)
class Timeline(Notification):
    """What can be gone back to.

    start: the first frame, None if there is none; prompts: (frame, words, style, frames) of those that took effect
    since (`session.history.Change`); branches: id, name, fork, frame, words and picture (a small JPEG as a data URL) of
    each; bookmarks: name, title, frame, model, words and picture of each; reason: why nothing near is kept, or "".
    """

    type: ClassVar[str] = "timeline"
    start: int | None
    prompts: Sequence[tuple[int, str, str, int]]
    branches: Sequence[dict[str, object]]
    reason: str = ""
    bookmarks: Sequence[dict[str, object]] = ()


@dataclass(frozen=True)
class BranchLeft(Notification):
    """A step back in time was done; branch: the id of what was left by it, None if that was nothing."""

    type: ClassVar[str] = "left"
    step: int
    branch: int | None


@dataclass(frozen=True)
class ComparisonBegun(Notification):
    """Two lines are drawn side by side: their names, the frame they part at (None: they share nothing), the number of
    the first that is shown of each, and how many there will be.
    """

    type: ClassVar[str] = "comparison"
    names: Sequence[str]
    fork: int | None
    firsts: Sequence[int]
    frames: int


@dataclass(frozen=True)
class ComparedFrames(Notification):
    """One frame of each line that is compared, as data URLs; empty for a line that has ended."""

    type: ClassVar[str] = "compared"
    place: int
    pictures: Sequence[str]


@dataclass(frozen=True)
class VideoReady(Notification):
    """A take that was kept has its video now."""

    type: ClassVar[str] = "video"
    take: Take


@dataclass(frozen=True)
class AuditionChanged(Notification):
    """What is auditioned now: its controls, none where nothing is; ended: why the last one ended by itself, or ""."""

    type: ClassVar[str] = "audition"
    controls: Sequence[dict[str, object]]
    ended: str = ""


@dataclass(frozen=True)
class AuditionPicture(Notification):
    """The newest picture of the audition, a small JPEG as a data URL, and the number of its frame."""

    type: ClassVar[str] = "audition-picture"
    frame: int
    picture: str


@dataclass(frozen=True)
class Ahead(Notification):
    """The prompts that wait for their frame, a preset's too, the next one first: frame and words."""

    type: ClassVar[str] = "ahead"
    items: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class DownloadReady(Notification):
    """A file is on offer at an address, under the name it is saved by; frame: the number of the picture in it."""

    type: ClassVar[str] = "download"
    name: str
    address: str
    frame: int


@dataclass(frozen=True)
class ExportProgress(Notification):
    """How far the file of a take is. stage: making, done, cancelled or failed; note: what is to be known, in words.

    name, address: of the file, once it is done.
    """

    type: ClassVar[str] = "export"
    take: str
    form: str
    done: int = 0
    total: int = 0
    stage: str = "making"
    name: str = ""
    address: str = ""
    note: str = ""

    @property
    def under_way(self) -> bool:
        """Whether it has not come to an end."""
        return self.stage == "making"


@dataclass(frozen=True)
class MotionFound(Notification):
    """What moves in a video that the page has sent. stage: finding, done, failed or cancelled; note: in words.

    done, total: pictures; seconds: how much of it was read; things: `motion.MovingThing` of each.
    """

    type: ClassVar[str] = "motion"
    name: str
    stage: str = "finding"
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    things: Sequence[dict[str, object]] = ()
    note: str = ""

    @property
    def under_way(self) -> bool:
        """Whether it has not come to an end."""
        return self.stage == "finding"


@dataclass(frozen=True)
class ModelList(Notification):
    """The models there are to choose from, and the one that plays."""

    type: ClassVar[str] = "models"
    items: Sequence[dict[str, object]]
    playing: str


@dataclass(frozen=True)
class Loading(Notification):
    """How far a model is on its way (`model_load.LoadProgress`)."""

    type: ClassVar[str] = "loading"
    name: str
    stage: str
    done: int
    total: int
    what: str


@dataclass(frozen=True)
class Notice(Notification):
    """Something a person should know."""

    type: ClassVar[str] = "notice"
    message: str


@dataclass(frozen=True)
class Remarks(Notification):
    """What of the words in force the model does not read as they are written; none where it reads all."""

    type: ClassVar[str] = "remarks"
    items: Sequence[str]


@dataclass(frozen=True)
class Restored(Notification):
    """The page's session had ended, and this is what came back of it."""

    type: ClassVar[str] = "restored"
    message: str


@dataclass(frozen=True)
class Error(Notification):
    """What was asked for could not be done; number: of the message that asked."""

    type: ClassVar[str] = "error"
    message: str
    number: int | None = None


@dataclass(frozen=True)
class Ping(Notification):
    """Is the page there? It answers with the number. time: ms since 1970 on this machine's clock, now."""

    type: ClassVar[str] = "ping"
    number: int
    time: float = field(default_factory=lambda: time.time() * 1e3)


@dataclass(frozen=True)
class DialChanged(Notification):
    """The latency dial: what is asked for and what it has set.

    name: one of `session.latency.TARGETS`, "off" or "number"; ms: what that is; why: what it changed last and why, in a
    sentence; stands: how what is asked for is met now, in another; held: a person's own steps stay.
    """

    type: ClassVar[str] = "dial"
    name: str = "off"
    ms: float = 0.0
    why: str = ""
    stands: str = ""
    quality: int = 0
    rate: int = 0
    held: bool = False


@dataclass(frozen=True)
class DriftChanged(Notification):
    """How the pictures look beside those of their first second, as shares of it (`session.drift`)."""

    type: ClassVar[str] = "drift"
    sharpness: float = 1.0
    contrast: float = 1.0
    colour: float = 1.0


@dataclass(frozen=True)
class ViewsChanged(Notification):
    """The secret of the addresses that the picture alone is at (`ui/watching.py`), and how many look at it there."""

    type: ClassVar[str] = "views"
    secret: str
    watching: int = 0


@dataclass(frozen=True)
class Superseded(Notification):
    """Another page has taken the seat."""

    type: ClassVar[str] = "superseded"
    message: str
