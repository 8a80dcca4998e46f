"""Files of Wan's students: names and prefixes, what does not fit, what is more than weights (20)."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import wan_folders
from transformers import UMT5Config

from studio.models.errors import CheckpointError
from studio.models.wan.checkpoint import diffusers_names
from studio.models.wan.model import open_wan
from wan.checks import SIZE, cut, is_net, loaded, saved

PREFIXES = ("", "model.", "model._fsdp_wrapped_module.", "module.model.", "model.diffusion_model.")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("file", ["student.pt", "student.safetensors"])
def test_causal_20_every_weight_is_used_and_none_is_missing_for_each_prefix(base, tmp_path, prefix, file):
    assert is_net(loaded(base, wan_folders.tiny_wan_file(tmp_path / file, prefix)), 0)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_causal_20_the_net_asked_for_is_taken_from_a_trainers_file(base, tmp_path, prefix):
    file = wan_folders.tiny_wan_file(tmp_path / "student.pt", prefix, generator=1, generator_ema=2, critic=3)
    assert is_net(loaded(base, file), 2)
    assert is_net(loaded(base, file, which="generator"), 1)
    assert is_net(loaded(base, file, which="critic"), 3)


def test_causal_20_all_825_names_of_the_published_net_go_to_diffusers_names_and_back():
    wanted = list(wan_folders.tiny_transformer(layers=30).state_dict())
    assert len(wanted) == 825
    original = [f"model.{wan_folders.original_name(name)}" for name in wanted]
    assert len(set(original)) == 825
    assert list(diffusers_names(original).values()) == wanted
    assert list(diffusers_names(wanted).values()) == wanted


def test_a_file_of_one_net_needs_no_choice_but_a_wrong_one_is_told(base, tmp_path):
    file = wan_folders.tiny_wan_file(tmp_path / "student.pt", "model.", generator=4)
    assert is_net(loaded(base, file), 4)
    with pytest.raises(CheckpointError, match=r'holds generator, asked for was generator_ema.*which="generator"'):
        loaded(base, file, which="generator_ema")


@pytest.mark.parametrize("nesting", [("generator", "model"), ("state_dict", "generator"), ("model",)])
def test_a_net_is_found_however_deep_its_trainer_put_it(base, tmp_path, nesting):
    thing = wan_folders.original_weights(6)
    for name in reversed(nesting):
        thing = {name: thing}
    assert is_net(loaded(base, saved(tmp_path / "x.pt", thing)), 6)


def test_a_base_folder_plays_its_own_net_and_a_sharded_one_is_gathered(base, tmp_path):
    assert is_net(loaded(base), 0)
    sharded = wan_folders.tiny_wan_folder(tmp_path / "sharded", seed=5, shards=True)
    assert len(list((sharded / "transformer").glob("*.safetensors"))) > 1
    assert is_net(loaded(sharded), 5)
    assert is_net(loaded(base, sharded), 5)
    assert is_net(loaded(base, sharded / "transformer"), 5)


def test_weights_are_held_in_the_dtype_of_play_but_noise_levels_exactly(base):
    for name, weight in loaded(base, dtype=torch.bfloat16).items():
        exact = "time_" in name or "scale_shift_table" in name
        assert weight.dtype == (torch.float32 if exact else torch.bfloat16), name


class Hostile:
    """What a pickle must not be: it creates a file when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def without(path, count=1):
    """The file without its first weights."""
    save_file(dict(list(load_file(path).items())[count:]), path)
    return path


def with_more(path):
    save_file({**load_file(path), "blocks.0.self_attn.gate.weight": torch.zeros(2)}, path)
    return path


def of_another_size(path):
    save_file(wan_folders.original_weights(0, "model.", layers=3), path)
    return path


