"""A hub on this machine: the few answers of huggingface.co that a download asks for, and the ways it goes wrong."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LittleHub:
    """files: {"owner/name/path": bytes}. Large ones (over a thousand bytes) are sent by another address, as the hub's.

    cut: so many bytes of an answer are sent, then the line breaks, as often as `cuts` says. status: an answer to
    everything, with its X-Error-Code. ranges: False ignores Range. wrong: bytes are spoilt on the way.
    """

    def __init__(self, files):
        self.files = dict(files)
        self.commit = COMMIT
        self.cut, self.cuts = 0, 0
        self.status, self.code = 200, ""
        self.ranges, self.wrong = True, False
        self.asked = []  # (method, path, Range) of every request

    def sent(self, method="GET"):
        """The requests of a method, by path and range."""
        return [(path, span) for asked, path, span in self.asked if asked == method]


def key(content):
    """A file's checksum as the hub names it: sha256 of a large file, git's of a small one."""
    if len(content) > 1000:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Answers(BaseHTTPRequestHandler):
    hub: LittleHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        hub = self.hub
        hub.asked.append((self.command, self.path, self.headers.get("Range")))
        if hub.status != 200:
            return self.say(hub.status, {"X-Error-Code": hub.code} if hub.code else {})
        repo, _, rest = self.path.lstrip("/").partition("/resolve/")
        name = f"{repo}/{rest.partition('/')[2]}" if rest else self.path.removeprefix("/cdn/")
        if name not in hub.files:
            return self.say(404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": hub.commit})
        content = hub.files[name]
        told = {"X-Repo-Commit": hub.commit, "ETag": f'"{key(content)}"'}
        if rest and len(content) > 1000:
            linked = {"X-Linked-Etag": f'"{key(content)}"', "X-Linked-Size": str(len(content))}
            return self.say(302, told | linked | {"Location": f"http://{self.headers['Host']}/cdn/{name}"})
        self.send(content, told, body)

    def send(self, content, told, body):
        hub = self.hub
        start = 0
        span = self.headers.get("Range")
        if span and hub.ranges:
            start = int(span.removeprefix("bytes=").partition("-")[0])
            told = told | {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        rest = content[start:]
        self.send_response(206 if span and hub.ranges else 200)
        for name, value in (told | {"Content-Length": str(len(rest))}).items():
            self.send_header(name, value)
        self.end_headers()
        if not body:
            return
        if hub.wrong:
            rest = bytes(255 - byte for byte in rest)
        if hub.cuts and hub.cut < len(rest):
            hub.cuts -= 1
            self.wfile.write(rest[: hub.cut])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(rest)

    def say(self, status, headers):
        self.send_response(status)
        for name, value in (headers | {"Content-Length": "0"}).items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def serving(hub: LittleHub) -> Iterator[str]:
    """The hub's address while it is open."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Answers,), {"hub": hub}))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
