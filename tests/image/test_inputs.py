"""What an image model is told: words, pictures, edges; and the pictures it shows."""

import io
import threading

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from image.drawing import RNG, SIZE, picture_bytes, state, tiny_autoencoder
from studio.conditioning import condition_frames
from studio.controls import ControlError, ControlState, Prompt
from studio.noise import noise


def test_a_text_is_encoded_once_and_from_any_thread(opened, monkeypatch):
    model = opened("sd")
    first = model.prepare("a fox nobody has heard of")
    assert model.prepare("a fox nobody has heard of") is first
    answers = {}
    threads = [
        threading.Thread(target=lambda n=n: answers.__setitem__(n, model.prepare(f"fox {n % 4} of many")))
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers[n] is answers[n % 4] for n in range(16))
    assert torch.equal(answers[1].states, model.parts.words.states("fox 1 of many"))


def test_a_prompt_too_long_for_one_chunk_is_read_in_two(opened):
    long = opened("sd").prepare("x " * 100).states
    assert len(long) == 2 * 77
    assert torch.equal(long[:77], opened("sd").prepare("x " * 75).states)


@pytest.mark.parametrize("name", ["sd", "sdxl"])
def test_all_that_is_told_of_words_blends(opened, name):
    model = opened(name)
    held = ControlState().after(Prompt("a fox"), 0).after(Prompt("a lake", blend=3), 10)
    told = [condition_frames(model, held.at(now), [now]) for now in (9, 11, 20)]
    pure = [condition_frames(model, state(Prompt(words)), [0]) for words in ("a fox", "a lake")]
    for part in (lambda cond: cond.text, lambda cond: cond.text[:, -1]):  # SDXL's last row is the pooled text
        assert torch.equal(part(told[0]), part(pure[0]))
        assert torch.allclose(part(told[1]), torch.lerp(part(pure[0]), part(pure[1]), 0.5), atol=1e-6)
        assert torch.equal(part(told[2]), part(pure[1]))


# Pictures


def test_stream_15_one_picture_is_one_latent_however_it_is_held(opened):
    """Property 15: bytes, uint8, PIL, [0, 1] and declared [-1, 1] are the same, also where all of it is bright."""
    model = opened("sd")
    for pixels in (
        RNG.integers(0, 256, (*SIZE, 3), dtype=np.uint8),
        RNG.integers(180, 256, (*SIZE, 3), dtype=np.uint8),
    ):
        latent = model.encode_picture(picture_bytes(pixels))
        unit = pixels.astype(np.float32) / 255
        assert latent.shape == model.latent
        for held in (pixels, Pillow.fromarray(pixels), unit, unit.astype(np.float64)):
            assert torch.equal(model.encode_picture(held), latent)
        assert torch.equal(model.encode_picture(unit * 2 - 1, signed=True), latent)
    bright = model.encode_picture(np.full((*SIZE, 3), 0.75, np.float32), signed=True)
    assert torch.equal(bright, model.encode_picture(np.full((*SIZE, 3), 0.875, np.float32)))


def test_stream_16_the_same_picture_is_the_same_latent_in_both_autoencoders(opened):
    """Property 16: the tiny autoencoder is deterministic and the full one gives its mode; nothing is drawn."""
    data = picture_bytes()
    for model in (opened("sd"), opened("sd", tiny_vae=None)):
        torch.manual_seed(1)
        first = model.encode_picture(data)
        torch.manual_seed(2)
        assert torch.equal(model.encode_picture(data), first)
    full = opened("sd", tiny_vae=None)
    x = torch.tensor(np.asarray(Pillow.open(io.BytesIO(data)))).permute(2, 0, 1)[None] / 127.5 - 1
    mean = full.parts.codec.net.encode(x).latent_dist.mean[0] * full.parts.codec.net.config.scaling_factor
    assert torch.allclose(full.encode_picture(data), mean, atol=1e-5)
    assert full.parts.codec.net.config.scaling_factor == 0.18215


def test_a_picture_of_another_shape_is_cropped_in_its_middle(opened):
    model = opened("sd")
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, 64:128] = RNG.integers(0, 256, (64, 64, 3))
    assert torch.equal(model.encode_picture(picture_bytes(wide)), model.encode_picture(wide[:, 64:128]))
    assert torch.equal(model.encode_picture(wide), model.encode_picture(wide[:, 64:128]))


def test_a_picture_that_cannot_be_drawn_from_is_told(opened):
    model = opened("sd")
    nan = np.full((*SIZE, 3), np.nan, np.float32)
    for bad in (picture_bytes()[:300], picture_bytes(np.zeros((1, 1, 3), np.uint8)), nan, b""):
        with pytest.raises(ControlError, match=r"send|scale|possible"):
            model.encode_picture(bad)
    for bad in (
        nan[0],
        RNG.standard_normal((64, 64, 3)),
        np.zeros((64, 64, 3), np.int64),
        np.zeros((64, 64, 4), np.uint8),
    ):
        with pytest.raises(ControlError, match=r"a picture is|a float picture is"):
            model.encode_picture(bad)


def test_decoding_is_the_autoencoders_and_stateless(opened, folders):
    model, decoder = opened("sd"), opened("sd").new_decoder()
    latent = noise(1, 0, 0, model.latent)
    with torch.no_grad():
        theirs = tiny_autoencoder(folders).decode(latent[None]).sample[0]
    ours = decoder.decode(latent[None])[0]
    assert (ours.dtype, ours.shape) == (np.uint8, (*SIZE, 3))
    assert np.abs(ours - ((theirs + 1) * 127.5).clamp(0, 255).permute(1, 2, 0).numpy()).max() <= 0.501
    decoder.restore(decoder.snapshot())
    assert np.array_equal(decoder.decode(latent[None])[0], ours)


def test_edges_are_thin_white_lines_where_the_picture_changes():
    from studio.pictures import edges

    pixels = np.full((64, 64, 3), 20, np.uint8)
    pixels[16:48, 16:48] = 220
    lines = edges(pixels)[:, :, 0]
    assert set(np.unique(lines)) == {0, 255}
    across = np.flatnonzero(lines[32])
    assert len(across) == 2
    assert np.abs(across - (16, 48)).max() <= 1
    assert np.array_equal(edges(pixels), edges(pixels.copy()))
    assert edges(np.full((64, 64, 3), 130, np.uint8)).max() == 0
