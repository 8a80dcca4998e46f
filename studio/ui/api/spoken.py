"""What a client says: an example of every command with all its fields, and what each field holds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from studio.controls import ControlError
from studio.ui.parsing import read
from studio.ui.protocol import Command, ProtocolError

WHOLE, NUMBER, TEXT = {"type": "integer"}, {"type": "number"}, {"type": "string"}
CONTROL = {"$ref": "#/components/schemas/Control"}

# The same name means the same in every message.
FIELDS: dict[str, Mapping[str, object]] = {
    "number": WHOLE | {"description": "your own, by which an answer names the message"},
    "saw": WHOLE | {"description": "the frame that was on your page"},
    "sequence": WHOLE | {"description": "of a frame that has been shown"},
    "control": CONTROL,
    "controls": {"type": "array", "items": CONTROL},
    "frame": WHOLE,
    "first": WHOLE,
    "step": WHOLE | {"description": "your own, by which `left` names what was left"},
    "steps": WHOLE,
    "fps": WHOLE,
    "preset": TEXT,
    "model": TEXT,
    "branch": {"type": ["integer", "string"], "description": "its id or name; without it, the one left last"},
    "bookmark": TEXT,
    "moment": {"type": ["integer", "string"], "description": "a branch's id, or a bookmark's name"},
    "to": {"type": ["string", "number"]},
    "one": WHOLE,
    "other": WHOLE,
    "take": TEXT,
    "edits": {"type": "array", "items": {"type": "object"}},
    "as": TEXT,
    "size": {"type": "array", "items": WHOLE, "description": "height, width"},
    "form": TEXT,
    "x": NUMBER | {"minimum": 0, "maximum": 1},
    "y": NUMBER | {"minimum": 0, "maximum": 1},
    "id": TEXT,
    "label": TEXT,
    "stiffness": NUMBER,
    "mask": TEXT | {"contentEncoding": "base64", "contentMediaType": "image/png"},
    "latency": NUMBER,
    "line": NUMBER,
    "page": NUMBER,
    "h264": {"type": "boolean", "description": "whether you show H.264, which is sent where the line is slow"},
}
OTHERWISE: dict[tuple[str, str], Mapping[str, object]] = {("grab", "size"): NUMBER}  # by command and field
PROMPT = {"kind": "prompt", "text": "a harbour at night"}
EDITS: dict[str, object] = {"take": "take-1", "edits": []}

# By the type of a message; of "command", by its name.
EXAMPLES: dict[str, dict[str, object]] = {
    "control": {"number": 1, "saw": 0, "control": PROMPT},
    "ack": {"sequence": 1},
    "pong": {"number": 1},
    "decodes": {"h264": True},
    "measured": {"latency": 90.0, "line": 4.0, "page": 8.0},
}
COMMANDS: dict[str, dict[str, object]] = {
    "record": {},
    "stop": {},
    "reset": {},
    "snapshot": {"saw": 120},
    "preset": {"preset": "01-fox-and-seasons"},
    "models": {},
    "load": {"model": "pocket"},
    "cancel": {},
    "rewind": {"frame": 48, "step": 1},
    "branch": {"branch": 2, "step": 1},
    "bookmark": {},
    "open-bookmark": {"bookmark": "moment-1", "step": 1},
    "rename-moment": {"moment": 2, "to": "the storm"},
    "remove-moment": {"moment": 2},
    "keep-branch": {"branch": 2},
    "compare": {"one": 1, "other": 2},
    "keep": {},
    "edit": EDITS | {"number": 1},
    "save-version": EDITS | {"as": "slower"},
    "show-take": EDITS | {"first": 24},
    "live": {},
    "render": EDITS | {"steps": 4, "fps": 24, "model": "pocket", "size": [512, 512]},
    "cancel-render": {},
    "export": {"take": "take-1", "form": "gif"},
    "cancel-export": {},
    "cancel-motion": {},
    "withdraw-views": {},
    "audition": {"controls": [PROMPT]},
    "audition-drop": {},
    "audition-seen": {},
    "later": {"control": PROMPT, "frame": 240},
    "call-off": {},
    "dial": {"to": "balanced"},
    "grab": {"number": 1, "frame": 120, "x": 0.5, "y": 0.4, "id": "1", "label": "thing", "size": 0.3, "stiffness": 0.5},
}
# Fields that are read without, and refused when it is done.
ASKED_FOR = {"control": ("control",), "later": ("control",), "preset": ("preset",), "load": ("model",)}
OPTIONAL = {"grab": ("mask",)}  # fields whose example would fill the page


def messages() -> dict[str, dict[str, Any]]:
    """Give every message that a client may say, whole, by its name: of commands, by the command's."""
    said = {name: {"type": name, **fields} for name, fields in EXAMPLES.items()}
    return said | {name: {"type": "command", "name": name, **fields} for name, fields in COMMANDS.items()}


def command_of(message: Mapping[str, Any]) -> Command:
    """Give what the server makes of a message."""
    return read(dict(message))


def needed(message: Mapping[str, Any]) -> list[str]:
    """Give the fields without which the server refuses a message: those it is read without are left out."""
    asked_for = ASKED_FOR.get(str(message.get("name", message["type"])), ())
    fields = [name for name in message if name not in ("type", "name")]
    return [name for name in fields if name in asked_for or not reads_without(message, name)]


def reads_without(message: Mapping[str, Any], name: str) -> bool:
    """Whether the server takes a message that lacks a field."""
    with suppress(ProtocolError, ControlError):
        read({key: value for key, value in message.items() if key != name})
        return True
    return False


def schema(name: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """Give the JSON schema of a message."""
    told: dict[str, Mapping[str, object]] = {"type": {"const": message["type"]}}
    if message["type"] == "command":
        told["name"] = {"const": name}
    fields = [field for field in message if field not in told] + list(OPTIONAL.get(name, ()))
    told |= {field: OTHERWISE.get((name, field), FIELDS[field]) for field in fields}
    words = (type(command_of(message)).__doc__ or "").split("\n\n")[0]
    return {
        "type": "object",
        "description": " ".join(words.split()),
        "properties": told,
        "required": [*(key for key in told if key in ("type", "name")), *needed(message)],
        "examples": [dict(message)],
    }