BAD = {
    "cut off": (lambda d: cut(wan_folders.tiny_wan_file(d / "x.pt")), "cut off or something else.*Download it again"),
    "cut off safetensors": (lambda d: cut(wan_folders.tiny_wan_file(d / "x.safetensors")), "cut off or something else"),
    "empty": (lambda d: cut(wan_folders.tiny_wan_file(d / "x.pt"), 0), r"\(0 bytes\) cannot be read"),
    "not there": (lambda d: d / "nowhere.pt", "no file or folder .*nowhere.pt"),
    "prefix": (
        lambda d: wan_folders.tiny_wan_file(d / "x.pt", "student.net."),
        r"69 missing: .*; 69 unknown: student\.net\..*known before them are the prefixes",
    ),
    "missing": (lambda d: without(wan_folders.tiny_wan_file(d / "x.safetensors")), "1 missing: [a-z]+.*incomplete"),
    "unknown": (
        lambda d: with_more(wan_folders.tiny_wan_file(d / "x.safetensors")),
        r"1 unknown: blocks\.0\.attn1\.gate\.weight",
    ),
    "layers": (lambda d: of_another_size(d / "x.safetensors"), "27 unknown: blocks.2.*another size"),
    "shape": (
        lambda d: saved(d / "x.pt", {**wan_folders.original_weights(), "head.head.bias": torch.zeros(3)}),
        r"1 of another shape: proj_out\.bias \(3,\) instead of \(64,\)",
    ),
    "a list": (lambda d: saved(d / "x.pt", [torch.zeros(2)]), "holds list, not weights by name"),
    "no weights": (lambda d: saved(d / "x.pt", {"step": 3, "seed": 1}), "things that are no weights: step, seed"),
    "two nets of one name": (
        lambda d: saved(
            d / "x.pt",
            {**wan_folders.original_weights(), "_orig_mod.head.head.bias": torch.zeros(64)},
        ),
        "holds weights twice: head.head.bias",
    ),
    "several files": (
        lambda d: [wan_folders.tiny_wan_file(d / name) for name in ("a.pt", "b.pt")] and d,
        r"should hold one file of weights .* it has: a\.pt, b\.pt",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_does_not_fit_says_what_was_found_and_what_to_do(base, tmp_path, kind):
    make, words = BAD[kind]
    with pytest.raises(CheckpointError, match=words):
        loaded(base, make(tmp_path))


def test_a_pickle_that_is_more_than_weights_is_refused_and_never_run(base, tmp_path):
    mark = tmp_path / "it ran"
    file = saved(tmp_path / "x.pt", {"generator": Hostile(mark)})
    with pytest.raises(CheckpointError, match=r"more than weights.*not loaded"):
        loaded(base, file)
    assert not mark.exists()


def test_a_missing_shard_is_named(tmp_path):
    base = wan_folders.tiny_wan_folder(tmp_path / "base", shards=True)
    lost = sorted((base / "transformer").glob("*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(CheckpointError, match=f"lacks 1 of its 4 shards: {lost.name}"):
        loaded(base)


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "tokenizer"])
def test_a_base_that_lacks_a_part_says_which(tmp_path, part):
    base = wan_folders.tiny_wan_folder(tmp_path / "base")
    (base / part).rename(tmp_path / "away")
    with pytest.raises(CheckpointError, match=rf"{part}.*diffusers"):
        open_wan(base, size=SIZE)


@pytest.mark.parametrize("part", ["vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"])
def test_a_broken_part_of_the_base_says_which(tmp_path, part):
    base = wan_folders.tiny_wan_folder(tmp_path / "base")
    cut(base / part)
    with pytest.raises(CheckpointError, match=rf"{part.split('/')[0]} cannot be read.*download it again"):
        open_wan(base, size=SIZE)


def test_a_base_for_another_net_is_told_apart(tmp_path):
    base = wan_folders.tiny_wan_folder(tmp_path / "base")
    UMT5Config(d_model=48).save_pretrained(base / "text_encoder")
    with pytest.raises(CheckpointError, match="text_dim is 32, but the text encoder's states have 48"):
        open_wan(base, size=SIZE)


def test_checkpoints_are_told_apart_by_their_weights(base, model, tmp_path):
    file = wan_folders.tiny_wan_file(tmp_path / "x.pt", "model.", generator=1, generator_ema=2)
    ids = [
        model.weights_id,
        open_wan(base, generator=file, size=SIZE).weights_id,
        open_wan(base, generator=file, lora=wan_folders.tiny_wan_lora(tmp_path / "l.pt"), size=SIZE).weights_id,
        open_wan(base, tiny_decoder=wan_folders.tiny_taehv(tmp_path / "t.pth"), size=SIZE).weights_id,
    ]
    assert len(set(ids)) == 4
    assert all(len(name) == 12 and int(name, 16) for name in ids)
    assert open_wan(base, size=(16, 16)).weights_id == ids[0]
