"""TAEHV's encoder: a stream's state, the published layout and the published alignment, read from a file."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.models.errors import CheckpointError
from studio.models.wan.video_decoder import TinyDecoder, load_tiny_decoder
from studio.models.wan.video_encoder import Pool, TinyEncoder, load_tiny_encoder

WIDTHS, POOLS = (6, 8, 8, 10), (2, 2, 1)


def encoder(lead=0, seed=0):
    torch.manual_seed(seed)
    return TinyEncoder(16, WIDTHS, POOLS, lead).eval().requires_grad_(False)


def tiny_file(path, lead=None, **changes):
    """A whole autoencoder's file, as published: encoder and decoder under their names."""
    torch.manual_seed(1)
    state = encoder().state_dict() | TinyDecoder(16, (8, 6, 6, 4), (1, 2, 2)).state_dict()
    state = {name: weight.contiguous() for name, weight in (state | changes).items() if weight is not None}
    save_file(state, path, metadata=None if lead is None else {"lead": str(lead)})
    return path


def film(pictures, seed=3, side=16):
    return torch.rand(pictures, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("lead", [0, 3])
@pytest.mark.parametrize("parts", [(1, 4, 4, 4), (13,), (2, 3, 5, 1, 2), (1,) * 13])
def test_a_stream_encodes_what_the_whole_clip_does_however_it_is_cut(lead, parts):
    net, pictures = encoder(lead), film(13)
    whole = net.encode_clip(pictures)
    state, latents = net.start(), []
    for part in pictures.split(list(parts)):
        new, state = net.encode(part, state)
        latents.append(new)
    assert whole.shape == (4, 16, 2, 2)
    ready = torch.cat(latents)
    assert len(ready) == (13 + lead) // 4
    torch.testing.assert_close(ready, whole[: len(ready)], atol=1e-4, rtol=0)


def test_a_state_is_never_changed_and_serves_again():
    net, pictures = encoder(3), film(9)
    _, state = net.encode(pictures[:5], net.start())
    first, _ = net.encode(pictures[5:], state)
    net.encode(film(4, seed=9), state)
    again, _ = net.encode(pictures[5:], state)
    assert torch.equal(first, again)


def test_with_a_lead_a_latent_is_made_of_its_own_pictures_and_those_before():
    net, pictures = encoder(3), film(9)
    whole = net.encode_clip(pictures)
    changed = pictures.clone()
    changed[5:] = 0
    assert torch.equal(net.encode_clip(changed)[:2], whole[:2])  # pictures 0; 1 to 4
    assert not torch.equal(net.encode_clip(changed)[2], whole[2])


def test_published_files_look_three_pictures_ahead():
    net, pictures = encoder(0), film(9)
    changed = pictures.clone()
    changed[3] = 0
    assert not torch.equal(net.encode_clip(changed)[0], net.encode_clip(pictures)[0])
    assert len(net.encode(pictures[:3], net.start())[0]) == 0  # the first latent waits for the fourth picture


def test_a_pool_joins_frames_that_follow_each_other_all_channels_of_the_first_before_those_of_the_next():
    pool = Pool(2, 2)
    pool.conv.weight.data = torch.tensor([[1.0, 10.0, 100.0, 1000.0], [0.0, 0.0, 0.0, 1.0]])[..., None, None]
    frames = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]])[..., None, None]
    assert pool(frames)[..., 0, 0].tolist() == [[4321, 4], [8765, 8]]


def test_the_layout_is_taehvs():
    """Names and shapes of taew2_1's encoder as its code builds them: 64 wide throughout, three blocks a level."""
    wanted = {"encoder.0.weight": (64, 3, 3, 3), "encoder.0.bias": (64,)}
    for level, frames in enumerate((2, 2, 1)):
        place = 2 + 5 * level
        wanted |= {f"encoder.{place}.conv.weight": (64, 64 * frames, 1, 1)}
        wanted |= {f"encoder.{place + 1}.weight": (64, 64, 3, 3)}
        for block in range(place + 2, place + 5):
            wanted |= {f"encoder.{block}.conv.{n}.weight": (64, 128 if n == 0 else 64, 3, 3) for n in (0, 2, 4)}
            wanted |= {f"encoder.{block}.conv.{n}.bias": (64,) for n in (0, 2, 4)}
    wanted |= {"encoder.17.weight": (16, 64, 3, 3), "encoder.17.bias": (16,)}
    state = TinyEncoder(16, (64, 64, 64, 64), (2, 2, 1)).state_dict()
    assert {name: tuple(weight.shape) for name, weight in state.items()} == wanted


@pytest.mark.parametrize("lead", [None, 3])
def test_one_file_gives_both_halves(tmp_path, lead):
    path = tiny_file(tmp_path / "taew2_1.safetensors", lead)
    net, decoder = load_tiny_encoder(path), load_tiny_decoder(path)
    assert net.lead == (lead or 0)
    for name, weight in net.state_dict().items():
        assert torch.equal(weight, load_file(path)[name])
    pictures = film(9)
    decoded, _ = decoder.decode(net.encode_clip(pictures), decoder.start())
    assert decoded.shape == pictures.shape


def test_a_file_that_is_none_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="no encoder"):
        load_tiny_encoder(tiny_file(tmp_path / "a.safetensors", **{"encoder.17.weight": None}))
    short = {"encoder.7.conv.weight": torch.zeros(8, 8, 1, 1)}
    with pytest.raises(CheckpointError, match="of 2 pictures"):
        load_tiny_encoder(tiny_file(tmp_path / "b.safetensors", **short))
    with pytest.raises(CheckpointError, match="lead"):
        load_tiny_encoder(tiny_file(tmp_path / "c.safetensors", lead=9))
    broken = {"encoder.0.bias": torch.full((6,), float("nan"))}
    with pytest.raises(CheckpointError):
        load_tiny_encoder(tiny_file(tmp_path / "d.safetensors", **broken))


def test_sides_that_are_no_multiple_of_eight_are_told():
    net = encoder()
    with pytest.raises(ValueError, match="multiples of 8"):
        net.encode(film(4, side=12), net.start())
