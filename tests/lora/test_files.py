"""LoRA files of the image families as people bring them: folders, notes, spellings, left aside, refused."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny.sd_folders import tiny_clip, tiny_lora, tiny_sd, tiny_unet

from studio.models.errors import CheckpointError
from studio.models.image import lora
from studio.models.image.model import open_image

Q = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"


@pytest.fixture(scope="module")
def nets():
    torch.manual_seed(0)
    return {"unet": tiny_unet(), "text_encoder": tiny_clip(pooled=False)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_sd(tmp_path_factory.mktemp("lora-files") / "sd")


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def pair(layer=Q, rank=2, begin="unet.", down="lora_A", up="lora_B", width=32):
    """A LoRA of one layer."""
    return {
        f"{begin}{layer}.{down}.weight": random(rank, width),
        f"{begin}{layer}.{up}.weight": random(width, rank, seed=1),
    }


def kohya(layer=Q, **more):
    stem = "lora_unet_" + layer.replace(".", "_")
    found = pair(stem, begin="", down="lora_down", up="lora_up")
    return found | {f"{stem}.{part}": held for part, held in more.items()}


def saved(path, state, **head):
    save_file(state, path, head or None)
    return path


def scale(path, nets, layer=Q, rank=2, told=None):
    """How strong the layer's product plays: 1 is up · down as it is in the file."""
    change = lora.read(path, nets, tell=(told if told is not None else []).append)["unet", layer]
    plain = random(32, rank, seed=1) @ random(rank, 32)
    ratio = change.of_weight(torch.zeros(32, 32)) / plain
    assert ratio.std() < 1e-4
    return float(ratio.mean())


# How strong


def peft_folder(path, keys=None, **config):
    path.mkdir(parents=True, exist_ok=True)
    save_file(keys or pair(begin="base_model.model."), path / "adapter_model.safetensors")
    (path / "adapter_config.json").write_text(json.dumps(config))
    return path


PEFT_SCALES = {
    "alpha": ({"r": 2, "lora_alpha": 8}, 4.0),
    "rank-stabilised": ({"r": 2, "lora_alpha": 8, "use_rslora": True}, 8 / math.sqrt(2)),
    "an alpha of the layer": ({"r": 2, "lora_alpha": 8, "alpha_pattern": {"attn1.to_q": 3}}, 1.5),
    "an alpha of others": ({"r": 2, "lora_alpha": 8, "alpha_pattern": {"attn1.to_k": 3, "q": 5}}, 4.0),
    "an alpha by expression": ({"r": 2, "lora_alpha": 8, "alpha_pattern": {r".*mid_block.*to_[qk]": 1}}, 0.5),
    "a rank of the layer": ({"r": 16, "lora_alpha": 8, "rank_pattern": {"to_q": 2}}, 4.0),
    "no alpha, which is 8 for PEFT": ({"r": 2, "peft_type": "LORA"}, 4.0),
    "null": ({"r": 2, "lora_alpha": 2, "alpha_pattern": None, "use_rslora": None}, 1.0),
}


@pytest.mark.parametrize("kind", PEFT_SCALES)
def test_a_peft_folder_plays_at_the_strength_in_its_config(nets, tmp_path, kind):
    config, wanted = PEFT_SCALES[kind]
    place = peft_folder(tmp_path / "ink", **config)
    assert scale(place, nets) == pytest.approx(wanted)
    assert scale(place / "adapter_model.safetensors", nets) == pytest.approx(wanted)


def test_a_folder_of_each_network_is_read_whole(nets, tmp_path):
    """As PEFT's own example for Stable Diffusion saves: unet/ and text_encoder/, each with its own strength."""
    peft_folder(tmp_path / "unet", r=2, lora_alpha=8)
    layer = "text_model.encoder.layers.1.self_attn.q_proj"
    peft_folder(tmp_path / "text_encoder", pair(layer, begin="base_model.model."), r=2, lora_alpha=1)
    changes = lora.read(tmp_path, nets)
    own = next(name for name, _ in nets["text_encoder"].named_modules() if name.endswith("layers.1.self_attn.q_proj"))
    assert set(changes) == {("unet", Q), ("text_encoder", own)}
    assert scale(tmp_path, nets) == pytest.approx(4.0)
    zeros, plain = torch.zeros(32, 32), random(32, 2, seed=1) @ random(2, 32)
    torch.testing.assert_close(changes["text_encoder", own].of_weight(zeros), plain / 2)


