"""Pictures and videos in a real browser: the page shows a file as Python reads it."""

import base64
import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from test_picture_files import SEE_THROUGH, file, linear_profile
from ui_stand_ins import StandIn, StandInModel

from browser.page import Visit, until
from studio.controls import Picture
from studio.controls.image_file import on_paper
from studio.pictures import decoded

av = pytest.importorskip("av")
SIZE = (64, 64)
OPEN = """async ([kind, name, data]) => {
  const { input } = window.studio;
  await input.openFile(kind, new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
  return document.querySelector('.st-input-word').textContent;
}"""
PIXELS = """() => {
  const { canvas, context } = window.studio.input;
  window.studio.input.draw();
  return btoa(String.fromCharCode(...context.getImageData(0, 0, canvas.width, canvas.height).data));
}"""


@pytest.fixture(scope="module")
def visit(served, laptop):
    """A page of a model that takes pictures."""

    def session():
        made = StandIn()
        made.model = StandInModel(SIZE, independent=True, takes_pictures=True)
        return made

    served.clear()
    served.make = session
    tab = laptop.new_page()
    tab.goto(served.address)
    tab.wait_for_function("window.studio?.stage?.drawn >= 2", timeout=60_000)
    yield Visit(tab, served.session)
    tab.close()
    served.clear()


def opened(visit, data, name="picture", kind="still"):
    """What the page says of a file, once it is open."""
    return visit.page.evaluate(OPEN, [kind, name, base64.b64encode(data).decode()])


def drawn(visit):
    """What goes in, as the page has it: (64, 64, 3)."""
    pixels = np.frombuffer(base64.b64decode(visit.page.evaluate(PIXELS)), np.uint8)
    return pixels.reshape(*SIZE, 4)[..., :3].astype(int)


def painted():
    """A picture with a corner of its own in every direction, and no edge finer than eight pixels."""
    image = Image.new("RGB", SIZE, (40, 90, 160))
    image.paste((250, 40, 40), (0, 0, 32, 24))
    image.paste((240, 240, 60), (40, 40, 64, 64))
    return image


def held(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file(painted(), kind, exif=exif)


FILES = {
    "16 bits": lambda: file(Image.fromarray(np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1)))),
    "palette": lambda: file(painted().quantize(8)),
    "one bit": lambda: file(painted().convert("1", dither=Image.Dither.NONE)),
    "grey": lambda: file(painted().convert("L")),
    "CMYK": lambda: file(painted().convert("CMYK"), "JPEG", quality=100, subsampling=0),
    "JPEG": lambda: file(painted(), "JPEG", quality=100, subsampling=0),
    "AVIF": lambda: file(painted(), "AVIF", quality=100, subsampling="4:4:4"),
    "BMP": lambda: file(painted(), "BMP"),
    "colour profile": lambda: file(painted(), icc_profile=linear_profile()),
    **{f"JPEG held as {way}": lambda way=way: held("JPEG", way) for way in (3, 5, 6, 8)},
    **{f"WebP held as {way}": lambda way=way: held("WEBP", way) for way in (2, 5, 6, 7, 8)},
    "PNG held as 6": lambda: held("PNG", 6),
    "AVIF held as 6": lambda: held("AVIF", 6),
    **{f"transparent: {name}": make for name, make in SEE_THROUGH.items() if name != "TIFF"},
}


@pytest.mark.parametrize("name", FILES)
def test_the_page_and_python_see_the_same_in_a_file(visit, name):
    data = FILES[name]()
    opened(visit, file(Image.new("RGB", SIZE, (0, 90, 0))))  # what was there before does not shine through
    opened(visit, data)
    off = np.abs(drawn(visit) - decoded(data, SIZE))
    assert np.percentile(off, 99) <= 3, f"{off.mean():.1f} off, {off.max()} at most"


