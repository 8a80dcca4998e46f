"""The stream in other programs: with stand-ins for their packages that are called as the real ones are."""

import argparse
import sys
import time
from fractions import Fraction
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

from studio.cli import run as run_command
from studio.cli.errors import UsageError
from studio.frames import Frame
from studio.outputs import OutputError
from studio.outputs import live as living
from studio.outputs.live import SINKS, LiveOutput, check_sink
from studio.ui.app import shown_elsewhere

PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
RGBA = np.dstack([PICTURE, np.full((4, 6), 255, np.uint8)])


def module(monkeypatch, name, **names):
    """Put a module of these names among the imported ones, and those it is in."""
    made = ModuleType(name)
    made.__spec__ = ModuleSpec(name, None)
    vars(made).update(names)
    monkeypatch.setitem(sys.modules, name, made)
    return made


class Called:
    """What the stand-ins were called with, in order."""

    def __init__(self):
        self.calls = []

    def note(self, name, *values):
        self.calls.append((name, *(np.array(one) if isinstance(one, np.ndarray) else one for one in values)))

    def names(self):
        return [name for name, *_ in self.calls]

    def of(self, name):
        return [values for called, *values in self.calls if called == name]


@pytest.fixture
def called():
    return Called()


def have_virtualcam(monkeypatch, called, problem=None):
    class Camera:  # pyvirtualcam 0.15
        def __init__(self, width, height, fps, *, fmt="RGB", device=None, backend=None, print_fps=False, **kw):
            if problem:
                raise RuntimeError(problem)
            called.note("open", width, height, fps)

        def send(self, frame):
            assert frame.dtype == np.uint8
            assert frame.flags.c_contiguous
            called.note("send", frame)

        def close(self):
            called.note("close")

    module(monkeypatch, "pyvirtualcam", Camera=Camera)


def have_ndi(monkeypatch, called):
    class VideoSendFrame:  # cyndilib 0.1
        def set_resolution(self, xres, yres):
            called.note("size", xres, yres)

        def set_frame_rate(self, value):
            assert isinstance(value, Fraction)

        def set_fourcc(self, value):
            called.note("fourcc", value)

    class Sender:
        def __init__(self, ndi_name, ndi_groups="", clock_video=True, clock_audio=True):
            self.frame, self.is_open = None, False

        def set_video_frame(self, vf):
            assert not self.is_open
            self.frame = vf

        def open(self):
            assert self.frame is not None
            self.is_open = True
            called.note("open")

        def write_video(self, data):
            assert self.is_open
            assert data.ndim == 1
            called.note("send", data)
            return True

        def close(self):
            called.note("close")

    module(monkeypatch, "cyndilib")
    module(monkeypatch, "cyndilib.sender", Sender=Sender)
    module(monkeypatch, "cyndilib.video_frame", VideoSendFrame=VideoSendFrame)
    module(monkeypatch, "cyndilib.wrapper")
    module(monkeypatch, "cyndilib.wrapper.ndi_structs", FourCC=type("FourCC", (), {"RGBX": "RGBX"}))


def have_spout(monkeypatch, called, takes=True):
    class SpoutSender:  # SpoutGL 0.1
        def setSenderName(self, name):
            called.note("open", name)

        def sendImage(self, pixels, width, height, glFormat, bInvert, hostFbo):
            called.note("send", pixels, width, height, glFormat, bInvert, hostFbo)
            return takes

        def releaseSender(self):
            called.note("close")

    module(monkeypatch, "SpoutGL", SpoutSender=SpoutSender)


def have_syphon(monkeypatch, called):
    class SyphonMetalServer:  # syphon-python 0.2
        def __init__(self, name, device=None, command_queue=None):
            self.device = "gpu"
            called.note("open", name)

        def publish_frame_texture(self, texture, region=None, size=None, is_flipped=False):
            called.note("publish", texture)

        def stop(self):
            called.note("close")

    module(monkeypatch, "syphon", SyphonMetalServer=SyphonMetalServer)
    module(monkeypatch, "syphon.utils")
    module(monkeypatch, "syphon.utils.raw", create_mtl_texture=lambda device, width, height: (device, width, height))
    module(
        monkeypatch, "syphon.utils.numpy", copy_image_to_mtl_texture=lambda image, texture: called.note("send", image)
    )


HAVE = {"virtualcam": have_virtualcam, "ndi": have_ndi, "spout": have_spout, "syphon": have_syphon}
PLATFORMS = {"virtualcam": "linux", "ndi": "linux", "spout": "win32", "syphon": "darwin"}


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def frame(index=0, picture=PICTURE):
    return Frame(index, picture)


