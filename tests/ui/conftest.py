"""Servers for the tests of what is between a page and its session."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from ui_stand_ins import StandIn

from studio.ui.routes import Routes
from studio.ui.seats import Seats
from ui.client import PRESET, Clock, launched

MINUTE = 60.0


@pytest.fixture
def house(tmp_path):
    routes = Routes(Seats(StandIn, opening=PRESET, takes=tmp_path), {"fox": PRESET})
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    with TestClient(app) as client:
        yield routes, client


@pytest.fixture
def timed(tmp_path):
    """A house with a heartbeat a minute, on time that passes when it is told to."""
    clock = Clock()
    routes = Routes(Seats(StandIn, opening=PRESET, takes=tmp_path), {"fox": PRESET}, MINUTE, clock)
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    with TestClient(app) as client:

        def beat(times=1):
            for _ in range(times):
                clock.now += routes.connections.heartbeat
                assert client.portal
                client.portal.call(routes.connections.beat)

        yield routes, client, beat


@pytest.fixture(scope="package")
def served(tmp_path_factory):
    """The address of a whole server, Gradio's part too, and its routes."""
    address, routes, page = launched(tmp_path_factory.mktemp("takes"), allowed_hosts=["studio.example"])
    yield address.rstrip("/"), routes
    routes.seats.close_all()
    page.close()
