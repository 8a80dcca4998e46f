import io
import threading

import numpy as np
import pytest
import tiny_wan
import torch
import torch.nn.functional as F
from einops import rearrange
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import UMT5Config

from studio.conditioning import Rows, condition_frames
from studio.controls import ControlError, ControlState, Erase, Picture, Prompt, Sampling, Similarity, Stroke
from studio.models.errors import CheckpointError
from studio.models.wan import umt5
from studio.models.wan.checkpoint import diffusers_names, load_transformer
from studio.models.wan.model import open_wan
from studio.models.wan.video_decoder import FRAMES, VideoDecoder, WanAutoencoder, load_tiny_decoder
from studio.session.session import Session

SIZE = (32, 48)
PREFIXES = ("", "model.", "model._fsdp_wrapped_module.", "module.model.", "model.diffusion_model.")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_wan.tiny_wan_folder(tmp_path_factory.mktemp("wan") / "base")


@pytest.fixture(scope="module")
def model(base):
    return open_wan(base, size=SIZE)


def loaded(base, generator=None, lora=None, which=None, dtype=torch.float32):
    return load_transformer(base, generator, lora, which, dtype).state_dict()


def is_net(state, seed):
    """Whether the weights are, bit for bit and name for name, those of `tiny_transformer(seed)`."""
    wanted = tiny_wan.tiny_transformer(seed).state_dict()
    return state.keys() == wanted.keys() and all(torch.equal(state[name], wanted[name]) for name in wanted)


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# Files


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("file", ["student.pt", "student.safetensors"])
def test_causal_20_every_weight_is_used_and_none_is_missing_for_each_prefix(base, tmp_path, prefix, file):
    assert is_net(loaded(base, tiny_wan.tiny_wan_file(tmp_path / file, prefix)), 0)


def saved(path, thing):
    torch.save(thing, path)
    return path


@pytest.mark.parametrize("prefix", PREFIXES)
def test_causal_20_the_net_asked_for_is_taken_from_a_trainers_file(base, tmp_path, prefix):
    file = tiny_wan.tiny_wan_file(tmp_path / "student.pt", prefix, generator=1, generator_ema=2, critic=3)
    assert is_net(loaded(base, file), 2)
    assert is_net(loaded(base, file, which="generator"), 1)
    assert is_net(loaded(base, file, which="critic"), 3)


def test_causal_20_all_825_names_of_the_published_net_go_to_diffusers_names_and_back():
    wanted = list(tiny_wan.tiny_transformer(layers=30).state_dict())
    assert len(wanted) == 825
    original = [f"model.{tiny_wan.original_name(name)}" for name in wanted]
    assert len(set(original)) == 825
    assert list(diffusers_names(original).values()) == wanted
    assert list(diffusers_names(wanted).values()) == wanted


def test_a_file_of_one_net_needs_no_choice_but_a_wrong_one_is_told(base, tmp_path):
    file = tiny_wan.tiny_wan_file(tmp_path / "student.pt", "model.", generator=4)
    assert is_net(loaded(base, file), 4)
    with pytest.raises(CheckpointError, match=r'holds generator, asked for was generator_ema.*which="generator"'):
        loaded(base, file, which="generator_ema")


@pytest.mark.parametrize("nesting", [("generator", "model"), ("state_dict", "generator"), ("model",)])
def test_a_net_is_found_however_deep_its_trainer_put_it(base, tmp_path, nesting):
    thing = tiny_wan.original_weights(6)
    for name in reversed(nesting):
        thing = {name: thing}
    assert is_net(loaded(base, saved(tmp_path / "x.pt", thing)), 6)


def test_a_base_folder_plays_its_own_net_and_a_sharded_one_is_gathered(base, tmp_path):
    assert is_net(loaded(base), 0)
    sharded = tiny_wan.tiny_wan_folder(tmp_path / "sharded", seed=5, shards=True)
    assert len(list((sharded / "transformer").glob("*.safetensors"))) > 1
    assert is_net(loaded(sharded), 5)
    assert is_net(loaded(base, sharded), 5)
    assert is_net(loaded(base, sharded / "transformer"), 5)


