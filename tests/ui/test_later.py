"""Prompts that wait for their frame: set, shown and called off by a page; and marks of how each prompt came in."""

import json

import pytest

from studio.controls import Prompt
from studio.session import Session
from ui.client import linked, told


def command(name, **more):
    return json.dumps({"type": "command", "name": name, **more})


def later(frame, text="winter", **more):
    return command("later", frame=frame, control={"kind": "prompt", "text": text, **more})


def test_a_prompt_that_waits_is_told_and_comes_in_its_frame(model):
    session = Session(model)

    async def test(connection, session):
        await connection.receive(later(3, "winter", mix=[["fog", 1]]))
        assert told(connection, "ahead") == [{"type": "ahead", "items": [[3, "50 % winter + 50 % fog"]]}]
        for _ in range(4):
            session.step()
        texts = [json.loads(text) for text in connection.drain()]
        kinds = [text["type"] for text in texts]
        assert kinds.index("state") < kinds.index("receipts")  # the words before the frame they came in
        assert [text["items"] for text in texts if text["type"] == "receipts"] == [[[1, "prompt", 3]]]
        assert [text["items"] for text in texts if text["type"] == "ahead"] == [[]]
        assert session.engine.state[Prompt].texts == ("winter", "fog")
        connection.updates.tell_timeline()
        session.send(Prompt("spring", blend=6))
        session.step()
        (timeline,) = told(connection, "timeline")
        assert timeline["prompts"][-2:] == [[3, "50 % winter + 50 % fog", "recache", 0], [4, "spring", "blend", 6]]

    linked(test, session)


def test_what_waits_is_called_off(model):
    async def test(connection, session):
        await connection.receive(later(9))
        await connection.receive(command("call-off"))
        assert session.ahead == ()
        assert told(connection, "error") == []

    linked(test, Session(model))


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (later(-4), "frame to wait for is -4"),
        (later(2**40), "frame to wait for"),
        (later("soon"), "frame must be a whole number"),
        (later(5, ""), "empty"),
        (later(5, mix=[["fog", 0]], weight=0), "all 0"),
        (later(5, mix=[[f"fog {n}", 1] for n in range(40)]), "40 texts"),
        (command("later", frame=5), "kind"),
    ],
)
def test_what_cannot_wait_is_told_and_the_stream_goes_on(model, message, says):
    async def test(connection, session):
        await connection.receive(message)
        (error,) = told(connection, "error")
        assert says in error["message"]
        assert session.ahead == ()
        assert session.step() is not None

    linked(test, Session(model))
