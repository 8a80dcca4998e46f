"""What a server is started with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.ui.security import LOOPBACK

if TYPE_CHECKING:
    from studio.presets import Preset
    from studio.session.session import Session
    from studio.ui.library import Library


@dataclass(frozen=True)
class ServerOptions:
    """How the page is served, and what it plays.

    model: a name or a folder, loaded with `options` (`studio.models.load`) before the port opens. host, port: where it
    listens; None: the first free port from 7860. share: also by a public address of Gradio's. block: `launch` returns
    only when the server is stopped. presets: by their names, those of the package if None. takes: the folder for takes.
    sessions: how many may run at once. models: the names a page may change to; without them, all there are if only this
    machine can open the page, and none if others can. library: models from elsewhere than the catalogue.
    session_factory: makes one session for each open page instead.
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

    @property
    def offered(self) -> Collection[str] | None:
        """The models a page may change to; None is all there are.

        What the host says; else all on the person's own machine, and nothing where strangers can open the page and fill
        its disk and memory.
        """
        is_own = self.host in LOOPBACK and not self.share
        return self.models if self.models is not None or is_own else ()
