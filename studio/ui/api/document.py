"""The description as OpenAPI 3.1, made from the code's own tables."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from studio import __version__
from studio.controls import CONTROLS, Control
from studio.ui.api import spoken
from studio.ui.api.operations import OPERATIONS, Operation
from studio.ui.protocol import Notification
from studio.ui.recorder import Take

PREFIX = "/gradio_api/studio"
SCALARS: dict[object, dict[str, object]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    type(None): {"type": "null"},
}
INTRODUCTION = (
    "What the studio's page uses. Ask for a ticket, open the WebSocket with it, and speak: see `Command` for what goes "
    "up and `Notification` for what comes down, in docs/guide/api.md with a program of thirty lines."
)


def openapi(root: str = "") -> dict[str, Any]:
    """Give the whole description. root: the sub-path a proxy serves the server under."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Live Studio", "version": __version__, "description": INTRODUCTION},
        "servers": [{"url": root + PREFIX}],
        "paths": paths(),
        "components": {"schemas": schemas()},
    }


def paths() -> dict[str, Any]:
    """Give every address with its methods; a WebSocket is a GET whose messages `x-websocket` names."""
    made: dict[str, dict[str, Any]] = {}
    for (method, address), operation in OPERATIONS.items():
        made.setdefault(address, {})["get" if method == "WS" else method.lower()] = told(method, address, operation)
    return made


def told(method: str, address: str, operation: Operation) -> dict[str, Any]:
    """Give one method at an address."""
    in_path = [part[1:-1] for part in address.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in in_path]
    parameters += [
        {"name": name, "in": "header", "required": True, "description": words, "schema": {"type": "string"}}
        for name, words in operation.headers.items()
    ]
    answers = {
        str(status): {"description": one.words}
        | ({"content": {one.media: {"schema": one.schema}}} if one.media else {})
        for status, one in operation.answers.items()
    }
    made: dict[str, Any] = {"summary": operation.words, "responses": answers}
    if parameters:
        made["parameters"] = parameters
    if operation.body:
        media, schema = operation.body
        made["requestBody"] = {"content": {media: {"schema": schema}}}
    if method == "WS":
        made["x-websocket"] = {"up": reference("Command"), "down": reference("Notification")}
    return made


def schemas() -> dict[str, Any]:
    """Give the schema of every message and control, by name, and those that stand for any of them."""
    up = {f"Say {name}": spoken.schema(name, message) for name, message in spoken.messages().items()}
    down = {f"Hear {one.type}": notification_schema(one) for one in notifications()}
    controls = {f"Control {kind}": control_schema(control) for kind, control in CONTROLS.items()}
    refusal = {"type": "object", "properties": {"error": SCALARS[str], "code": SCALARS[int]}, "required": ["error"]}
    made = {
        "Command": any_of(map(component, up)),
        "Notification": any_of(map(component, down)),
        "Control": any_of(map(component, controls)),
        "Take": fields_schema(Take),
        "Refusal": refusal,
    }
    return made | {component(name): schema for name, schema in (up | down | controls).items()}


def component(name: str) -> str:
    """Give a name as a component may have it: "Say open-bookmark" is SayOpenBookmark."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace("-", " ").replace("_", " ").split())


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def any_of(names: Iterable[str]) -> dict[str, Any]:
    return {"anyOf": [reference(name) for name in names]}


def notifications() -> list[type[Notification]]:
    """Give every class of message that the server sends, in the order of `protocol`."""
    return Notification.__subclasses__()


def notification_schema(kind: type[Notification]) -> dict[str, Any]:
    """Give the schema of what a client is told; all of its fields are always there."""
    made = fields_schema(kind)
    return made | {
        "properties": {"type": {"const": kind.type}} | made["properties"],
        "required": ["type", *made["properties"]],
    }


def control_schema(kind: type[Control]) -> dict[str, Any]:
    """Give the schema of a control, with the ranges and choices that its widgets show."""
    made = fields_schema(kind)
    for widget in kind.widgets:
        if widget.field in made["properties"]:
            made["properties"][widget.field] |= widget_schema(widget.describe())
    needed = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
    return made | {
        "properties": {"kind": {"const": kind.kind}} | made["properties"],
        "required": ["kind", *needed],
    }


def widget_schema(widget: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a widget says of its field: the limits that the control checks, or its choices."""
    made: dict[str, Any] = {"title": widget["label"]}
    if limits := widget.get("limits"):
        made |= {"minimum": limits[0], "maximum": limits[1]}
    if choices := widget.get("choices"):
        made["enum"] = list(choices)
    return made


def fields_schema(kind: type) -> dict[str, Any]:
    """Give the schema of a dataclass's fields."""
    hints = typing.get_type_hints(kind, localns={"Take": Take})
    return {
        "type": "object",
        "description": "\n\n".join(" ".join(part.split()) for part in (kind.__doc__ or "").split("\n\n")),
        "properties": {field.name: type_schema(hints[field.name]) for field in dataclasses.fields(kind)},
    }


def type_schema(hint: Any) -> dict[str, Any]:
    """Give the schema of a value of a type, as `json` writes it; any value where the type says no more."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Take:
        return dict(reference("Take"))
    if hint in SCALARS:
        return dict(SCALARS[hint])
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [type_schema(one) for one in inner]}
    if origin is tuple and Ellipsis not in inner:
        return {"type": "array", "prefixItems": [type_schema(one) for one in inner]}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return {"type": "array", "items": type_schema(inner[0])}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object"}
    return {}
