"""What can be played, what it takes, and what fits: `studio.models`, its memory arithmetic and its catalogue."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from tiny.sd_folders import tiny_controlnet, tiny_sd
from tiny.wan_folders import tiny_wan_file, tiny_wan_folder
from ui_stand_ins import StandInModel

from studio.controls import Sampling
from studio.hub import catalogue, download, footprint
from studio.hub.catalogue import list_models
from studio.hub.fit import NotEnoughMemory, check_fit, fit, smaller_options, step_flops
from studio.hub.folder import folder_counts, wan_parameters
from studio.hub.footprint import ParameterCounts, memory_need
from studio.hub.machine import Machine, container_memory
from studio.hub.safetensors_headers import count_parameters
from studio.models.errors import OptionError, UnknownModel
from studio.models.loader import import_factory, load
from studio.models.registry import MODELS, POCKET_COUNTS, Entry
from studio.session.session import Session

WAN = MODELS["longlive-1.3b"].memory
LONGLIVE = MODELS["longlive-1.3b"].options
BIG_CARD = Machine("NVIDIA H100", 80_000_000_000, 100_000_000_000)
LAPTOP = Machine(None, 0, 14_000_000_000)


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    """A machine that has downloaded nothing."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def counted(make):
    with torch.device("meta"):
        return sum(weight.numel() for weight in make().parameters())


# The table


def test_every_model_names_its_licence_parts_and_memory():
    for name, entry in MODELS.items():
        assert entry.licence
        assert entry.what
        assert isinstance(entry.memory, ParameterCounts), name
        for part in entry.parts.values():
            assert part.repo.count("/") == 1
            assert len(set(part.files)) == len(part.files)
            assert part.bytes > 1_000_000
            assert part.licence


def test_what_may_not_be_sold_with_says_so_first():
    forbidding = {name for name, entry in MODELS.items() if entry.licence.startswith("NOT for commercial use")}
    assert forbidding == {"sd-turbo", "sdxl-turbo", "self-forcing"}
    assert "CC BY-NC-SA 4.0" in MODELS["self-forcing"].licence


def test_only_files_that_cannot_run_code_are_in_the_table():
    for entry in MODELS.values():
        for part in entry.parts.values():
            assert all(file.endswith(download.SAFE_SUFFIXES) for file in part.files)
            assert not any(file.endswith(".pt") for file in part.files if part.repo.startswith("stabilityai"))


def test_image_models_come_in_half_precision_and_students_without_the_bases_transformer():
    for name in ("sd-turbo", "sdxl-turbo", "sd15-lcm"):
        weights = [file for file in MODELS[name].parts["folder"].files if file.endswith(".safetensors")]
        assert weights
        assert all(".fp16." in file for file in weights)
    for name in ("self-forcing", "longlive-1.3b", "rolling-forcing"):
        assert "transformer/config.json" in MODELS[name].parts["base"].files
        assert not any("transformer/diffusion" in file for file in MODELS[name].parts["base"].files)


def test_every_model_is_played_with_the_steps_it_was_distilled_for():
    steps = {name: entry.steps for name, entry in MODELS.items() if entry.steps}
    images = {"sd-turbo": 1, "sdxl-turbo": 1, "sd15-lcm": 4}
    causal = {"causal-forcing-2step": 2, "causal-forcing-1step": 1, "causal-forcing": 4, "causal-forcing-long": 4}
    others = {"terrain": 1, "realwonder": 4}
    cards = {"snappy": 2, "balanced": 2, "film": 16}
    assert steps == {
        **images,
        **causal,
        **cards,
        "anyflow-far": 4,
        "rolling-forcing": 5,
        **others,
    }  # other Wan students: 4


def test_every_part_and_option_is_an_argument_of_its_factory():
    import importlib
    import inspect

    for name, entry in MODELS.items():
        module, function = entry.factory.split(":")
        known = inspect.signature(getattr(importlib.import_module(module), function)).parameters
        assert set(entry.parts) | set(entry.options) <= set(known), name


