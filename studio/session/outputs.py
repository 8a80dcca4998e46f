"""Where a session's frames go."""

from __future__ import annotations

import logging

from studio.frames import Frame, FrameOutput

log = logging.getLogger("studio")


class Outputs(list[FrameOutput]):
    """Every output of a session. An output whose file cannot be written is closed and left, the stream goes on."""

    def put(self, frame: Frame) -> None:
        """Give the frame to every output."""
        for output in tuple(self):
            try:
                output.put(frame)
            except OSError as error:
                log.warning("%s takes no more frames: %s", type(output).__name__, error)
                self.remove(output)

    def close(self) -> None:
        """Close all of them."""
        while self:
            self.pop().close()