def test_a_peft_folder_of_a_text_encoder_alone_finds_it(nets, tmp_path):
    layer = "text_model.encoder.layers.0.self_attn.out_proj"
    place = peft_folder(tmp_path / "words", pair(layer, begin="base_model.model."), r=2, lora_alpha=2)
    ((net, name),) = lora.read(place, nets)
    assert net == "text_encoder"
    assert name.endswith("layers.0.self_attn.out_proj")


def note(**settings):
    return {"lora_adapter_metadata": json.dumps({name.replace("__", "."): value for name, value in settings.items()})}


NOTES = {
    "diffusers' note": (note(unet__r=2, unet__lora_alpha=8), 4.0),
    "rank-stabilised": (note(unet__lora_alpha=8, unet__use_rslora=True), 8 / math.sqrt(2)),
    "one net's adapter": (note(r=2, lora_alpha=8), 4.0),
    "an alpha of the layer": (note(unet__lora_alpha=8, unet__alpha_pattern={Q: 1}), 0.5),
    "another net's": (note(text_encoder__lora_alpha=8), 1.0),
    "in the head itself": ({"unet.lora_alpha": "8"}, 4.0),
    "none": ({}, 1.0),
    "null": ({"lora_adapter_metadata": "null"}, 1.0),
    "a list": ({"lora_adapter_metadata": "[]"}, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOTES)
def test_a_files_own_note_says_its_strength(nets, tmp_path, kind):
    head, wanted = NOTES[kind]
    told = []
    assert scale(saved(tmp_path / "ink.safetensors", pair(), **head), nets, told=told) == pytest.approx(wanted)
    assert told == []


@pytest.mark.parametrize("text", ["not json", '"text"', "[1]", "{"])
def test_a_broken_note_is_told_and_left_aside(nets, tmp_path, text):
    told = []
    path = saved(tmp_path / "ink.safetensors", pair(), lora_adapter_metadata=text)
    assert scale(path, nets, told=told) == pytest.approx(1.0)
    assert told == [
        "LoRA ink.safetensors: its note lora_adapter_metadata cannot be read and is left aside; it plays at the "
        "strength of its keys"
    ]


def test_a_dora_that_lost_its_magnitudes_is_told(nets, tmp_path):
    told = []
    path = saved(tmp_path / "ink.safetensors", pair(), **note(unet__lora_alpha=4, unet__use_dora=True))
    assert scale(path, nets, told=told) == pytest.approx(2.0)
    assert told == ["LoRA ink.safetensors is noted as a DoRA and holds no magnitudes: it plays as a plain LoRA"]


def test_an_alpha_among_the_keys_counts_before_any_note(nets, tmp_path):
    path = saved(tmp_path / "a.safetensors", kohya(alpha=torch.tensor(1.0)), **note(unet__lora_alpha=8))
    assert scale(path, nets) == pytest.approx(0.5)
    assert scale(saved(tmp_path / "b.safetensors", kohya()), nets) == pytest.approx(1.0)


BROKEN = {
    "cannot be read .* how strong the LoRA is": "{",
    "holds no settings but list": "[]",
    "is a OFT of PEFT": '{"peft_type": "OFT"}',
    "notes lora_alpha as 'much', which is no strength": '{"r": 2, "lora_alpha": "much"}',
    "notes lora_alpha as nan": '{"r": 2, "lora_alpha": NaN}',
    "notes alpha_pattern as": '{"r": 2, "alpha_pattern": {"to_q": "x"}}',
    "notes r as 0": '{"r": 0}',
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_config_that_says_no_strength_is_refused(nets, tmp_path, message):
    place = peft_folder(tmp_path / "ink")
    (place / "adapter_config.json").write_text(BROKEN[message])
    with pytest.raises(CheckpointError, match=message):
        lora.read(place, nets)


# Spellings

KOHYAS = {"down": "lora_down", "up": "lora_up"}
SPELLINGS = {
    "kohya's": kohya(),
    "diffusers'": pair(),
    "ComfyUI's": pair(begin="diffusion_model."),
    "LyCORIS's own": pair("lycoris_" + Q.replace(".", "_"), begin="", **KOHYAS),
    "an adapter's name": pair(down="lora_A.my-style 1", up="lora_B.my-style 1"),
    "a compiled net's": pair(begin="unet._orig_mod."),
    "Stability's": pair("middle_block.1.transformer_blocks.0.attn1.to_q", begin="diffusion_model.", **KOHYAS),
    "old diffusers'": pair(Q.replace("to_q", "processor.to_q"), down="_lora.down", up="_lora.up"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPELLINGS)
def test_a_layer_is_found_by_every_name_it_has(nets, tmp_path, kind):
    state = {key.replace("._lora", "_lora"): held for key, held in SPELLINGS[kind].items()}
    assert scale(saved(tmp_path / "a.safetensors", state), nets) == pytest.approx(1.0)


TEXT_SPELLINGS = {
    "kohya's": "lora_te_text_model_encoder_layers_1_mlp_fc1",
    "kohya's for two": "lora_te1_text_model_encoder_layers_1_mlp_fc1",
    "diffusers'": "text_encoder.text_model.encoder.layers.1.mlp.fc1",
    "ComfyUI's": "text_encoders.clip_l.transformer.text_model.encoder.layers.1.mlp.fc1",
    "OneTrainer's": "clip_l.text_model.encoder.layers.1.mlp.fc1",
}


@pytest.mark.parametrize("kind", TEXT_SPELLINGS)
def test_a_layer_of_the_text_encoder_is_found_by_every_name_it_has(nets, tmp_path, kind):
    stem = TEXT_SPELLINGS[kind]
    state = {f"{stem}.lora_down.weight": random(2, 32), f"{stem}.lora_up.weight": random(48, 2)}
    ((net, name),) = lora.read(saved(tmp_path / "a.safetensors", state), nets)
    assert net == "text_encoder"
    assert name.endswith("encoder.layers.1.mlp.fc1")


def test_norms_are_found_by_stabilitys_names_too(nets, tmp_path):
    names = {
        "middle_block.2.in_layers.0": "mid_block.resnets.1.norm1",
        "output_blocks.0.0.out_layers.0": "up_blocks.0.resnets.0.norm2",
        "out.0": "conv_norm_out",
    }
    for name, own in names.items():
        width = nets["unet"].get_submodule(own).weight.shape
        changes = {
            f"diffusion_model.{name}.w_norm": random(*width),
            f"diffusion_model.{name}.b_norm": random(*width, seed=1),
        }
        read = lora.read(saved(tmp_path / "a.safetensors", changes), nets)
        assert set(read) == {("unet", own)}
        assert torch.equal(read["unet", own].bias, random(*width, seed=1))


def test_a_lora_of_the_words_themselves_plays(folder, tmp_path):
    """PEFT's LoRA of an embedding: the token's vectors change, and weight 0 leaves them."""
    name = "text_encoder.text_model.embeddings.token_embedding"
    state = {f"{name}.lora_embedding_A": random(2, 514) / 3, f"{name}.lora_embedding_B": random(32, 2)}
    model = open_image(folder, loras={"ink": saved(tmp_path / "a.safetensors", state)}, size=(64, 64))
    plain = open_image(folder, size=(64, 64))
    assert torch.equal(model.prepare("a fox").states, plain.prepare("a fox").states)
    words = plain.parts.words.encoders["text_encoder"].get_input_embeddings().weight
    words.data += 0.5 * (state[f"{name}.lora_embedding_B"] @ state[f"{name}.lora_embedding_A"]).T
    wanted = plain.parts.words.states("a fox")
    torch.testing.assert_close(model.prepare("a fox", {"ink": 0.5}).states, wanted, rtol=1e-5, atol=1e-5)
    other = saved(tmp_path / "b.safetensors", kohya() | {"bundle_emb.inky.clip_l": random(1, 32)})
    both = open_image(folder, loras={"ink": tmp_path / "a.safetensors", "more": other}, size=(64, 64))
    torch.testing.assert_close(both.prepare("a fox", {"ink": 0.5}).states, wanted, rtol=1e-5, atol=1e-5)
    assert not torch.equal(both.prepare("inky", {"ink": 0.5}).states, both.prepare("fox", {"ink": 0.5}).states)


# What is left aside, and what is refused


def test_what_cannot_be_played_is_named_and_the_rest_plays(folder, tmp_path, caplog):
    stem = "lora_unet_" + Q.replace(".", "_").replace("to_q", "to_k")
    state = kohya() | {f"{stem}.oft_blocks": random(2, 16, 16), f"{stem}.oft_diag": random(2, 16)}
    state |= {f"{stem}.strange": random(3), "lora_te2_text_model_x.lora_down.weight": random(2, 32)}
    state |= {f"unet.{Q}.lora_B.bias": random(32)} | {f"unet.{Q}.lora_A.weight": random(2, 32)}
    state |= {f"unet.{Q}.lora_B.weight": random(32, 2), "unet.conv_out.weight": random(4, 16, 3, 3)}
    path = saved(tmp_path / "a.safetensors", state)
    model = open_image(folder, loras={"ink": path}, size=(64, 64))
    (words,) = model.capabilities.notices
    assert words in caplog.text
    assert words.startswith("LoRA a.safetensors: what cannot be played is left aside, the rest plays: ")
    aside = ["2 of OFT", "1 of parts that no LoRA has", "1 of whole weights (as unet.conv_out.weight)"]
    aside += ["1 of a text_encoder_2, which this model has not", "1 of biases of layers that have none"]
    aside += [f"2 of layers that stand there by another name (as unet.{Q})"]
    assert all(named in words for named in aside)


def test_the_page_is_told_what_is_left_aside(folder, tmp_path):
    from studio import Session
    from studio.ui.protocol import Notice
    from studio.ui.seat import Seat
    from studio.ui.updates import SessionUpdates

    path = saved(tmp_path / "a.safetensors", kohya() | {"lora_unet_x.oft_blocks": random(2, 16, 16)})
    model = open_image(folder, loras={"ink": path}, size=(64, 64))
    seat = Seat(Session(model), tmp_path)
    updates = SessionUpdates(seat, "", [], lambda: 0.0)
    (notice,) = updates.notices()
    assert isinstance(notice, Notice)
    assert "1 of OFT (as lora_unet_x.oft_blocks)" in notice.message
    seat.close()


REFUSED = {
    r"of another kind, OFT \(it has unet.x.oft_r\)": {"unet.x.oft_r": random(2, 2)},
    "is no LoRA: it has conv_in.weight": {"conv_in.weight": random(2, 2)},
    "has only hada_w1_a of layer": {f"unet.{Q}.hada_w1_a": random(32, 2)},
    "has only lokr_w1 of layer": {f"unet.{Q}.lokr_w1": random(2, 2)},
    "has only lora_mid|has only mid": {f"unet.{Q}.lora_mid.weight": random(2, 2, 3, 3)},
    "is a LoKr for another base": {f"unet.{Q}.lokr_w1": random(2, 2), f"unet.{Q}.lokr_w2": random(5, 16)},
    "is a DoRA for another base": pair() | {f"unet.{Q}.lora_magnitude_vector": random(31)},
    "text_encoder_2 does not exist": {"lora_te2_x.lora_down.weight": random(2, 2)},
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_lora_of_this_model_is_refused_by_name(nets, tmp_path, message):
    with pytest.raises(CheckpointError, match=message):
        lora.read(saved(tmp_path / "a.safetensors", REFUSED[message]), nets)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_numbers_that_are_not_finite_are_refused(nets, tmp_path, value, dtype):
    state = {key: held.to(dtype) for key, held in pair().items()}
    state[f"unet.{Q}.lora_B.weight"][5, 1] = value
    with pytest.raises(
        CheckpointError, match=r"LoRA a.safetensors holds numbers that are not finite: 1 of the 64 in unet"
    ):
        lora.read(saved(tmp_path / "a.safetensors", state), nets)


def test_the_strength_counts_in_the_models_id(folder, tmp_path):
    ids = [
        open_image(
            folder, loras={"ink": peft_folder(tmp_path / "ink", r=2, lora_alpha=alpha)}, size=(64, 64)
        ).weights_id
        for alpha in (2, 4, 2)
    ]
    assert ids[0] == ids[2] != ids[1]


# Words that a LoRA brings


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_a_word_that_a_lora_brings_is_read_as_its_vectors(tmp_path, family):
    """Taught the vectors of words that are known, it reads as they do; also where CLIP's config is of the old kind."""
    base = tiny_sd(tmp_path / family, family)
    if family == "sdxl":
        config = base / "text_encoder_2" / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"eos_token_id": 2}))
    plain = open_image(base, size=(64, 64))
    parts = {
        "sd": {"text_encoder": "string_to_param.*"},
        "sdxl": {"text_encoder": "clip_l", "text_encoder_2": "clip_g"},
    }
    state = load_file(tiny_lora(tmp_path, base))
    for (name, key), tokenizer in zip(parts[family].items(), plain.parts.words.tokenizers):
        ids = tokenizer("q z").input_ids[1:-1]
        held = plain.parts.words.encoders[name].get_input_embeddings().weight[ids]
        state[f"bundle_emb.Ink-Style.{key}"] = held.clone()
    model = open_image(base, loras={"ink": saved(tmp_path / "a.safetensors", state)}, size=(64, 64))
    assert model.capabilities.notices == ()
    for ours, theirs in zip(model.parts.words.tokenizers, plain.parts.words.tokenizers):
        for name in ("model_max_length", "bos_token_id", "eos_token_id", "pad_token_id"):
            assert getattr(ours, name) == getattr(theirs, name)
    for said, read in {
        "an ink-style fox": "an q z fox",
        "INK-STYLE": "q z",
        "inky-style, ink": "inky-style, ink",
    }.items():
        assert torch.equal(model.prepare(said).states, plain.prepare(read).states)


def test_a_word_reads_as_diffusers_reads_it(folder, tmp_path):
    from diffusers import StableDiffusionPipeline

    vectors = random(2, 32)
    state = kohya() | {"bundle_emb.ink.string_to_param.*": vectors}
    model = open_image(folder, loras={"ink": saved(tmp_path / "a.safetensors", state)}, size=(64, 64))
    pipe = StableDiffusionPipeline.from_pretrained(folder)
    pipe.load_textual_inversion({"string_to_param": {"*": vectors}, "name": "ink"}, token="<ink>")
    with torch.no_grad():
        theirs = pipe.encode_prompt("a fox of <ink>", "cpu", 1, False)[0][0]
    torch.testing.assert_close(model.prepare("a fox of ink").states, theirs, rtol=1e-5, atol=1e-5)


def test_a_word_of_another_family_is_told_and_left_aside(folder, tmp_path):
    state = kohya() | {"bundle_emb.ink.clip_l": random(1, 48)}
    model = open_image(folder, loras={"ink": saved(tmp_path / "a.safetensors", state)}, size=(64, 64))
    (words,) = model.capabilities.notices
    assert (
        "the word 'ink' that a LoRA brings is left aside: it has 48 numbers and this model's text_encoder 32" in words
    )


def test_a_loha_with_norms_plays_at_a_live_weight_in_a_session(folder, tmp_path):
    """The control's weight, changed while it plays, is so much of the change in the model's own weights."""
    from studio import Session
    from studio.controls import Lora
    from studio.models.loader import load

    norm = "mid_block.resnets.0.norm1"
    state = {
        f"unet.{Q}.hada_w{n}_{side}": random(*shape) for n in "12" for side, shape in (("a", (32, 3)), ("b", (3, 32)))
    }
    state |= {f"unet.{norm}.w_norm": random(32), f"unet.{norm}.b_norm": random(32, seed=1)}
    path = saved(tmp_path / "a.safetensors", state)
    session = Session(load(folder, loras={"ink": path}, size=(64, 64), device="cpu"))
    for weight in (0.0, 0.7, 1.0):
        session.send(Lora("ink", weight))
        merged = load(folder, size=(64, 64), device="cpu")
        lora.fuse({"unet": merged.parts.unet}, lora.read(path, {"unet": merged.parts.unet}), weight)
        other = Session(merged, start=session.engine.frame)
        ours, theirs = (torch.tensor(one.step().picture).int() for one in (session, other))
        session.reset()
        assert (ours - theirs).abs().max() <= 1
