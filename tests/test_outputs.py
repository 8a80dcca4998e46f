import errno
import threading
import time
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from studio.frames import Frame
from studio.outputs import OUTPUTS, OutputError, open_output
from studio.outputs.fragments import part_of, recover_video
from studio.outputs.latest import Latest
from studio.outputs.timeline import Timeline
from studio.outputs.video import RECORDED_MP4, VideoFile


def frame(index, size=(32, 48)):
    """A picture of one colour that tells its number."""
    return Frame(index, np.full((*size, 3), 20 * index % 256, np.uint8))


def test_equal_frames_have_equal_hashes_and_others_have_not():
    assert frame(1).hash == frame(1).hash
    assert len({frame(1).hash, frame(2).hash, Frame(2, frame(1).picture).hash, frame(1, (48, 32)).hash}) == 4
    one_bit = frame(1).picture.copy()
    one_bit[5, 5, 1] ^= 1
    assert Frame(1, one_bit).hash != frame(1).hash


def test_a_picture_that_is_a_view_has_the_hash_of_its_pixels():
    picture = np.arange(12 * 12 * 3, dtype=np.uint8).reshape(12, 12, 3)
    assert Frame(0, picture[::2, ::-1]).hash == Frame(0, picture[::2, ::-1].copy()).hash


def test_the_mailbox_holds_the_newest_frame_only():
    latest = Latest()
    assert latest.read(0, timeout=0) is None
    for index in range(3):
        latest.put(frame(index))
    serial, newest = latest.read(0)
    assert (serial, newest.index) == (3, 2)
    assert latest.read(serial, timeout=0) is None


def test_the_mailbox_knows_a_newer_frame_from_its_serial_and_not_its_index():
    latest = Latest()
    latest.put(frame(9))
    latest.put(frame(0))  # after a reset
    assert latest.read(1)[1].index == 0


def test_a_frame_made_ahead_is_there_when_it_is_due_and_those_behind_it_wait():
    timeline, now = Timeline(kept=2), time.monotonic()
    for index, due in enumerate((0.0, now - 1, now + 3600, 0.0)):
        timeline.put(replace(frame(index), due=due))
    count, seen = timeline.look()
    assert (count, [one.index for one in seen]) == (2, [0, 1])
    assert 3500 < timeline.wait() <= 3600
    assert Timeline().wait() is None


def test_a_reader_gets_the_frames_of_a_chunk_that_came_at_once_as_they_are_due():
    latest, now = Latest(), time.monotonic()
    for index in range(4):
        latest.put(replace(frame(index), due=now + 0.3 * (index + 1)))
    assert latest.read(0, timeout=0) is None
    serial = 0
    while serial < 4:  # a slow reader may miss some
        serial, one = latest.read(serial, timeout=60)
        assert one.index == serial - 1
        assert time.monotonic() >= one.due


def test_a_reader_that_waits_is_woken_by_a_frame_and_by_the_closing():
    latest, read = Latest(), []

    def reader():
        read.append(latest.read(0))
        read.append(latest.read(1))

    thread = threading.Thread(target=reader)
    thread.start()
    latest.put(frame(4))
    while len(read) < 1:
        pass
    latest.close()
    thread.join(20)
    assert read[0][1].index == 4
    assert read[1] is None


def test_a_video_has_every_frame_and_its_name_only_when_it_is_complete(tmp_path):
    video = VideoFile(tmp_path / "take.mp4", fps=12)
    for index in range(10):
        video.put(frame(index))
    assert not (tmp_path / "take.mp4").exists()
    video.close()
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]
    pictures = iio.imread(tmp_path / "take.mp4", plugin="pyav")
    assert pictures.shape == (10, 32, 48, 3)
    assert np.abs(pictures[:, 16, 24, 0].astype(int) - 20 * np.arange(10)).max() <= 4
    assert iio.immeta(tmp_path / "take.mp4", plugin="pyav")["fps"] == 12


def test_a_video_without_a_frame_is_no_file(tmp_path):
    VideoFile(tmp_path / "take.mp4").close()
    assert list(tmp_path.iterdir()) == []


def test_a_video_in_a_folder_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(OSError, match=r"cannot write .*take.mp4 \(No such file or directory\); make room or choose"):
        VideoFile(tmp_path / "none" / "take.mp4").put(frame(0))


def test_a_picture_that_the_codec_does_not_take_is_told_and_leaves_no_file(tmp_path):
    with pytest.raises(OSError, match=r"cannot write .*take.mp4: 47x33 cannot be encoded \(.*libx264"):
        VideoFile(tmp_path / "take.mp4").put(frame(0, (33, 47)))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_leaves_no_half_a_video(tmp_path):
    video = VideoFile(tmp_path / "take.mp4")
    video.put(frame(0))

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    video._write = full
    with pytest.raises(OSError, match=r"\(No space left on device\); make room"):
        video.put(frame(1))
    video.close()
    assert list(tmp_path.iterdir()) == []


