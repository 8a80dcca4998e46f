import pytest
import torch
from causal_nets import LATENT, TEXT, TRACKS, drawn

from studio.conditioning import Conditioning, heard, identity
from studio.controls import ControlState, Prompt


def told(text, frames):
    """So many frames under one text, each with its own tracks."""
    return Conditioning(text.expand(frames, -1, -1), drawn(frames, TRACKS, *LATENT[1:]), {"pooled": drawn(frames, 4)})


def test_rows_put_together_again_are_the_whole():
    whole = Conditioning(drawn(5, *TEXT), drawn(5, TRACKS, *LATENT[1:]), {"pooled": drawn(5, 4)})
    again = Conditioning.cat([whole.rows([0]), whole.rows(slice(1, 3)), whole.rows([3, 4])])
    for one, other in zip((again.text, again.tracks, again.extra["pooled"]), (whole.text, whole.tracks, drawn(5, 4))):
        assert torch.equal(one, other)
    assert torch.equal(whole.rows([4, 1]).text, whole.text[[4, 1]])


def test_frames_under_one_text_go_on_sharing_its_memory_and_others_do_not():
    fog, rain = drawn(*TEXT, seed=1), drawn(*TEXT, seed=2)
    parts = [told(fog, 3).rows([1]), told(fog, 2), told(fog, 4).rows(slice(1, 3))]
    together = Conditioning.cat(parts)
    assert len(together) == 5
    assert identity(together.text[0]) == identity(fog) == identity(together.text[4])
    assert torch.equal(together.text, fog.expand(5, -1, -1))
    mixed = Conditioning.cat([told(fog, 2), told(rain, 1), told(fog.clone(), 1)])
    assert [torch.equal(row, fog) for row in mixed.text] == [True, True, False, True]
    assert torch.equal(mixed.text[2], rain)
    assert torch.equal(told(fog, 3).under(rain).text, rain.expand(3, -1, -1))


def test_what_is_heard_while_a_prompt_blends_in_is_a_mixture_by_weight():
    states = {"fog": torch.zeros(2, 3), "rain": torch.ones(2, 3)}
    state = ControlState().after(Prompt("fog"), 0).after(Prompt("rain", blend=3), 10)
    mixtures = []
    for frame in range(9, 15):
        mixtures.append(heard(state.at(frame), states.__getitem__)[0, 0].item())
    assert mixtures == [0, 0.25, 0.5, 0.75, 1, 1]


def test_parts_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match="do not describe the same frames"):
        Conditioning(drawn(2, *TEXT), drawn(3, TRACKS, *LATENT[1:]))
