"""Videos in fragments, as a take is written while it is recorded: whatever ends the process, they play to there."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer

log = logging.getLogger("studio")


def part_of(path: Path) -> Path:
    """Give the name of a video while it is written."""
    return path.with_name(f".{path.stem}.part{path.suffix.lower() or '.mp4'}")


def recover_video(path: str | Path) -> bool:
    """Give a video its name, in one piece, whose process was killed; whether there was one with a picture in it.

    path: the name it would have had. Raises OSError if it cannot be written.
    """
    path = Path(path)
    return part_of(path).is_file() and finish_fragments(part_of(path), path)


def finish_fragments(part: Path, path: Path, frames: int | None = None) -> bool:
    """Make one piece of a video in fragments, under another name; whether there is a picture in it.

    frames: how many to keep, if not all. Where the disk has no room for both, the fragments get the name: they play.
    """
    from av.error import InvalidDataError

    try:
        copy_in_one_piece(part, path, frames)
    except InvalidDataError:  # the process was killed before the first picture
        part.unlink(missing_ok=True)
        return False
    except OSError as error:
        log.warning("%s stays in fragments (%s); it plays, and some players cannot seek in it", path, error)
        part.replace(path)
    part.unlink(missing_ok=True)
    return True


def copy_in_one_piece(part: Path, path: Path, frames: int | None) -> None:
    """Copy so many pictures as they are encoded, or all that can be read, with the index at the front."""
    copy_packets(part, path, "mp4", frames=frames, options={"movflags": "faststart"})


def copy_packets(
    source: Path,
    target: Path,
    container: str,
    *,
    frames: int | None = None,
    options: Mapping[str, str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a video's pictures into another file, or the same, as they are encoded; whole or not at all."""
    import av

    whole = source.with_suffix(f".whole.{container}")
    try:
        with av.open(str(source)) as old, av.open(str(whole), "w", container, options=dict(options)) as new:
            stream = new.add_stream_from_template(old.streams.video[0])
            new.metadata.update({**old.metadata, **(metadata or {})})
            for packet in readable_packets(old, frames):
                packet.stream = stream
                new.mux(packet)
        whole.replace(target)
    finally:
        whole.unlink(missing_ok=True)


def readable_packets(source: InputContainer, most: int | None) -> Iterator[Packet]:
    """Yield the packets of a file's pictures, one each, as far as they can be read."""
    from av.error import InvalidDataError

    packets = (packet for packet in source.demux(video=0) if packet.size)
    with suppress(InvalidDataError):
        yield from islice(packets, most)


def video_rate(path: Path) -> int | None:
    """Give the frames a second of a video; None where there is none that can be read."""
    import av

    if not path.is_file():
        return None
    try:
        with av.open(str(path)) as video:
            rate = video.streams.video[0].average_rate
    except (OSError, ValueError, IndexError):
        return None
    return round(rate) if rate else None
