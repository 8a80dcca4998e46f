"""What a page sent before it went is done, also what was just being done when its line broke."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
from ui_stand_ins import StandIn

from studio.controls import Stroke
from studio.ui.connection import Connection
from studio.ui.seat import Seat


def test_a_command_that_was_begun_when_the_page_went_is_done_once(tmp_path):
    """The threads are all busy, as on a loaded machine: what is cancelled while it waits for one would be lost."""

    async def test():
        busy = threading.Event()
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        occupied = asyncio.get_running_loop().run_in_executor(None, busy.wait, 20)
        session = StandIn()
        connection = Connection(Seat(session, tmp_path), {})
        stroke = Stroke("a", "fox", ((0, 0.5, 0.5),), mode="pin")
        connection.accept(json.dumps({"type": "control", "number": 1, "control": stroke.to_message()}))
        async with anyio.create_task_group() as group:
            group.start_soon(connection.work)
            await asyncio.sleep(0.05)  # taken from the queue, waiting for a thread
            group.cancel_scope.cancel()
            threading.Timer(0.3, busy.set).start()
        await connection.work()
        await occupied
        assert session.sent.count(stroke) == 1

    asyncio.run(test())