@pytest.mark.parametrize("name", SINKS)
def test_each_way_out_opens_shows_the_picture_and_closes(name, monkeypatch, called):
    monkeypatch.setattr(sys, "platform", PLATFORMS[name])
    HAVE[name](monkeypatch, called)
    output = LiveOutput(name)
    output.put(frame())
    until(lambda: called.of("send"))
    output.close()
    assert output.problem == ""
    assert called.names()[-1] == "close"
    (data, *more), *_ = called.of("send")
    wanted = {"virtualcam": PICTURE, "ndi": RGBA.reshape(-1), "spout": RGBA, "syphon": RGBA}[name]
    assert np.array_equal(data, wanted)
    if name == "spout":
        assert more == [6, 4, 0x1908, False, 0]
    if name == "syphon":
        assert called.of("publish")[0] == [("gpu", 6, 4)]
    if name in ("virtualcam", "ndi"):
        assert called.calls[0][1:3] == (6, 4)


def test_a_picture_of_another_size_opens_it_anew(monkeypatch, called):
    have_virtualcam(monkeypatch, called)
    output = LiveOutput("virtualcam")
    output.put(frame())
    until(lambda: called.of("send"))
    output.put(frame(1, np.zeros((8, 8, 3), np.uint8)))
    until(lambda: len(called.of("open")) == 2)
    output.close()
    assert called.of("open") == [[6, 4, 30], [8, 8, 30]]
    assert called.names().count("close") == 2


def test_a_camera_that_is_not_there_is_told_once_and_the_stream_goes_on(monkeypatch, called, caplog):
    have_virtualcam(monkeypatch, called, problem="'/dev/video' not found")
    output = LiveOutput("virtualcam")
    for number in range(5):
        output.put(frame(number))
    until(lambda: output.problem)
    output.put(frame(9))
    output.close()
    assert "no virtual camera was found; " in output.problem
    assert "not found" in output.problem
    assert len(caplog.records) == 1


def test_spout_on_a_card_that_takes_nothing_says_so(monkeypatch, called):
    monkeypatch.setattr(sys, "platform", "win32")
    have_spout(monkeypatch, called, takes=False)
    output = LiveOutput("spout")
    output.put(frame())
    until(lambda: output.problem)
    assert "DirectX 11" in output.problem
    assert called.names()[-1] == "close"


@pytest.mark.parametrize(
    ("name", "platform", "words"),
    [
        ("virtualcam", "linux", 'pip install "live-studio[virtualcam]"'),
        ("virtualcam", "emscripten", "there is no virtual camera for emscripten"),
        ("ndi", "linux", 'pip install "live-studio[ndi]"'),
        ("spout", "linux", "Windows alone; here take --out virtualcam or ndi"),
        ("spout", "darwin", "Windows alone; here take --out syphon"),
        ("spout", "win32", 'pip install "live-studio[spout]"'),
        ("syphon", "win32", "a Mac alone; here take --out spout"),
        ("syphon", "darwin", 'pip install "live-studio[syphon]"'),
        ("hologram", "linux", "possible: virtualcam, ndi, spout, syphon"),
    ],
)
def test_what_cannot_be_here_is_said_in_a_sentence(name, platform, words, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(OutputError, match="--out") as told:
        check_sink(name)
    assert words in str(told.value)
    with pytest.raises(UsageError, match="--out"):
        run_command.check_outputs([name])


def test_studio_run_takes_several_ways_out():
    parser = argparse.ArgumentParser()
    run_command.add_arguments(parser)
    assert parser.parse_args(["--out", "ndi", "--out", "virtualcam"]).out == ["ndi", "virtualcam"]
    run_command.check_outputs([])


def test_one_session_is_shown_at_a_time_and_another_once_it_is_quiet(monkeypatch, called):
    have_virtualcam(monkeypatch, called)
    sessions = []

    class Session:
        def __init__(self):
            self.outputs = []
            sessions.append(self)

    make = shown_elsewhere(Session, ["virtualcam"])
    (first,), (second,) = make().outputs, make().outputs
    shown = first._output._newest
    first.put(frame(1))
    second.put(frame(2))
    assert shown.serial == 1
    monkeypatch.setattr(living, "QUIET", -1.0)
    second.put(frame(3))
    monkeypatch.setattr(living, "QUIET", 60.0)
    first.put(frame(4))
    second.put(frame(5))
    assert shown.serial == 3
    first.close()
    first._output.close()
