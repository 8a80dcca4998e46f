"""Wan's decoders: a streamed decode is the whole decode (17)."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from einops import rearrange
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny import wan_folders

from studio.models.errors import CheckpointError
from studio.models.wan.model import open_wan
from studio.models.wan.video_decoder import FRAMES, VideoDecoder, WanAutoencoder, load_tiny_decoder
from wan.checks import SIZE, cut, drawn, picture_file

PARTS = ([1] * 7, [3, 3, 1], [1, 3, 3], [2, 5], [7])


@pytest.fixture(scope="module", params=["autoencoder", "tiny"])
def decoding(request, base, tmp_path_factory):
    if request.param == "autoencoder":
        return WanAutoencoder(base)
    return load_tiny_decoder(wan_folders.tiny_taehv(tmp_path_factory.mktemp("taehv") / "taew2_1.safetensors"))


def streamed(net, latents, parts):
    """Pictures (N, 3, H, W) in [0, 1] of latents that come in parts."""
    seen, out = net.start(), []
    for part in latents.split(parts):
        pixels, seen = net.decode(part, seen)
        out.append(pixels)
    return torch.cat(out)


def whole_by_autoencoder(net, latents):
    """The whole decode of diffusers' own."""
    config = net.net.config
    mean, deviation = (torch.tensor(numbers).view(-1, 1, 1, 1) for numbers in (config.latents_mean, config.latents_std))
    with torch.no_grad():
        pictures = net.net.decode((latents.transpose(0, 1) * deviation + mean)[None]).sample[0]
    return pictures.transpose(0, 1) / 2 + 0.5


def whole_by_hand(net, latents):
    """TAEHV's decoder written plainly: all frames at once, the frame before the first is zeros."""
    state = net.state_dict()

    def convolved(x, name, padding=1):
        return F.conv2d(x, state[f"decoder.{name}.weight"], state.get(f"decoder.{name}.bias"), padding=padding)

    x = convolved(3 * torch.tanh(latents / 3), "1").relu()
    for stage in range(3):
        for place in range(3 + 6 * stage, 6 + 6 * stage):
            past = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
            inner = convolved(torch.cat([x, past], 1), f"{place}.conv.0").relu()
            inner = convolved(convolved(inner, f"{place}.conv.2").relu(), f"{place}.conv.4")
            x = (x + inner).relu()
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        frames = convolved(x, f"{7 + 6 * stage}.conv", padding=0)
        x = torch.cat([part[None] for frame in frames for part in frame.split(x.shape[1])])
        x = convolved(x, f"{8 + 6 * stage}")
    return convolved(x.relu(), "22")[FRAMES - 1 :]


@pytest.mark.parametrize("parts", PARTS, ids=str)
def test_causal_17_streamed_decode_is_the_whole_decode(decoding, parts):
    latents = drawn(7, 16, 4, 6)
    whole = whole_by_autoencoder if isinstance(decoding, WanAutoencoder) else whole_by_hand
    pictures = streamed(decoding, latents, parts)
    assert pictures.shape == (1 + 4 * 6, 3, 32, 48)
    # Diffusers clamps a whole decode; what is shown is clamped when it is made bytes.
    torch.testing.assert_close(pictures.clamp(0, 1), whole(decoding, latents).clamp(0, 1), atol=1e-4, rtol=0)
    assert pictures.std() > 0.02


def test_causal_17_a_reset_gives_one_frame_again(decoding):
    decoder, latents = VideoDecoder(decoding), drawn(3, 16, 4, 6)
    first = decoder.decode(latents[:1])
    assert [len(first), len(decoder.decode(latents[1:2])), len(decoder.decode(latents[2:]))] == [1, 4, 4]
    decoder.reset()
    again = decoder.decode(latents[:1])
    assert len(again) == 1
    assert np.array_equal(again[0], first[0])
    assert first[0].dtype == np.uint8
    assert first[0].shape == (32, 48, 3)


def test_causal_17_streams_that_share_an_autoencoder_do_not_disturb_each_other(decoding):
    latents = drawn(2, 6, 16, 4, 6)
    alone = [VideoDecoder(decoding).decode(stream) for stream in latents]
    both = [VideoDecoder(decoding), VideoDecoder(decoding)]
    mixed = [[], []]
    for frame in range(6):
        for number, decoder in enumerate(both):
            mixed[number] += decoder.decode(latents[number, frame : frame + 1])
        if isinstance(decoding, WanAutoencoder):
            decoding.encode(torch.rand(1, 3, 32, 48))  # diffusers keeps that one's state in the module
    assert np.array_equal(alone, mixed)


def test_causal_21_a_decoder_goes_on_from_a_snapshot(decoding):
    decoder, latents = VideoDecoder(decoding), drawn(4, 16, 4, 6)
    decoder.decode(latents[:2])
    state = decoder.snapshot()
    first = decoder.decode(latents[2:])
    for _ in range(2):
        decoder.restore(state)
        assert np.array_equal(decoder.decode(latents[2:]), first)
    assert not np.array_equal(decoder.decode(latents[2:]), first)


def test_a_picture_becomes_the_likeliest_latent_of_unit_variance(model):
    data = picture_file(0)
    image = Image.open(io.BytesIO(data))
    latent = model.encode_picture(data)
    assert latent.shape == model.latent
    assert latent.dtype == torch.float32
    pixels = rearrange(torch.from_numpy(np.array(image)) / 127.5 - 1, "h w c -> 1 c 1 h w")
    mean = model.codec.net.encode(pixels).latent_dist.mean[0, :, 0]
    config = model.codec.net.config
    expected = [(mean[c] - config.latents_mean[c]) / config.latents_std[c] for c in range(16)]
    torch.testing.assert_close(latent, torch.stack(expected), atol=1e-5, rtol=0)


BAD_DECODERS = {
    "not one": (lambda d: wan_folders.tiny_wan_file(d / "t.safetensors"), "no tiny decoder of Wan 2.1.*taew2_1"),
    "cut off": (lambda d: cut(wan_folders.tiny_taehv(d / "t.pth")), "cut off"),
    "incomplete": (
        lambda d: without_block(wan_folders.tiny_taehv(d / "t.safetensors")),
        r"1 missing: decoder\.9\.conv\.2\.weight",
    ),
}


def without_block(path):
    state = load_file(path)
    del state["decoder.9.conv.2.weight"]
    save_file(state, path)
    return path


@pytest.mark.parametrize("kind", BAD_DECODERS)
def test_a_file_that_is_no_tiny_decoder_is_told(base, tmp_path, kind):
    make, words = BAD_DECODERS[kind]
    with pytest.raises(CheckpointError, match=words):
        open_wan(base, tiny_decoder=make(tmp_path), size=SIZE)