def striped(index):
    """A picture with a ramp across, in colours that tell its number."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[..., 0], picture[..., 1], picture[..., 2] = 20 * index, np.linspace(0, 250, 96), 200 - 20 * index
    return Frame(index, picture)


FIRST_BYTES = {".mp4": b"ftyp", ".webm": b"\x1aE\xdf\xa3", ".gif": b"GIF89a"}


def read_back(path):
    """The pictures in what an output wrote."""
    if path.is_dir():
        return np.stack([np.asarray(Image.open(one)) for one in sorted(path.iterdir())])
    return iio.imread(path, plugin="pyav")


@pytest.mark.parametrize(("ending", "error"), [(".mp4", 6), (".webm", 8), (".gif", 6), (".png", 0), (".GIF", 6)])
def test_a_file_of_every_ending_holds_every_frame_at_its_time(tmp_path, ending, error):
    output = open_output(tmp_path / f"take{ending}", fps=10)
    for index in range(8):
        output.put(striped(index))
    output.close()
    pictures = read_back(output.path)
    assert pictures.shape == (8, 64, 96, 3)
    wanted = np.stack([striped(index).picture for index in range(8)]).astype(int)
    assert np.abs(pictures - wanted).mean() <= error / 3
    assert np.abs(pictures - wanted)[:, 8:-8, 8:-8].max() <= 4 * error
    assert [path.name for path in tmp_path.iterdir()] == [output.path.name]
    assert output.path.is_dir() or FIRST_BYTES[ending.lower()] in output.path.read_bytes()[:12]
    if not output.path.is_dir():
        assert iio.immeta(output.path, plugin="pyav")["fps"] == pytest.approx(10)


def test_png_files_are_named_by_their_frames_in_a_folder_that_is_made(tmp_path):
    for path in (f"{tmp_path}/a/b/", tmp_path / "a" / "b.png"):
        output = open_output(path)
        output.put(frame(7))
        output.close()
        assert output.path == tmp_path / "a" / "b"
        assert np.array_equal(np.asarray(Image.open(tmp_path / "a" / "b" / "000007.png")), frame(7).picture)
    assert open_output(tmp_path / "a").path == tmp_path / "a", "a folder that is there"


def test_an_ending_that_nothing_writes_is_refused_before_anything_is_written(tmp_path):
    for name, said in (
        ("take.avi", "ends in '.avi'"),
        ("take", "has no ending"),
        ("take.mp4.part", r"ends in '.part'"),
    ):
        with pytest.raises(OutputError, match=rf"{said}.*\.mp4, \.webm, \.gif, \.png"):
            open_output(tmp_path / name)
    assert list(OUTPUTS) == [".mp4", ".webm", ".gif", ".png", ".zip"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "fps", "most"), [("a.gif", 51, 50), ("a.mp4", 0, 240), ("a.webm", 241, 240)])
def test_a_frame_rate_that_a_file_cannot_hold_is_refused(tmp_path, name, fps, most):
    with pytest.raises(OutputError, match=f"at {fps} frames a second; .* holds 1 to {most}"):
        open_output(tmp_path / name, fps)


def test_png_files_in_a_place_that_cannot_be_say_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cannot write .*file.frames .*; make room or choose"):
        open_output(tmp_path / "file" / "frames.png").put(frame(0))


# A take's video, which plays to where its process was killed


def half_recorded(path, count):
    """A video that is being written."""
    video = VideoFile(path, 12, RECORDED_MP4)
    for index in range(count):
        video.put(frame(index))
    return video


def test_a_video_that_is_being_recorded_plays_to_the_last_picture_but_one(tmp_path):
    video = half_recorded(tmp_path / "take.mp4", 40)
    pictures = iio.imread(part_of(video.path), plugin="pyav")
    assert len(pictures) >= 39
    assert np.abs(pictures[:, 16, 24, 0].astype(int) - 20 * np.arange(len(pictures)) % 256).max() <= 8


def test_a_recorded_video_is_one_piece_in_the_end_with_the_frames_that_are_kept(tmp_path):
    video = half_recorded(tmp_path / "take.mp4", 10)
    video.close(7)
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]
    assert iio.improps(video.path, plugin="pyav").n_images == 7
    assert b"moof" not in video.path.read_bytes()


def test_a_video_whose_process_was_killed_gets_its_name(tmp_path):
    video = half_recorded(tmp_path / "take.mp4", 10)
    assert recover_video(video.path)
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]
    assert iio.improps(video.path, plugin="pyav").n_images >= 9
    assert not recover_video(video.path), "there is nothing more"
    part_of(tmp_path / "empty.mp4").touch()
    assert not recover_video(tmp_path / "empty.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]


def test_a_disk_without_room_for_a_second_copy_keeps_the_fragments(tmp_path, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    video = half_recorded(tmp_path / "take.mp4", 10)
    monkeypatch.setattr("studio.outputs.fragments.copy_in_one_piece", full)
    video.close()
    assert [path.name for path in tmp_path.iterdir()] == ["take.mp4"]
    assert len(iio.imread(video.path, plugin="pyav")) == 10
    assert "stays in fragments" in caplog.text
