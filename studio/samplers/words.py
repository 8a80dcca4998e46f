"""The words in force, and how a sampler is told of other ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from studio.controls import Mix, Prompt, active_prompts

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.samplers.base import Sampler

Heard = str | tuple[Mix, str]  # a text, or the texts of a mix with their shares, and how they are mixed
Words = tuple[tuple[Heard, float], ...]


def switch_words(sampler: Sampler[Any, Any], last: Words | None, state: ControlState) -> tuple[Words, bool]:
    """Tell a sampler of words other than the last frame's: those in force, and whether the picture is cut there.

    Once for all that came since the last frame, and while they blend in again. A blend recaches at each chunk, so that
    cache and words go together; "cut" cuts once, at its start. So does a mix whose weights move: it is a new prompt
    only if nothing of it was heard in the one before. last: None after a clean start, nothing to switch from.
    """
    words, kind, cuts = active_words(state), state[Prompt].switch, False
    if last is not None and last != words:
        is_new_prompt = not texts_in(last[-1][0]) & texts_in(words[-1][0])
        if is_new_prompt or kind == "recache":
            sampler.switch(kind, state, is_new_prompt)
        cuts = is_new_prompt and kind == "cut"
    return words, cuts


def active_words(state: ControlState) -> Words:
    """Give the texts in force in the frame being drawn and their weights; a text that blends into itself is one."""
    words: list[tuple[Heard, float]] = [(heard_of(prompt), weight) for prompt, _, weight in active_prompts(state)]
    return tuple(one for one, before in zip(words, [("", 0.0), *words], strict=False) if one[0] != before[0])


def heard_of(prompt: Prompt) -> Heard:
    """Give what is heard of a prompt."""
    heard = prompt.heard
    return heard[0][0] if len(heard) == 1 else (heard, prompt.interpolation)


def texts_in(heard: Heard) -> set[str]:
    """Give the texts of what is heard."""
    return {heard} if isinstance(heard, str) else {text for text, _ in heard[0]}