def test_the_paper_is_chosen_on_the_page_as_in_python(visit):
    data = SEE_THROUGH["RGBA"]()
    opened(visit, data)
    visit.page.locator("[data-paper]").fill("#00ff00")
    green = decoded(Picture(data, "#00ff00").data, SIZE).astype(int)
    assert np.abs(drawn(visit) - green).max() <= 1
    until(lambda: np.abs(decoded(visit.state[Picture].data, SIZE).astype(int) - green)[:, :28].max() <= 12)
    visit.page.locator("[data-paper]").fill("#ffffff")
    assert np.abs(drawn(visit) - decoded(data, SIZE)).max() <= 1


def test_what_the_browser_cannot_show_is_said_and_the_picture_before_stays(visit):
    data = file(painted())
    opened(visit, data)
    for kind in ("still", "film"):
        words = opened(visit, file(painted(), "TIFF"), "depth.tiff", kind)
        assert words.startswith(f"depth.tiff is no {'picture' if kind == 'still' else 'video'} that this browser can")
    assert np.abs(drawn(visit) - decoded(data, SIZE)).max() <= 3


# Videos


def video(pictures, times, codec="libvpx", format="webm", pix_fmt="yuv420p"):
    """Encode pictures, shown from these times on (ms)."""
    out = io.BytesIO()
    with av.open(out, "w", format=format) as container:
        stream = container.add_stream(codec, rate=Fraction(1000))
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt, stream.time_base = pix_fmt, Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"auto-alt-ref": "0"} if pix_fmt == "yuva420p" else {}  # else libvpx takes no alpha
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_image(picture) if picture.mode == "RGB" else rgba_frame(picture)
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def rgba_frame(picture):
    return av.VideoFrame.from_ndarray(np.asarray(picture), format="rgba")


def rotated(data):
    """An MP4 that is to be turned a quarter to the right, as a phone's: the matrix in its track header says so."""
    place = data.index(b"tkhd") + 4 + 40
    quarter = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]
    return data[:place] + b"".join(one.to_bytes(4, "big", signed=True) for one in quarter) + data[place + 36 :]


def sound():
    """A WebM that has no pictures."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libopus", rate=48000, layout="mono")
        for at in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 48000, 960 * at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def clear_right():
    image = painted().convert("RGBA")
    image.paste((0, 0, 0, 0), (32, 0, 64, 64))
    return image


def turned_right(image):
    return image.transpose(Image.Transpose.ROTATE_270)


def odd():
    image = Image.new("RGB", (65, 65), (40, 90, 160))
    image.paste(painted())
    return image


STEADY, UNEVEN = [0, 40, 80, 120], [0, 15, 200, 1200]
VIDEOS = {
    "steady": lambda: (video([painted()] * 4, STEADY), painted()),
    "of a variable rate": lambda: (video([painted()] * 4, UNEVEN), painted()),
    "of an odd size": lambda: (video([odd()] * 4, STEADY), painted()),
    "with alpha": lambda: (video([clear_right()] * 4, STEADY, pix_fmt="yuva420p"), clear_right()),
    "rotated": lambda: (
        rotated(video([painted()] * 4, STEADY, "libvpx-vp9", "mp4")),
        turned_right(painted()),
    ),
}


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_shown_as_it_is_meant(visit, name):
    data, meant = VIDEOS[name]()
    opened(visit, file(Image.new("RGB", SIZE, (0, 90, 0))))
    assert opened(visit, data, "film", "film") == ""
    off = np.abs(drawn(visit) - np.asarray(on_paper(meant)).astype(int))
    assert np.percentile(off, 85) <= 16, f"{off.mean():.1f} off"


def test_a_video_without_pictures_says_so_and_the_picture_before_stays(visit):
    opened(visit, file(painted()))
    words = opened(visit, sound(), "song.webm", "film")
    assert words == "song.webm has no pictures that this browser can show, only sound. Choose another file."
    assert np.abs(drawn(visit) - np.asarray(painted())).max() <= 3