def test_weights_are_held_in_the_dtype_of_play_but_noise_levels_exactly(base):
    for name, weight in loaded(base, dtype=torch.bfloat16).items():
        exact = "time_" in name or "scale_shift_table" in name
        assert weight.dtype == (torch.float32 if exact else torch.bfloat16), name


def cut(path, share=0.6):
    """The file, cut off."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


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
    save_file(tiny_wan.original_weights(0, "model.", layers=3), path)
    return path


BAD = {
    "cut off": (lambda d: cut(tiny_wan.tiny_wan_file(d / "x.pt")), "cut off or something else.*Download it again"),
    "cut off safetensors": (lambda d: cut(tiny_wan.tiny_wan_file(d / "x.safetensors")), "cut off or something else"),
    "empty": (lambda d: cut(tiny_wan.tiny_wan_file(d / "x.pt"), 0), r"\(0 bytes\) cannot be read"),
    "not there": (lambda d: d / "nowhere.pt", "no file or folder .*nowhere.pt"),
    "prefix": (
        lambda d: tiny_wan.tiny_wan_file(d / "x.pt", "student.net."),
        r"69 missing: .*; 69 unknown: student\.net\..*known before them are the prefixes",
    ),
    "missing": (lambda d: without(tiny_wan.tiny_wan_file(d / "x.safetensors")), "1 missing: [a-z]+.*incomplete"),
    "unknown": (
        lambda d: with_more(tiny_wan.tiny_wan_file(d / "x.safetensors")),
        r"1 unknown: blocks\.0\.attn1\.gate\.weight",
    ),
    "layers": (lambda d: of_another_size(d / "x.safetensors"), "27 unknown: blocks.2.*another size"),
    "shape": (
        lambda d: saved(d / "x.pt", {**tiny_wan.original_weights(), "head.head.bias": torch.zeros(3)}),
        r"1 of another shape: proj_out\.bias \(3,\) instead of \(64,\)",
    ),
    "a list": (lambda d: saved(d / "x.pt", [torch.zeros(2)]), "holds list, not weights by name"),
    "no weights": (lambda d: saved(d / "x.pt", {"step": 3, "seed": 1}), "things that are no weights: step, seed"),
    "two nets of one name": (
        lambda d: saved(
            d / "x.pt",
            {**tiny_wan.original_weights(), "_orig_mod.head.head.bias": torch.zeros(64)},
        ),
        "holds weights twice: head.head.bias",
    ),
    "several files": (
        lambda d: [tiny_wan.tiny_wan_file(d / name) for name in ("a.pt", "b.pt")] and d,
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
    base = tiny_wan.tiny_wan_folder(tmp_path / "base", shards=True)
    lost = sorted((base / "transformer").glob("*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(CheckpointError, match=f"lacks 1 of its 4 shards: {lost.name}"):
        loaded(base)


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder", "tokenizer"])
def test_a_base_that_lacks_a_part_says_which(tmp_path, part):
    base = tiny_wan.tiny_wan_folder(tmp_path / "base")
    (base / part).rename(tmp_path / "away")
    with pytest.raises(CheckpointError, match=rf"{part}.*diffusers"):
        open_wan(base, size=SIZE)


@pytest.mark.parametrize("part", ["vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"])
def test_a_broken_part_of_the_base_says_which(tmp_path, part):
    base = tiny_wan.tiny_wan_folder(tmp_path / "base")
    cut(base / part)
    with pytest.raises(CheckpointError, match=rf"{part.split('/')[0]} cannot be read.*download it again"):
        open_wan(base, size=SIZE)


def test_a_base_for_another_net_is_told_apart(tmp_path):
    base = tiny_wan.tiny_wan_folder(tmp_path / "base")
    UMT5Config(d_model=48).save_pretrained(base / "text_encoder")
    with pytest.raises(CheckpointError, match="text_dim is 32, but the text encoder's states have 48"):
        open_wan(base, size=SIZE)


# LoRA


def forward(net, x, level, text):
    """Diffusers' own forward: x (F, C, h, w), one noise level -> velocity (F, C, h, w)."""
    out = net(x.transpose(0, 1)[None], torch.tensor([1000.0 * level]), text[None], return_dict=False)[0]
    return out[0].transpose(0, 1)


