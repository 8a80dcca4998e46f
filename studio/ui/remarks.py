"""What of the words in force a model does not read as they are written, for the page to show beside the prompt."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from studio.controls import Prompt
from studio.ui.protocol import Remarks

if TYPE_CHECKING:
    from studio.models.base import Model
    from studio.session.session import Session

LOOKING = ThreadPoolExecutor(1, "studio-remarks")  # words that a model has forgotten it reads again
log = logging.getLogger("studio")


class PromptRemarks:
    """Looks at the words in force whenever they are others, or another model's, and tells what comes of it once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._model: Callable[[], Model | None] = lambda: None  # whose remarks were last asked for; it is not held here
        self._prompt: Prompt | None = None
        self._asked: Future[tuple[str, ...]] | None = None
        self._told: tuple[str, ...] = ()

    def forget(self) -> None:
        """Begin anew, as for a page that shows nothing yet."""
        self._prompt, self._told = None, ()

    def collect(self) -> Iterator[Remarks]:
        """Yield what a page is to show now, if it is something else than before."""
        model, prompt = self._session.model, self._session.pending_state()[Prompt]
        if self._model() is not model or not same_words(self._prompt, prompt):
            self._model, self._prompt = weakref.ref(model), prompt
            self._asked = LOOKING.submit(remarks_on, model, prompt)
        if self._asked is None or not self._asked.done():
            return
        remarks, self._asked = self._asked.result(), None
        if remarks != self._told:
            self._told = remarks
            yield Remarks(remarks)


def same_words(first: Prompt | None, second: Prompt) -> bool:
    """Whether two prompts say the same."""
    return first is not None and (first.texts, first.negative) == (second.texts, second.negative)


def remarks_on(model: Model, prompt: Prompt) -> tuple[str, ...]:
    """Give a model's remarks on a prompt and its negative, which it has read or reads now."""
    try:
        negative = model.prepare(prompt.negative).remarks if prompt.negative else ()
        said = dict.fromkeys(one for text in prompt.texts for one in model.prepare(text).remarks)
        return (*said, *(f"Negative prompt: {one}" for one in negative))
    except Exception:  # our fault, and no reason to end the link
        log.exception("%s could not say what it reads of a prompt", model.name)
        return ()
