"""What becomes of the first frames, which a video model keeps for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from studio.controls.base import Control, check_choice, check_integer, settle
from studio.controls.widgets import Choice, Counter, Widget

POLICIES = ("recache", "keep", "keep_after_window", "renew", "reanchor")


@dataclass(frozen=True)
class Sink(Control):
    """The policy for the sink frames at a prompt switch with recache, and what was asked for by hand, each a count.

    policy: "recache" puts the sink under the new words with the other frames, "keep" leaves it under the old ones.
    "keep_after_window" is "recache" while no frame has left the window yet and "keep" from then on: what LongLive's
    code does with `global_sink: true`, with which its checkpoint was published. "renew" makes the oldest frames of the
    window the new sink, "reanchor" the oldest of all that LongLive recaches with `global_sink: false`: its last sink +
    window + chunk frames. renewed: 0..1,000,000; each higher number renews the sink once, now. refreshed: likewise;
    each higher number builds the cache anew from the chunk that came out last, once, now: the frames before it are
    forgotten, and what is seen stays where it is.
    """

    policy: str = "recache"
    renewed: int = 0
    refreshed: int = 0
    kind: ClassVar[str] = "sink"
    widgets: ClassVar[tuple[Widget, ...]] = (
        Choice(
            "policy",
            "First frames at a switch",
            section="prompt",
            order=70,
            needs="sink",
            advanced=True,
            choices=POLICIES,
            info="A video model never forgets its first frames: read anew under the new words, kept under the old, or "
            "taken anew. A model starts as it was published.",
        ),
        Counter(
            "renewed", "Renew first frames now", section="prompt", order=80, needs="sink", advanced=True, name="renew"
        ),
        Counter("refreshed", "Refresh from this picture (Y)", section="prompt", order=90, needs="sink", advanced=True),
    )

    def __post_init__(self) -> None:
        settle(
            self,
            policy=check_choice("sink policy", self.policy, POLICIES),
            renewed=check_integer("sink renewed", self.renewed, 0, 1_000_000),
            refreshed=check_integer("sink refreshed", self.refreshed, 0, 1_000_000),
        )
