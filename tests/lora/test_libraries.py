"""Every kind of LoRA against the library that trains it: PEFT, LyCORIS and diffusers write the file, run the layer, and
what the studio makes of that file gives the same to 1e-5, merged and beside the layer."""

import copy
import json
import warnings

import lycoris
import peft
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from studio.models.image import lora


class Block(nn.Module):
    """A layer of each class that a UNet has, and then a product."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm = nn.Conv2d(8, 12, 3, padding=1, stride=2), nn.GroupNorm(3, 12)
        self.proj_in, self.to_q = nn.Conv2d(12, 16, 1), nn.Linear(16, 24, bias=False)
        self.rest, self.out = nn.LayerNorm(24), nn.Linear(24, 24)

    def forward(self, x):
        x = self.proj_in(self.norm(self.conv1(x)).sigmoid()).sigmoid()
        return self.out(self.rest(self.to_q(x.flatten(2).transpose(1, 2))))


class Little(nn.Module):
    """A net of two blocks' worth of layers: rows (n, 8, 6, 6) -> (n, 9, 24)."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.block = Block()
        for weight in self.parameters():  # no norm is all ones, no bias zero
            weight.data += torch.randn_like(weight) / 5
        self.eval().requires_grad_(False)

    def forward(self, x):
        return self.block(x)


def run(net, rows=2):
    with torch.no_grad():
        return net(torch.randn(rows, 8, 6, 6, generator=torch.Generator().manual_seed(3)))


def shaken(parameters, seed=1):
    """Trained, as far as a test is concerned."""
    generator = torch.Generator().manual_seed(seed)
    for weight in parameters:
        weight.data += torch.randn(weight.shape, generator=generator) / 5


def check(path, theirs, net=None):
    """What the studio plays of a file is what its library gave, fused and live; gives what was left aside."""
    told, net = [], net or Little()
    plain = run(net)
    changes = lora.read(path, {"unet": net}, tell=told.append)
    live = copy.deepcopy(net)
    mix = lora.adapt({"unet": live}, [changes])
    assert torch.equal(run(live), plain)
    mix.set(torch.tensor([[1.0], [0.0]]), torch.device("cpu"), torch.float32)
    one = run(live)
    torch.testing.assert_close(one[:1], theirs[:1], rtol=1e-5, atol=1e-5)
    assert torch.allclose(one[1:], plain[1:], atol=1e-6)
    for weight in (1.0, 0.4):  # the live weight beside its slow definition: so much of the change in the weights
        fused = copy.deepcopy(net)
        lora.fuse({"unet": fused}, changes, weight)
        mix.set(torch.full((2, 1), weight), torch.device("cpu"), torch.float32)
        torch.testing.assert_close(run(live), run(fused), rtol=1e-5, atol=1e-5)
        if weight == 1.0:
            torch.testing.assert_close(run(fused), theirs, rtol=1e-5, atol=1e-5)
    assert (theirs - plain).abs().max() > 0.05
    return told


LAYERS = {"target_modules": ["conv1", "proj_in", "to_q", "out"]}
PEFT = {
    "alpha": lambda: peft.LoraConfig(r=2, lora_alpha=8, **LAYERS),
    "alpha left out": lambda: peft.LoraConfig(r=2, **LAYERS),
    "rank-stabilised": lambda: peft.LoraConfig(r=4, lora_alpha=16, use_rslora=True, **LAYERS),
    "patterns": lambda: peft.LoraConfig(
        r=2, lora_alpha=8, rank_pattern={"to_q": 3}, alpha_pattern={"block.to_q": 5, "^block\\.conv.": 1}, **LAYERS
    ),
    "DoRA": lambda: peft.LoraConfig(r=2, lora_alpha=8, use_dora=True, **LAYERS),
    "biases": lambda: peft.LoraConfig(r=2, lora_alpha=4, lora_bias=True, target_modules=["conv1", "proj_in", "out"]),
    "LoHa": lambda: peft.LoHaConfig(r=2, alpha=6, **LAYERS),
    "LoHa, Tucker": lambda: peft.LoHaConfig(r=2, alpha=6, use_effective_conv2d=True, **LAYERS),
    "LoKr": lambda: peft.LoKrConfig(r=2, alpha=6, **LAYERS),
    "LoKr, Tucker": lambda: peft.LoKrConfig(r=1, alpha=3, use_effective_conv2d=True, decompose_both=True, **LAYERS),
    "LoKr, whole factors": lambda: peft.LoKrConfig(r=64, alpha=32, rank_pattern={"to_q": 40}, **LAYERS),
}


@pytest.mark.parametrize("kind", PEFT)
def test_a_folder_that_peft_saves_plays_as_peft_plays_it(tmp_path, kind):
    config = PEFT[kind]()
    config.init_weights = config.init_lora_weights = False
    theirs = peft.get_peft_model(Little(), config).eval()
    shaken(weight for weight in theirs.parameters() if weight.requires_grad)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.save_pretrained(tmp_path)
    if kind == "alpha left out":
        settings = json.loads((tmp_path / "adapter_config.json").read_text())
        del settings["lora_alpha"]
        (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    assert check(tmp_path, run(theirs)) == []
    assert check(tmp_path / "adapter_model.safetensors", run(theirs)) == []


LYCORIS = {
    "LoCon": {"algo": "locon"},
    "LoCon with a middle": {"algo": "locon", "use_tucker": True},
    "rank-stabilised": {"algo": "locon", "rs_lora": True},
    "LoHa": {"algo": "loha"},
    "LoHa, Tucker": {"algo": "loha", "use_tucker": True},
    "LoKr": {"algo": "lokr", "factor": 4},
    "LoKr, both factors products": {"algo": "lokr", "factor": 8, "decompose_both": True, "linear_dim": 1},
    "LoKr, Tucker": {"algo": "lokr", "factor": 2, "use_tucker": True},
    "LoKr, whole factors": {"algo": "lokr", "factor": 2, "full_matrix": True},
    "DoRA": {"algo": "locon", "dora_wd": True},
    "DoRA of inputs": {"algo": "locon", "dora_wd": True, "wd_on_output": False},
    "DoRA over LoHa": {"algo": "loha", "dora_wd": True},
    "DoRA over LoKr": {"algo": "lokr", "dora_wd": True, "factor": 4},
    "whole changes": {"algo": "full"},
    "norms": {"algo": "locon", "train_norm": True},
}


@pytest.mark.parametrize("kind", LYCORIS)
def test_a_file_that_lycoris_saves_plays_as_lycoris_plays_it(tmp_path, kind):
    ranks = {"linear_dim": 2, "linear_alpha": 3, "conv_dim": 2, "conv_alpha": 3} | LYCORIS[kind]
    net = Little()
    lycoris.LycorisNetwork.apply_preset({"target_module": ["Block"]})
    theirs = lycoris.create_lycoris(net, 1.0, **ranks)
    theirs.apply_to()
    shaken(theirs.parameters())
    save_file({key: held.detach().clone() for key, held in theirs.state_dict().items()}, tmp_path / "a.safetensors")
    assert check(tmp_path / "a.safetensors", run(net)) == []
