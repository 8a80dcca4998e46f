"""What a server is started with."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.ui.address import bare_host
from studio.ui.autosave import SavedLines
from studio.ui.errors import OptionsError
from studio.ui.saved import OLDEST, SavedSeats, file_name
from studio.ui.security import LOOPBACK, HostPolicy, netloc

if TYPE_CHECKING:
    from studio.presets import Preset
    from studio.session.session import Session
    from studio.ui.library import Library


DISK_PER_STRANGER = 2 * 10**9  # bytes of takes


@dataclass(frozen=True)
class ServerOptions:
    """How the page is served, and what it plays.

    model: a name or a folder, loaded with `options` (`studio.models.load`) before the port opens. host, port: where it
    listens; None: the first free port from 7860. share: also by a public address of Gradio's. block: `launch` returns
    only when the server is stopped. presets: by their names, those of the package if None. takes: the folder for takes.
    sessions: how many may run at once. models: the names a page may change to; without them, all there are if only this
    machine can open the page, and none if others can. library: models from elsewhere than the catalogue.
    session_factory: makes one session for each open page instead.

    allowed_hosts: names by which the server may be asked, beside its own (`security.HostPolicy`). auth: who may come
    in, {user: password}; None: everybody. root_path: the sub-path, or the whole address, that a proxy serves it under.
    certificate, key: files (PEM) for https. disk_per_person: bytes of takes kept for each address; None: no limit.
    state: the folder where sessions are saved, for their pages to come back to after a restart; None: nowhere.
    osc: the port, or HOST:PORT, where OSC is heard, "" for none; osc_out: HOST:PORT that is told what is shown.
    outputs: other programs that show the stream (`outputs.live.SINKS`), that of one session at a time.
    film: a video file that every session draws from (`session.film_in`).
    """

    model: str = "pocket"
    host: str = "127.0.0.1"
    port: int | None = 7860
    share: bool = False
    open_browser: bool = False
    session_factory: Callable[[], Session] | None = None
    block: bool = True
    presets: Mapping[str, Preset] | None = None
    takes: Path | str = "takes"
    sessions: int = 2
    models: Collection[str] | None = None
    library: Library | None = None
    options: Mapping[str, Any] | None = None
    allowed_hosts: Collection[str] = ()
    auth: Mapping[str, str] | None = None
    root_path: str | None = None
    certificate: Path | str | None = None
    key: Path | str | None = None
    disk_per_person: int | None = None
    state: Path | str | None = None
    osc: str | int = ""
    osc_out: str = ""
    outputs: Collection[str] = ()
    film: Path | str | None = None

    @property
    def offered(self) -> Collection[str] | None:
        """The models a page may change to; None is all there are.

        What the host says; else all on the person's own machine, and nothing where strangers can open the page and fill
        its disk and memory.
        """
        return self.models if self.models is not None or self.is_own else ()

    @property
    def is_own(self) -> bool:
        """Whether only this machine can open the page."""
        return bare_host(self.host) in LOOPBACK and not self.share

    @property
    def is_for_one(self) -> bool:
        """Whether only who runs the server opens its pages: nothing says that a proxy brings others."""
        return self.is_own and not (self.root_path or self.allowed_hosts or self.auth)

    @property
    def saved_seats(self) -> SavedSeats | None:
        """Where sessions are saved."""
        return SavedSeats(Path(self.state) / "sessions") if self.state else None

    @property
    def saved_lines(self) -> SavedLines | None:
        """Where what sessions play is saved."""
        return SavedLines(Path(self.state) / "lines", file_name, OLDEST) if self.state else None

    @property
    def disk_quota(self) -> int | None:
        """Bytes of takes that are kept for each address: as was said, else no limit for who owns the machine."""
        return self.disk_per_person if self.disk_per_person is not None or self.is_own else DISK_PER_STRANGER

    @property
    def policy(self) -> HostPolicy:
        """The names the server answers to."""
        root = netloc(self.root_path or "")
        return HostPolicy.of(self.host, [*self.allowed_hosts, *([root] if root else [])], self.share)


def read_auth(text: str) -> dict[str, str]:
    """Give {user: password} of "USER:PASSWORD", or of a file with one a line; raises OptionsError."""
    path = Path(text).expanduser()
    if ":" in text and not path.is_file():
        lines = [text]
    else:
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise OptionsError(
                f"--auth is USER:PASSWORD, or a file with one a line; {text} cannot be read: {error}"
            ) from None
    users = {}
    for number, line in enumerate(lines, 1):
        user, colon, password = line.strip().partition(":")
        if not line.strip() or line.startswith("#"):
            continue
        if not (user and colon and password):
            raise OptionsError(f"--auth, line {number}: a user and a password with a colon between are needed")
        users[user] = password
    if not users:
        raise OptionsError(f"--auth: {text} holds nobody; write USER:PASSWORD, one a line")
    return users


def check_certificate(certificate: Path | str | None, key: Path | str | None) -> None:
    """Raise OptionsError for files that https cannot be served with."""
    if not certificate and not key:
        return
    if not (certificate and key):
        raise OptionsError("https needs both, --certificate and --key; give the other too")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise OptionsError(f"https cannot be served with {certificate} and {key}: {error}") from None