def test_the_table_is_light_to_import():
    code = (
        "import sys, studio.models, studio.hub.catalogue, studio.hub.fit, studio.hub.download;"
        "print([m for m in ('torch', 'diffusers', 'transformers', 'huggingface_hub') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Parameters, from the published configs


def test_parameters_of_the_image_models_are_those_of_their_configs():
    from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel

    sd2 = {"cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True}
    assert counted(lambda: UNet2DConditionModel(cross_attention_dim=768)) == MODELS["sd15-lcm"].memory.denoiser
    assert counted(lambda: UNet2DConditionModel(**sd2)) == MODELS["sd-turbo"].memory.denoiser
    assert counted(AutoencoderTiny) == MODELS["sd-turbo"].memory.tiny_decoder
    vae = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2}
    vae |= {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    assert counted(lambda: AutoencoderKL(**vae)) == MODELS["sdxl-turbo"].memory.decoder
    sdxl = {
        "block_out_channels": (320, 640, 1280),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "attention_head_dim": (5, 10, 20),
        "cross_attention_dim": 2048,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    }
    assert counted(lambda: UNet2DConditionModel(**sdxl)) == MODELS["sdxl-turbo"].memory.denoiser


def test_parameters_of_the_text_encoders_are_those_of_their_configs():
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, UMT5Config, UMT5EncoderModel

    def clip(kind, width, layers, heads, **more):
        told = {"hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers}
        return counted(lambda: kind(CLIPTextConfig(**told, num_attention_heads=heads, **more)))

    small = clip(CLIPTextModel, 768, 12, 12)
    large = clip(CLIPTextModelWithProjection, 1280, 32, 20, projection_dim=1280)
    assert small == MODELS["sd15-lcm"].memory.text_encoder
    assert clip(CLIPTextModel, 1024, 23, 16) == MODELS["sd-turbo"].memory.text_encoder
    assert small + large == MODELS["sdxl-turbo"].memory.text_encoder
    umt5 = {"vocab_size": 256384, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64}
    made = UMT5Config(**umt5, feed_forward_proj="gated-gelu")
    assert counted(lambda: UMT5EncoderModel(made)) == WAN.text_encoder


def test_parameters_of_wan_are_those_of_its_config():
    from diffusers import AutoencoderKLWan, WanTransformer3DModel

    config = {"num_attention_heads": 12, "attention_head_dim": 128, "ffn_dim": 8960, "num_layers": 30}
    assert counted(lambda: WanTransformer3DModel(**config)) == WAN.denoiser
    assert counted(AutoencoderKLWan) == WAN.decoder
    assert wan_parameters(config) == WAN.denoiser


# What is taken


def test_a_frame_of_keys_is_288_megabytes_and_follows_the_size():
    assert footprint.frame_kv_bytes(WAN, (480, 832)) == 287_539_200
    assert footprint.frame_kv_bytes(WAN, (240, 416)) == 287_539_200 // 4
    cache = memory_need(WAN, LONGLIVE).on_device["KV cache"]
    assert cache == 12 * 287_539_200, "LongLive: 3 of the sink, 6 of the window and the chunk's 3 (3.45 GB)"
    assert memory_need(WAN, MODELS["self-forcing"].options).on_device["KV cache"] == 21 * 287_539_200, "6.04 GB"


def test_the_keys_counted_are_the_keys_a_cache_allocates():
    from studio.bench.nets import wan_net
    from studio.models.wan.causal_wan import CausalWan

    torch.manual_seed(0)
    cache = (
        CausalWan(wan_net((16, 16), text=8, layers=3), "velocity", 1).ready(torch.float32).new_cache(2, 3, (16, 8, 12))
    )
    little = replace(WAN, layers=3, width=48)
    assert cache.bytes == 5 * footprint.frame_kv_bytes(little, (64, 96), footprint.FULL)


def test_the_words_counted_are_those_the_model_remembers():
    from studio.models.wan.text_keys import KEPT_TEXTS

    assert KEPT_TEXTS == footprint.PROMPTS
    assert memory_need(WAN, LONGLIVE).on_device["words"] == pytest.approx(3 * 94e6, rel=0.01)


def test_every_chunk_in_flight_has_its_keys():
    def frames(sampler, steps):
        told = {"sink": 3, "window": 3, "sampler": sampler, "steps": steps}
        return memory_need(WAN, told).on_device["KV cache"] / footprint.frame_kv_bytes(WAN, (480, 832))

    assert frames("rollout", 4) == 6 + 3
    assert frames("rolling", 5) == 6 + 15, "Rolling Forcing: 21 frames (causal-video.md, 1.5)"
    assert frames("stream", 4) == 6 + 12 + 3, "and the clean one that rides along"


def test_what_a_limited_cache_takes_is_counted_as_it_is_allocated():
    from studio.kv_cache import CacheSettings, new_kv_cache

    kept = MODELS["rolling-forcing"].options
    counted = memory_need(WAN, {**kept, "sampler": "rolling", "steps": 5}).on_device["KV cache"]
    assert counted == pytest.approx((3 + 18 + 3 + 21 / 30) * footprint.frame_kv_bytes(WAN, (480, 832)), rel=1e-6)
    cache = new_kv_cache(CacheSettings(**kept, evicts="after"), WAN.layers, 2, 4)
    for start in range(0, 60, 3):
        for frames, write in ((range(start, start + 3), 3), (range(start + 3, start + 18), 0)):
            cache.memory(0, cache.begin(frames, write))
    little = replace(WAN, width=4)
    assert cache.bytes == round((24 + 21 / 30) * footprint.frame_kv_bytes(little, (16, 32), footprint.FULL))


def test_weights_halve_with_half_precision_and_nearly_again_with_eight_bits():
    half, full = (
        memory_need(WAN, LONGLIVE).on_device["denoiser"],
        memory_need(WAN, LONGLIVE, cuda=False).on_device["denoiser"],
    )
    assert (half, full) == (2 * WAN.denoiser, 4 * WAN.denoiser)
    eight = memory_need(WAN, {**LONGLIVE, "quantize": "int8"}).on_device["denoiser"]
    assert 0.5 < eight / half < 0.6


def test_wans_text_encoder_stays_beside_the_card_and_an_image_models_on_it():
    assert memory_need(WAN, LONGLIVE).on_host == {"text encoder": 2 * WAN.text_encoder}
    assert memory_need(MODELS["sd-turbo"].memory, {}).on_host == {}
    assert (
        memory_need(MODELS["sd-turbo"].memory, {}).on_device["text encoder"]
        == 2 * MODELS["sd-turbo"].memory.text_encoder
    )


def test_the_full_decoder_takes_more_than_the_tiny_one():
    for network, tiny in ((WAN, "tiny_decoder"), (MODELS["sdxl-turbo"].memory, "tiny_vae")):
        assert memory_need(network, {tiny: None}).total > memory_need(network, {}).total
        assert memory_need(network, {tiny: "a/path"}).total == memory_need(network, {}).total


def test_a_larger_picture_takes_more_of_all_but_the_weights():
    small, large = (memory_need(WAN, {**LONGLIVE, "size": size}).on_device for size in ((480, 832), (720, 1280)))
    for name in ("KV cache", "forward", "decode"):
        assert large[name] > 2 * small[name]
    assert large["denoiser"] == small["denoiser"]


def test_a_controlnet_and_loras_count(tmp_path):
    folder = tiny_sd(tmp_path / "sd")
    net = tiny_controlnet(tmp_path / "net", folder)
    without, also = (
        memory_need(MODELS["sd-turbo"].memory, {}),
        memory_need(MODELS["sd-turbo"].memory, {"controlnet": net}),
    )
    assert also.total - without.total == 2 * count_parameters(net) > 0


# What fits


def test_a_large_card_plays_everything():
    for one in list_models(BIG_CARD):
        assert one.fits, one
        assert not one.slow


def test_a_laptop_plays_the_pocket_model_first_then_pictures_slowly_and_says_why_not_video():
    listed = list_models(LAPTOP)
    assert [one.name for one in listed[:3]] == ["pocket", "terrain", "sd-turbo"]
    assert not listed[0].slow
    by_name = {one.name: one for one in listed}
    assert by_name["sd-turbo"].slow
    assert "plays on the processor, about" in by_name["sd-turbo"].reason
    assert not by_name["longlive-1.3b"].fits
    assert "needs a CUDA card with 8." in by_name["longlive-1.3b"].reason
    assert not by_name["sdxl-turbo"].fits
    assert "of memory, 14.0 GB are free" in by_name["sdxl-turbo"].reason


def test_a_small_card_plays_what_fits_it_and_says_what_lacks():
    listed = {one.name: one for one in list_models(Machine("GTX", 4_000_000_000, 8_000_000_000))}
    assert listed["sd-turbo"].fits
    assert not listed["longlive-1.3b"].fits
    assert "on the card, 4.0 GB are free" in listed["longlive-1.3b"].reason
    assert "11.4 GB beside it in memory, 8.0 GB are free" in listed["longlive-1.3b"].reason


def test_a_card_alone_is_not_enough_where_the_text_encoder_has_no_room_beside_it():
    listed = {one.name: one for one in list_models(Machine("H100", 80_000_000_000, 8_000_000_000))}
    assert not listed["longlive-1.3b"].fits
    assert listed["sdxl-turbo"].fits


def test_what_fits_comes_first_and_the_rest_keeps_the_tables_order():
    listed = list_models(Machine("GTX", 4_000_000_000, 64_000_000_000))
    fits = [one.fits for one in listed]
    assert fits == sorted(fits, reverse=True)
    rest = [one.name for one in listed if not one.fits]
    assert rest == [name for name in MODELS if name in rest]


def test_a_listing_is_json_able_and_says_what_is_here(no_weights):
    from dataclasses import asdict

    listed = {one["name"]: one for one in json.loads(json.dumps([asdict(one) for one in list_models(BIG_CARD)]))}
    assert listed["pocket"]["here"]
    assert not listed["sd-turbo"]["here"]
    assert listed["sd-turbo"]["download_bytes"] == 2_591_800_000
    assert set(listed["pocket"]) >= {"name", "what", "licence", "download_bytes", "memory_bytes", "fits", "reason"}


def test_what_does_not_fit_is_told_before_anything_is_downloaded_with_what_would_fit(monkeypatch, no_weights):
    monkeypatch.setattr("studio.hub.fit.this_machine", lambda: Machine("RTX", 8_200_000_000, 64_000_000_000))
    monkeypatch.setattr(download, "fetch", lambda *_, **__: pytest.fail("asked the hub"))
    with pytest.raises(NotEnoughMemory) as caught:
        load("longlive-1.3b")
    said = str(caught.value)
    assert "longlive-1.3b needs 8.7 GB on the card, 8.2 GB are free" in said
    assert "it would fit with --quantize int8, or --size 320x544" in said


def test_what_is_proposed_does_fit():
    here = Machine("RTX", 7_000_000_000, 64_000_000_000)
    proposed = dict(smaller_options(WAN, here, LONGLIVE))
    assert proposed["--quantize int8"] == fit(WAN, here, {**LONGLIVE, "quantize": "int8"}).fits
    assert proposed["--size 320x544"]
    with pytest.raises(NotEnoughMemory, match="`studio models` lists what does"):
        check_fit(WAN, "longlive-1.3b", LONGLIVE, Machine("GT", 1_000_000_000, 64_000_000_000))


def test_who_asks_for_the_processor_by_name_is_not_told_that_it_is_slow():
    plenty = Machine(None, 0, 200_000_000_000)
    with pytest.raises(NotEnoughMemory, match="minutes a chunk of video"):
        check_fit(WAN, "longlive-1.3b", LONGLIVE, plenty)
    check_fit(WAN, "longlive-1.3b", {**LONGLIVE, "device": "cpu"}, plenty)
    with pytest.raises(NotEnoughMemory):
        check_fit(WAN, "longlive-1.3b", {**LONGLIVE, "device": "cpu"}, LAPTOP)


def test_the_operations_of_a_chunk_are_those_the_reference_derives():
    assert step_flops(WAN, LONGLIVE) == pytest.approx(141e12, rel=0.06)  # causal-video.md, section 2
    assert step_flops(MODELS["sd-turbo"].memory, {}) == pytest.approx(0.8e12, rel=0.1)


def test_a_containers_limit_counts_and_no_limit_does_not(tmp_path):
    assert container_memory(tmp_path) > 1e15
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert container_memory(tmp_path) > 1e15
    (tmp_path / "memory.max").write_text("5000\n")
    assert container_memory(tmp_path) == 4000


# Folders


def test_a_folder_of_stable_diffusion_is_opened_as_an_image_model(tmp_path):
    folder = tiny_sd(tmp_path / "my model")
    model = load(folder, size=(64, 64))
    assert type(model).__name__ == "Image"
    assert model.name == str(folder)
    assert Session(model).step().picture.shape == (64, 64, 3)


def test_a_folder_of_wan_is_opened_as_a_video_model_and_played_as_it_was_distilled(tmp_path):
    model = load(str(tiny_wan_folder(tmp_path / "wan")), size=(32, 48))
    assert type(model).__name__ == "Wan"
    session = Session(model)
    assert (session.engine.sampler_name, session.engine.state[Sampling].steps) == ("rollout", 4)


def test_the_numbers_of_a_folder_are_those_of_its_nets(tmp_path):
    from diffusers import UNet2DConditionModel

    folder = tiny_sd(tmp_path / "sd")
    unet = UNet2DConditionModel.from_pretrained(folder / "unet")
    network = folder_counts(folder, "image")
    assert network.denoiser == sum(weight.numel() for weight in unet.parameters())
    unet.half().save_pretrained(folder / "unet", variant="fp16")
    assert folder_counts(folder, "image").denoiser == network.denoiser, "a second precision is not a second net"
    wan = folder_counts(tiny_wan_folder(tmp_path / "wan"), "video")
    assert (wan.layers, wan.width) == (2, 48)
    for weights in (tmp_path / "wan" / "transformer").glob("*.safetensors"):
        weights.unlink()
    assert folder_counts(tmp_path / "wan", "video").denoiser == wan.denoiser, (
        "by its config, where a student's file comes"
    )


def test_a_broken_header_does_not_stop_the_arithmetic(tmp_path):
    broken = tmp_path / "net.safetensors"
    for content in (b"", b"1234", b"\xff" * 8, b"\x04\0\0\0\0\0\0\0[1]]", b"\x02\0\0\0\0\0\0\0{}"):
        broken.write_bytes(content)
        assert count_parameters(broken) == 0


def test_a_config_of_nonsense_does_not_stop_the_arithmetic(tmp_path):
    (tmp_path / "transformer").mkdir()
    for config in ('{"num_layers": "many", "num_attention_heads": [1], "attention_head_dim": null}', "[]", "{"):
        (tmp_path / "transformer" / "config.json").write_text(config)
        assert folder_counts(tmp_path, "video").denoiser == 0


def test_what_is_no_name_and_no_folder_is_told_with_what_there_is(tmp_path):
    with pytest.raises(
        UnknownModel, match=r"no model is called 'sd-trubo'; there are: pocket, terrain, sd-turbo, .* by its path"
    ):
        load("sd-trubo")
    with pytest.raises(UnknownModel, match=r"holds no model_index\.json, .* beside unet/ or transformer/"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("{", "does not name a pipeline"),
        ("[]", "does not name a pipeline"),
        ('{"a": 1}', "does not name a pipeline"),
        ('{"_class_name": "FluxPipeline"}', "is a FluxPipeline; the studio plays StableDiffusionPipeline"),
    ],
)
def test_a_folder_of_something_else_is_told_as_what_it_is(tmp_path, index, said):
    (tmp_path / "model_index.json").write_text(index)
    with pytest.raises(UnknownModel, match=said):
        load(tmp_path)


@pytest.mark.parametrize(("name", "family"), [("sd-turbo", "sd"), ("sdxl-turbo", "sdxl")])
def test_the_listed_files_are_those_diffusers_writes_and_are_enough_to_play(tmp_path, name, family):
    import shutil

    import diffusers
    import transformers

    whole, taken = tiny_sd(tmp_path / "whole", family=family), tmp_path / "taken"
    kinds = {"unet": diffusers.UNet2DConditionModel, "vae": diffusers.AutoencoderKL}
    kinds |= {"text_encoder": transformers.CLIPTextModel}
    kinds |= {"text_encoder_2": transformers.CLIPTextModelWithProjection} if family == "sdxl" else {}
    for net, kind in kinds.items():
        kind.from_pretrained(whole / net).half().save_pretrained(whole / net, variant="fp16")
    absent = []
    for file in MODELS[name].parts["folder"].files:
        (taken / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(whole / file, taken / file) if (whole / file).exists() else absent.append(file)
    assert all("tokenizer" in file for file in absent), absent
    for tokenizer in {file.split("/")[0] for file in absent}:  # today's library writes them in one file
        shutil.copytree(whole / tokenizer, taken / tokenizer, dirs_exist_ok=True)
    assert Session(load(taken, size=(64, 64), tiny_vae=None)).step().picture.shape == (64, 64, 3)


def test_a_students_listed_files_are_enough_to_play(tmp_path):
    import shutil

    whole, taken = tiny_wan_folder(tmp_path / "whole"), tmp_path / "taken"
    entry = MODELS["self-forcing"]
    words = [file for file in entry.parts["text_encoder"].files if "of-00003" not in file and "index" not in file]
    words += ["text_encoder/model.safetensors"]
    for part, files in (("base", entry.parts["base"].files), ("words", words)):
        for file in files:
            (taken / part / file).parent.mkdir(parents=True, exist_ok=True)
            if (whole / file).exists():
                shutil.copy(whole / file, taken / part / file)
            else:
                assert file.startswith("tokenizer/"), file
    student = tiny_wan_file(tmp_path / "student.pt", "model.", generator_ema=1)
    folders = {"base": taken / "base", "text_encoder": taken / "words", "generator": student}
    model = import_factory(entry.factory)(**{**entry.options, **folders, "size": (32, 48)})
    assert model.prepare("a fox runs").states.shape[0] == 512
    assert Session(model).engine.sampler_name == "rollout"


# Named models


@pytest.fixture
def named(monkeypatch, tmp_path):
    """A model with a name whose parts are "downloaded" from this machine; what its factory was given."""
    folder = tiny_sd(tmp_path / "sd")
    tiny = tmp_path / "tiny"
    given = {}

    class Named(StandInModel):
        def __init__(self, folder, tiny_vae=None, size=None, quantize=None):
            if size == (1, 1):
                raise ValueError("size is 1 x 1; give a larger one")
            given.update(folder=folder, tiny_vae=tiny_vae, size=size, quantize=quantize)
            super().__init__(size or (64, 64))

    def fetch(name, progress=None, cancel=None, without=frozenset()):
        given["without"] = without
        return {part: path for part, path in {"folder": folder, "tiny_vae": tiny}.items() if part not in without}

    monkeypatch.setattr(download, "fetch", fetch)
    monkeypatch.setattr("studio.models.pocket.model.Stand", Named, raising=False)
    parts = MODELS["sd-turbo"].parts
    entry = Entry("studio.models.pocket.model:Stand", "", "", POCKET_COUNTS, parts, {"size": (64, 64)}, "rolling", 5)
    monkeypatch.setitem(MODELS, "mine", entry)
    return given


def test_the_factory_gets_a_path_for_each_part_and_the_tables_options(named, tmp_path):
    model = load("mine", quantize="int8")
    assert named["folder"] == tmp_path / "sd"
    assert named["tiny_vae"] == tmp_path / "tiny"
    assert (named["size"], named["quantize"]) == ((64, 64), "int8")
    assert model.name == "mine"


def test_an_option_of_a_parts_name_takes_the_parts_place(named, tmp_path):
    load("mine", tiny_vae=None, size=(128, 128))
    assert named["tiny_vae"] is None
    assert named["size"] == (128, 128)
    assert "tiny_vae" in named["without"], "and is not downloaded"


def test_a_named_model_carries_the_sampler_and_steps_it_was_distilled_for(named):
    model = load("mine")
    assert (model.capabilities.sampler, model.capabilities.steps) == ("rolling", 5)


def test_a_person_may_choose_another_sampler_and_steps(named):
    model = load("mine", sampler="rollout", steps=3)
    assert (model.capabilities.sampler, model.capabilities.steps) == ("rollout", 3)
    with pytest.raises(OptionError, match="sampler is 'walk'; mine is played by: stream, rollout, rolling"):
        load("mine", sampler="walk")


def test_an_option_a_model_does_not_take_is_told_with_those_it_takes(named):
    with pytest.raises(OptionError, match="mine takes no loras; it takes: folder, tiny_vae, size, quantize"):
        load("mine", loras={})
    with pytest.raises(OptionError, match="pocket takes no quantize; it takes: "):
        load("pocket", quantize="int8", size=(256, 256))
    with pytest.raises(OptionError, match=r"size is \(8, 8\); pocket draws 256x256 or 512x512"):
        load("pocket", size=(8, 8))
    with pytest.raises(OptionError, match="size is 1 x 1; give a larger one"):
        load("mine", size=(1, 1))


def test_the_pocket_model_needs_no_network(monkeypatch):
    monkeypatch.setattr(download, "fetch", lambda *_, **__: pytest.fail("asked the hub"))
    assert load("pocket").name == "pocket"


def test_bytes_are_told_in_a_persons_units():
    from studio.hub.units import gigabytes

    assert [gigabytes(count) for count in (22_643_000, 2_591_800_000, 1, 999_000_000)] == [
        "23 MB", "2.6 GB", "1 MB", "999 MB",
    ]  # fmt: skip
    assert math.isclose(catalogue.MODELS["sd-turbo"].download_bytes, 2.6e9, rel_tol=0.01)
