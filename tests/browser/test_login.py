"""A server with a login, in a real browser."""

import pytest
from ui.client import launched


@pytest.mark.timeout(300)
def test_who_logs_in_on_the_form_plays_by_a_socket(chromium, tmp_path):
    address, routes, page = launched(tmp_path, auth={"ada": "countess"})
    try:
        tab = chromium.new_page()
        tab.goto(address)
        fields = tab.locator("input")
        fields.first.wait_for(timeout=60_000)
        assert tab.locator(".st-stage").count() == 0
        fields.nth(0).fill("ada")
        fields.nth(1).fill("countess")
        tab.locator("button", has_text="Login").click()
        tab.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=90_000)
        assert tab.locator("[data-hud=link]").inner_text() == "live"
        tab.close()
    finally:
        routes.seats.close_all()
        page.close()
