"""A session with a session's manners and no model: for tests of what is around it."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio.conditioning import PromptStates
from studio.controls import Control, ControlError, ControlState, Erase, Pause, opening_events, strokes
from studio.frames import Frame
from studio.models.base import Capabilities, Model
from studio.presets import Preset
from studio.score import Event, Header, Score
from studio.session.history import History
from studio.trajectory import placements


@dataclass(frozen=True)
class StandInReceipt:
    revision: int
    kind: str
    frame: int


class StandInModel(Model):
    """What a page is told of a model."""

    name, weights_id = "stand-in", "0" * 12

    def __init__(self, size: tuple[int, int], **able: Any) -> None:
        """able: of `Capabilities`."""
        self.capabilities = Capabilities(size, (4, 1, 1), **{"labels": ("fox", "bear")} | able)

    def prepare(self, prompt: str, loras: Any = None) -> Any:
        """Read any words but what stands in brackets."""
        return PromptStates(torch.zeros(1, 1), remarks=["It reads no brackets."] if "(" in prompt else [])

    def condition(self, states: Any, inputs: Any, frames: Any) -> Any:
        raise NotImplementedError("it draws no words")

    def denoise(self, rows: Any, cache: Any = None, write: int = 0, causal: bool = True) -> Any:
        raise NotImplementedError("it draws no words")

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        return tuple((steps - k) / steps for k in range(steps))


class StandInEngine:
    """What is in force, and the number of the next frame."""

    sampler_name = "stream"

    def __init__(self) -> None:
        self.state, self.frame = ControlState(), 0


class StandInSession:
    """Draws a grey picture that changes with the frame, and a white square of 5x5 pixels where each subject is."""

    def __init__(self, size: tuple[int, int] = (64, 64)) -> None:
        self.model = StandInModel(size)
        self.engine = StandInEngine()
        self.outputs: list = []
        self.history = History()
        self.auditioning = None
        self.receipts: deque[StandInReceipt] = deque(maxlen=1000)
        self.sent: list[Control] = []
        self.problem: str | None = None
        self.starts = 0
        self._revision = self._applied = 0
        self._inbox: dict = {}
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._recording = False
        self._begin(0)

    def send(self, control: Control) -> int:
        if getattr(control, "label", "") == "unicorn":
            raise ControlError("this model knows no 'unicorn'; name something else")
        with self._lock:
            self._revision += 1
            self._inbox[control.slot] = (self._revision, control)
            self.sent.append(control)
            return self._revision

    @property
    def ahead(self) -> tuple[Event, ...]:
        return ()

    def play(self, preset: Preset) -> None:
        self.send(Erase("*"))
        for event in preset.events:
            self.send(event.control)

    def pending_state(self) -> ControlState:
        with self._lock:
            waiting = [control for _, control in self._inbox.values()]
            return self.engine.state.updated(*waiting, frame=self.engine.frame)

    def step(self) -> Frame | None:
        with self._lock:
            sent, self._inbox = list(self._inbox.values()), {}
            for revision, control in sent:
                self.engine.state = self.engine.state.after(control, self.engine.frame)
                self._applied = revision
                self.receipts.append(StandInReceipt(revision, control.kind, self.engine.frame))
                self._events.append(Event(self.engine.frame, control))
            if self.engine.state[Pause].paused:
                return None
            frame = Frame(self.engine.frame, self._drawn(), self._applied, time.time_ns(), 1.0)
            self.engine.frame += 1
            for output in tuple(self.outputs):
                output.put(frame)
            return frame

    def _drawn(self) -> np.ndarray:
        height, width = self.model.size
        picture = np.full((height, width, 3), self.engine.frame % 128, np.uint8)
        for placed in placements(strokes(self.engine.state), self.engine.frame):
            y, x = round(placed.y * height), round(placed.x * width)
            picture[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = 255
        return picture

    @property
    def stats(self) -> dict:
        return {
            "fps": 50.0,
            "tick_ms": 1.0,
            "frame": self.engine.frame,
            "revision": self._applied,
            "paused": self.engine.state[Pause].paused,
            "recording": self._recording,
            "problem": self.problem,
            "error": None,
        }

    @property
    def running(self) -> bool:
        return self._thread is not None

    def start(self, fps: float | None = None) -> None:
        if self._thread is None:
            self.starts += 1
            self._stopping = threading.Event()
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(0.02):
            self.step()

    def stop(self) -> None:
        if self._thread is not None:
            self._stopping.set()
            self._thread.join()
            self._thread = None

    def _begin(self, frame: int) -> None:
        height, width = self.model.size
        self.engine.frame = self._start = frame
        self._header = Header("stand-in", "0" * 12, width, height, frame, None, "stream")
        self._events = [Event(at, control) for at, control in opening_events(self.engine.state, frame)]

    def record(self, path: Path) -> int:
        with self._lock:
            self._begin(self.engine.frame)
            self._path, self._recording = path, True
            return self.engine.frame

    def stop_recording(self) -> Score:
        with self._lock:
            score, self._recording = self.score, False
            score.write(self._path)
            return score

    @property
    def score(self) -> Score:
        with self._lock:
            return Score(replace(self._header, frames=self.engine.frame - self._start), list(self._events))

    def leading_to(self, frame: int) -> None:
        """It keeps nothing of what was played."""

    def played_since(self, start: Any = None) -> None:
        """Nor this."""

    def reset(self, seed: int | None = None) -> None:
        with self._lock:
            self._begin(0)


StandIn: Any = StandInSession  # it stands where a Session is asked for
