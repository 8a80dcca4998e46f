"""The page behind proxies: under a sub-path, and with https in front of a server that knows nothing of it."""

import contextlib
import http.client
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ui.client import certificate, launched

from browser.page import until

HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "upgrade", "content-length"}


def proxy(upstream: int, prefix: str, tls: ssl.SSLContext | None) -> ThreadingHTTPServer:
    """A proxy that strips a prefix, passes Host on and says nothing of https; no socket comes through it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            if not self.path.startswith(prefix) or "upgrade" in (self.headers.get("connection") or "").lower():
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            line = http.client.HTTPConnection("127.0.0.1", upstream, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            line.request(self.command, self.path.removeprefix(prefix) or "/", body, headers)
            answer = line.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(data)
            line.close()

        do_GET = do_POST = do_HEAD = handle_any

        def log_message(self, format: str, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("prefix", "https"), [("/studio", False), ("", True), ("/studio", True)])
def test_the_page_goes_live_behind_a_proxy(chromium, tmp_path, prefix, https):
    tls = None
    if https:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate(tmp_path))
    address, routes, page = launched(tmp_path / "takes", root_path=prefix or None)
    front = proxy(int(address.rstrip("/").rpartition(":")[2]), prefix, tls)
    try:
        tab = chromium.new_page(ignore_https_errors=True)
        tab.goto(f"{'https' if https else 'http'}://127.0.0.1:{front.server_port}{prefix}/")
        tab.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=90_000)
        assert tab.locator("[data-hud=link]").inner_text() == "live by HTTP"
        tab.locator("#studio-prompt textarea").fill("a harbour")
        tab.locator("#studio-apply").click()
        (seat,) = routes.seats.taken.values()
        until(lambda: any(getattr(control, "text", "") == "a harbour" for control in seat.session.sent))
        tab.close()
    finally:
        front.shutdown()
        routes.seats.close_all()
        page.close()