def test_causal_20_a_merged_lora_is_the_lora_applied_beside_the_weights(base, tmp_path):
    merged = load_transformer(base, None, tiny_wan.tiny_wan_lora(tmp_path / "lora.pt", seed=1), None, torch.float32)
    plain, state, changed = tiny_wan.tiny_transformer(), tiny_wan.lora_weights(1), 0
    for name, layer in plain.named_modules():
        original = tiny_wan.original_name(f"{name}.weight").removesuffix(".weight") if "blocks." in name else ""
        if (a := state.get(f"base_model.model.{original}.lora_A.weight")) is not None:
            b = state[f"base_model.model.{original}.lora_B.weight"]
            layer.register_forward_hook(lambda _, told, out, a=a, b=b: out + told[0] @ a.T @ b.T)
            changed += 1
    assert changed == 10 * tiny_wan.LAYERS == len(state) // 2
    x, text = drawn(3, 16, 4, 6), drawn(5, tiny_wan.TEXT, seed=1)
    difference = forward(merged, x, 0.8, text) - forward(plain, x, 0.8, text)
    assert difference.abs().max() < 1e-5
    assert (forward(merged, x, 0.8, text) - forward(tiny_wan.tiny_transformer(), x, 0.8, text)).abs().max() > 0.05


def test_a_lora_is_merged_into_the_generator_it_was_trained_on(base, tmp_path):
    file = tiny_wan.tiny_wan_file(tmp_path / "student.pt", "model.", generator=1, generator_ema=2)
    lora = tiny_wan.tiny_wan_lora(tmp_path / "lora.pt")
    untouched = "blocks.0.norm2.weight"
    assert torch.equal(loaded(base, file, lora)[untouched], tiny_wan.tiny_transformer(1).state_dict()[untouched])
    wanted = tiny_wan.tiny_transformer(2).state_dict()[untouched]
    assert torch.equal(loaded(base, file, lora, "generator_ema")[untouched], wanted)


def test_a_loras_alpha_scales_it(base, tmp_path):
    state = tiny_wan.lora_weights()
    layers = {name.split(".lora_")[0] for name in state}
    whole = loaded(base, None, saved(tmp_path / "a.pt", state))
    half = loaded(
        base, None, saved(tmp_path / "b.pt", state | {f"{layer}.alpha": torch.tensor(2.0) for layer in layers})
    )
    plain = loaded(base)
    name = "blocks.1.attn2.to_k.weight"
    torch.testing.assert_close(half[name] - plain[name], (whole[name] - plain[name]) / 2)


def lora_of_another_width():
    return {
        name: torch.cat([weight, weight], 1 if ".lora_A" in name else 0)
        for name, weight in tiny_wan.lora_weights().items()
    }


def half_a_lora():
    return {name: weight for name, weight in tiny_wan.lora_weights().items() if ".lora_A" in name}


BAD_LORAS = {
    "another width": (lora_of_another_width, r"down \(4, 96\).*, the model's \(48, 48\) \(20 of its 20 layers do not"),
    "more layers": (lambda: tiny_wan.lora_weights(layers=3), r"has none of that name \(10 of its 30 layers do not fit"),
    "half of it": (half_a_lora, "has only down of layer transformer.blocks.0"),
    "a net": (tiny_wan.original_weights, "is no LoRA: it has "),
    "nothing": (dict, "is no LoRA: it has nothing"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_LORAS)
def test_a_lora_for_another_base_says_so(base, tmp_path, kind):
    make, words = BAD_LORAS[kind]
    with pytest.raises(CheckpointError, match=words):
        loaded(base, None, saved(tmp_path / "lora.pt", make()))


# The net


@pytest.mark.parametrize("level", [1.0, 0.8333, 0.625])
def test_causal_20_one_cached_forward_is_diffusers_own(base, tmp_path, level):
    student = open_wan(base, generator=tiny_wan.tiny_wan_file(tmp_path / "x.pt", "model.", generator_ema=1), size=SIZE)
    x = drawn(3, *student.latent)
    cond = condition_frames(student, ControlState(), [0, 1, 2])
    ours = student.denoise(Rows(x, (level,) * 3, cond, (0, 1, 2)), student.new_cache())
    theirs = x - level * forward(tiny_wan.tiny_transformer(1), x, level, cond.text[0])
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=0)


