"""What a person should know of how a model was opened: said in the log, and kept for the page."""

from __future__ import annotations

import logging

log = logging.getLogger("studio")


class Notices:
    """Called with words for a person; keeps them in order."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def __call__(self, words: str) -> None:
        log.warning("%s", words)
        self.words.append(words)
