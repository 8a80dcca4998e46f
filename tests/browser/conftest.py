"""One browser and one server for all tests of the page: what takes longest to start is started once."""

import pytest

from browser.page import CHROMIUM, EXPECTED, FLAGS, Server, Visit


@pytest.fixture(scope="package")
def started():
    """Playwright, where it and a browser are."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"needs chromium at {CHROMIUM}")
    with playwright.sync_playwright() as one:
        yield one


@pytest.fixture(scope="package")
def served(started, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("takes"))
    yield server
    server.page.close()


@pytest.fixture(scope="package")
def chromium(started):
    browser = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def server(served):
    served.clear()
    yield served
    served.clear()


@pytest.fixture(scope="package")
def laptop(chromium):
    """One browser profile for all tests on a laptop, so that only the first loads Gradio's scripts."""
    context = chromium.new_context(accept_downloads=True, viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def browse(server, chromium, laptop):
    """`browse()` opens the page, waits for pictures, and gives a Visit; no page may have said an error."""
    pages, errors = [], []

    def opened(context=laptop, query="", frames=2, prepare=lambda page: None):
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        prepare(page)
        page.goto(server.address + query)
        if frames:
            page.wait_for_function(f"window.studio?.stage?.drawn >= {frames}", timeout=60_000)
        return Visit(page, server.session)

    yield opened
    for page in pages:
        page.close()
    assert [error for error in errors if not any(known in error for known in EXPECTED)] == []