def test_causal_11_the_schedule_is_the_published_one(model):
    assert model.sigmas(4) == pytest.approx((1, 0.9375, 0.83333, 0.625), abs=1e-5)
    assert model.sigmas(5) == pytest.approx((1, 0.95238, 0.88235, 0.76923, 0.55556), abs=1e-5)
    assert model.sigmas(2, 0.5) == pytest.approx((5 * 0.5 / 3, 5 * 0.25 / 2))


@pytest.mark.parametrize("size", [(16, 16), (48, 80), (112, 32)])
def test_causal_14_any_height_and_width_divisible_by_16_can_be_played(base, size):
    student = open_wan(base, size=size)
    session = Session(student, sampler="rollout")
    assert session.step().picture.shape == (*size, 3)
    assert student.latent == (16, size[0] // 8, size[1] // 8)


@pytest.mark.parametrize(
    ("size", "near"), [((480, 830), "480 x 816 or 832"), ((100, 48), "96 or 112 x 48"), ((8, 48), "16 x 48")]
)
def test_another_size_is_refused_with_the_nearest_possible(base, size, near):
    with pytest.raises(ValueError, match=f"size is {size[0]} x {size[1]}.*multiples of 16, the nearest: {near}$"):
        open_wan(base, size=size)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"recache": "sideways"}, "recache is 'sideways'; possible: causal, bidirectional"),
        ({"positions": "none"}, "positions is 'none'; possible: slots, absolute"),
        ({"evicts": "never"}, "evicts is 'never'; possible: before, after"),
        ({"window": 0}, "chunk, sink, window are 3, 3, 0; at least 1, 0 and 1"),
    ],
)
def test_an_option_that_is_not_possible_is_told_before_anything_is_read(tmp_path, option, words):
    with pytest.raises(ValueError, match=words):
        open_wan(tmp_path, **option)


def test_an_attention_backend_can_be_chosen_and_one_that_is_not_here_is_refused(base, model):
    student = open_wan(base, size=SIZE, attention="native")
    assert hashes(playing(student), 9) == hashes(playing(model), 9)
    with pytest.raises(ValueError, match="native"):
        open_wan(base, size=SIZE, attention="telepathy")


def test_checkpoints_are_told_apart_by_their_weights(base, model, tmp_path):
    file = tiny_wan.tiny_wan_file(tmp_path / "x.pt", "model.", generator=1, generator_ema=2)
    ids = [
        model.weights_id,
        open_wan(base, generator=file, size=SIZE).weights_id,
        open_wan(base, generator=file, lora=tiny_wan.tiny_wan_lora(tmp_path / "l.pt"), size=SIZE).weights_id,
        open_wan(base, tiny_decoder=tiny_wan.tiny_taehv(tmp_path / "t.pth"), size=SIZE).weights_id,
    ]
    assert len(set(ids)) == 4
    assert all(len(name) == 12 and int(name, 16) for name in ids)
    assert open_wan(base, size=(16, 16)).weights_id == ids[0]


# Text


