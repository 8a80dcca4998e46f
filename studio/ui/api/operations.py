"""The addresses below `/gradio_api/studio`: what is asked there, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

JSON, OCTETS = "application/json", "application/octet-stream"
ERROR = "#/components/schemas/Refusal"


@dataclass(frozen=True)
class Answer:
    """What comes back: in words, of which media type ("" for nothing), and the schema it has."""

    words: str
    media: str = JSON
    schema: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """A method at an address. headers: name to words, all needed; body: its media type and schema, None without one."""

    words: str
    answers: Mapping[int, Answer]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: tuple[str, Mapping[str, object]] | None = None


def refused(words: str) -> Answer:
    return Answer(words, JSON, {"$ref": ERROR})


def ref(name: str) -> dict[str, object]:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT, BYTES = {"type": "string"}, {"type": "string", "contentMediaType": OCTETS}
MESSAGES = {"type": "array", "items": ref("Notification")}
DOWN = {"type": "object", "properties": {"messages": MESSAGES}, "required": ["messages"]}
LINKED = {"type": "object", "properties": {"token": TEXT, "messages": MESSAGES}, "required": ["token", "messages"]}
UP = {
    "type": "object",
    "properties": {"messages": {"type": "array", "items": ref("Command")}},
    "required": ["messages"],
}
TICKET = {"type": "object", "properties": {"seat": TEXT, "ticket": TEXT, "gone": TEXT}, "required": ["seat", "ticket"]}
WAITING = {"type": "object", "properties": {"waiting": TEXT}, "required": ["waiting"]}
ASKED = {"type": "object", "properties": {"seat": TEXT}}
LINK = {"x-studio-link": "the token of `link`, or of the `hello` that a socket began with"}
NAMED = LINK | {"x-studio-name": "the file's name, percent-encoded"}
CLOSED = refused("the link is closed; where another page or the server ended it, `code` says so")
LARGE = refused("more than is taken at once")
BUSY = refused("the last one is still being looked at")
GONE = refused("nobody is shown there: the link was withdrawn, or its session has ended")
FILE = (OCTETS, BYTES)

# (method, address below the prefix) -> what is done there. "WS" is a WebSocket.
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/ticket"): Operation(
        "Gives a seat, and a ticket that opens one link to it within 30 seconds",
        {
            200: Answer("a seat, as it was left where you say its id; `gone` if that one has ended", JSON, TICKET),
            400: refused("the body is no JSON object"),
            403: refused("asked from another machine without this server's address as Origin"),
            503: Answer("all seats are taken, or no model is loaded yet: why, in words; ask again", JSON, WAITING),
        },
        body=(JSON, ASKED),
    ),
    ("WS", "/ws"): Operation(
        "Carries messages both ways as text, frames down and pictures up as binary",
        {101: Answer("opened; the first message goes up", ""), 403: refused("no good ticket, or a foreign Origin")},
        {"sec-websocket-protocol": "`studio.v1, ticket.` and the ticket"},
    ),
    ("POST", "/link"): Operation(
        "Opens a link by plain HTTP, where no WebSocket comes through",
        {200: Answer("the link's token and its first messages", JSON, LINKED), 403: refused("no good ticket")},
        {"x-studio-ticket": "the ticket"},
    ),
    ("GET", "/frame"): Operation(
        "Gives the newest frame not yet had, as soon as there is one",
        {200: Answer("a frame", OCTETS, BYTES), 204: Answer("none came in ten seconds", ""), 403: CLOSED},
        LINK,
    ),
    ("POST", "/up"): Operation(
        "Takes messages, or one picture as `application/octet-stream`, and gives what there is to tell",
        {200: Answer("what there is to tell", JSON, DOWN), 403: CLOSED, 413: LARGE},
        LINK,
        (JSON, UP),
    ),
    ("POST", "/open"): Operation(
        "Opens a take, or a file that carries one, at the link's seat",
        {200: Answer("`take`, `frames`, `remarks`; or `error`, in words"), 403: CLOSED, 413: LARGE, 429: BUSY},
        NAMED,
        FILE,
    ),
    ("POST", "/motion"): Operation(
        "Takes a driving video; its motion comes as messages",
        {200: Answer("it is being looked at"), 403: CLOSED, 413: LARGE},
        NAMED,
        FILE,
    ),
    ("POST", "/cut"): Operation(
        "Cuts the subject out of a picture",
        {200: Answer("`picture`, `mask`, `remarks`; or `error`, in words"), 403: CLOSED, 413: LARGE, 429: BUSY},
        LINK,
        FILE,
    ),
    ("GET", "/view/{secret}"): Operation(
        "Gives the page of a window for a projector, which shows the picture and nothing else",
        {200: Answer("the page, which waits until there is a picture", "text/html", TEXT)},
    ),
    ("WS", "/watch/{secret}"): Operation(
        "Carries frames down to a viewer, who changes nothing; up go `ack`, `pong` and `decodes`",
        {
            101: Answer("opened; the first message goes up", ""),
            403: refused("a foreign Origin, or nobody is logged in"),
        },
    ),
    ("GET", "/mjpeg/{secret}"): Operation(
        "Gives the picture as MJPEG, the newest of each moment, until it is withdrawn",
        {
            200: Answer("JPEG pictures, one after the other", "multipart/x-mixed-replace", BYTES),
            404: GONE,
            503: refused("as many as may are looking on"),
        },
    ),
    ("GET", "/download/{secret}"): Operation(
        "Gives a score, a video or a picture, by the secret a message named",
        {200: Answer("the file", OCTETS, BYTES), 404: refused("it is no longer on offer")},
    ),
    ("GET", "/web/{name}"): Operation(
        "Gives a file of the page's script or style",
        {200: Answer("the file", "text/javascript", TEXT), 404: refused("there is no such file")},
    ),
    ("GET", "/openapi.json"): Operation(
        "Gives all of this as OpenAPI 3.1", {200: Answer("the description", JSON, {"type": "object"})}
    ),
}