def test_the_prompt_is_read_as_diffusers_own_pipeline_reads_it(base, model):
    from diffusers import WanPipeline

    pipeline = WanPipeline.from_pretrained(base)
    for text in ("a fox  runs &amp; sings at night", "", "the sea " * 300):
        with torch.no_grad():
            wanted = pipeline._get_t5_prompt_embeds(text, max_sequence_length=512)[0]
        states = model.prepare(text).states
        assert states.shape == (512, tiny_wan.TEXT)
        torch.testing.assert_close(states, wanted, atol=1e-5, rtol=0)
    assert not model.prepare("a fox").states[4:].any(), "after the prompt come zeros"


def test_the_text_encoder_may_come_from_another_folder(base, model, tmp_path):
    other = tiny_wan.tiny_wan_folder(tmp_path / "other", seed=7)
    student = open_wan(base, text_encoder=other, size=SIZE)
    assert torch.equal(student.prepare("a fox").states, umt5.TextEncoder(other)("a fox").states)
    assert not torch.equal(student.prepare("a fox").states, model.prepare("a fox").states)
    assert student.weights_id != model.weights_id


def test_a_text_is_encoded_once_and_the_encoder_is_let_go_if_asked(base, monkeypatch):
    loads = []
    load = umt5.TextEncoder._load
    monkeypatch.setattr(umt5.TextEncoder, "_load", lambda self: loads.append(self) or load(self))
    kept, freed = umt5.TextEncoder(base), umt5.TextEncoder(base, keep=False)
    for encoder in (kept, freed):
        assert encoder("a fox") is encoder("a fox")
        encoder("the sea")
    assert loads == [kept, freed, freed]
    assert freed._net is None


def test_the_encoder_leaves_the_accelerator_when_it_has_worked(base, monkeypatch):
    places = []
    encoder = umt5.TextEncoder(base)
    encoder("a fox")
    monkeypatch.setattr(encoder._net, "to", lambda place: places.append(str(place)) or encoder._net)
    encoder.device = torch.device("cpu", 0)  # as an accelerator's name would be
    encoder("the sea")
    assert places == ["cpu:0", "cpu"]


def test_texts_may_come_from_many_threads(base):
    encoder, texts = umt5.TextEncoder(base), [f"a fox {number}" for number in range(8)]
    alone = [umt5.TextEncoder(base)(text).states for text in texts]
    found = {}
    threads = [threading.Thread(target=lambda t=text: found.update({t: encoder(t)})) for text in texts * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for text, states in zip(texts, alone, strict=True):
        assert torch.equal(found[text].states, states)


# Decoders

PARTS = ([1] * 7, [3, 3, 1], [1, 3, 3], [2, 5], [7])


@pytest.fixture(scope="module", params=["autoencoder", "tiny"])
def decoding(request, base, tmp_path_factory):
    if request.param == "autoencoder":
        return WanAutoencoder(base)
    return load_tiny_decoder(tiny_wan.tiny_taehv(tmp_path_factory.mktemp("taehv") / "taew2_1.safetensors"))


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


def picture_file(seed):
    """A PNG's bytes."""
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*SIZE, 3), dtype=np.uint8)).save(data, "PNG")
    return data.getvalue()


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
    "not one": (lambda d: tiny_wan.tiny_wan_file(d / "t.safetensors"), "no tiny decoder of Wan 2.1.*taew2_1"),
    "cut off": (lambda d: cut(tiny_wan.tiny_taehv(d / "t.pth")), "cut off"),
    "incomplete": (
        lambda d: without_block(tiny_wan.tiny_taehv(d / "t.safetensors")),
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


# Playing


def playing(model, sampler="rollout", **sampling):
    session = Session(model, sampler=sampler)
    session.send(Prompt("a fox runs in the forest"))
    session.send(Sampling(**{"seed": 3, "steps": 2, **sampling}))
    return session


def hashes(session, count):
    return [session.step().hash for _ in range(count)]


@pytest.mark.parametrize("sampler", ["rollout", "stream", "rolling"])
def test_a_session_plays_a_wan_folder_and_a_new_prompt_shows(model, sampler):
    session = playing(model, sampler)
    frames = [session.step() for _ in range(9 + 12 + 5)]  # in the midst of a chunk
    assert [frame.index for frame in frames] == list(range(26))
    assert all(frame.picture.shape == (*SIZE, 3) for frame in frames)
    assert np.std([frame.picture for frame in frames]) > 2
    state = session.snapshot()
    stayed = hashes(session, 24)
    session.restore(state)
    revision = session.send(Prompt("the sea at night"))
    changed = [session.step() for _ in range(24)]
    assert [frame.revision >= revision for frame in changed] == [False] * 7 + [True] * 17
    same = [old == frame.hash for old, frame in zip(stayed, changed, strict=True)]
    assert all(same[:7]), "pictures already decoded come out"
    assert not any(same[7:]), "from the next chunk on the new words are heard"


def test_causal_21_a_restored_session_plays_the_same_frames(model):
    session = playing(model)
    hashes(session, 14)
    state = session.snapshot()
    first = hashes(session, 20)
    session.restore(state)
    assert hashes(session, 20) == first


def test_causal_12_the_same_controls_give_the_same_frames_and_another_seed_others(base, model):
    first = hashes(playing(model), 21)
    assert hashes(playing(open_wan(base, size=SIZE)), 21) == first
    other = hashes(playing(model, seed=4), 21)
    assert not set(first) & set(other)


def test_in_bfloat16_the_pictures_are_the_same_within_rounding(base, model, tmp_path):
    tiny = tiny_wan.tiny_taehv(tmp_path / "taew2_1.safetensors")
    for decoder in (None, tiny):
        exact, rounded = (
            open_wan(base, tiny_decoder=decoder, size=SIZE, dtype=d) for d in (torch.float32, torch.bfloat16)
        )
        assert rounded.new_cache()._keys.dtype == torch.bfloat16
        frames, others = ([s.step().picture.astype(float) for _ in range(9)] for s in map(playing, (exact, rounded)))
        assert 0 < np.abs(np.subtract(frames, others)).mean() < 3


def test_the_tiny_decoder_shows_the_same_latents_otherwise(base, model, tmp_path):
    tiny = open_wan(base, tiny_decoder=tiny_wan.tiny_taehv(tmp_path / "taew2_1.pth"), size=SIZE)
    frames, others = ([s.step() for _ in range(9)] for s in (playing(tiny), playing(model)))
    assert frames[0].picture.shape == (*SIZE, 3)
    assert not {frame.hash for frame in frames} & {frame.hash for frame in others}


def test_a_picture_in_force_at_the_start_is_the_first_frame_and_the_stream_goes_on_from_it(model):
    data = picture_file(1)
    session, without = playing(model), playing(model)
    session.send(Picture(data))
    frames = [session.step() for _ in range(13)]
    shown = model.new_decoder().decode(model.encode_picture(data)[None])[0]
    assert np.array_equal(frames[0].picture, shown)
    assert len({frame.hash for frame in frames}) == 13
    assert not {frame.hash for frame in frames} & set(hashes(without, 13))


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (Stroke("1", "fox", ((0, 0.5, 0.5),)), "takes no stroke: .*not trained on painted motion; the pocket model is"),
        (Erase("1"), "takes no erase: .*the pocket model"),
        (Similarity(0.9), "takes no similarity: .*no frame can be skipped"),
    ],
)
def test_what_it_cannot_play_is_refused_with_the_reason_and_the_stream_goes_on(model, control, words):
    session, undisturbed = playing(model), playing(model)
    hashes(session, 9), hashes(undisturbed, 9)
    with pytest.raises(ControlError, match=words):
        session.send(control)
    assert hashes(session, 12) == hashes(undisturbed, 12)


def test_a_blend_of_prompts_lies_between_them(model):
    begun, ended = (ControlState().after(Prompt(text), 0) for text in ("a fox", "the sea"))
    between = begun.after(Prompt("the sea", blend=3), 4).at(5)
    states = [condition_frames(model, told, [0]).text[0] for told in (begun, between, ended)]
    torch.testing.assert_close(states[1], torch.lerp(states[0], states[2], 0.5))
