"""What has a name. `MODELS` is the table: a name, and what stands behind it, loaded only when it is asked for.

To add a model: a file that holds it (the contract is in base.py) and its entry here. Sizes of downloads are
approximate, as the hub's pages gave them; `studio.hub.footprint` computes what a model takes while it plays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from studio.hub.footprint import DEFAULT_SIZE, ParameterCounts


@dataclass(frozen=True)
class Part:
    """Files of one repository on the hub, by their exact names; `bytes` is about what they take together.

    A part of one file reaches the factory as that file's path, one of several as the path of their folder.
    """

    repo: str
    files: tuple[str, ...]
    bytes: int
    licence: str

    @property
    def revision(self) -> str:
        """The commit that is downloaded, or "main" where none is pinned."""
        return COMMITS.get(self.repo, "main")


@dataclass(frozen=True)
class Entry:
    """A model that has a name.

    factory: "module:function", called with a path for each part, by the part's name, and with the options. options:
    what it is called with where a person says nothing else. memory: its parameters, for what it takes while it plays.
    licence: for a person, with what it forbids said first, and what of it could not be established. sampler, steps,
    first_frame_steps, sink_policy: what it was distilled for and published with, where its class does not say it.
    expect: what it plays at, in words with the source, for whoever is about to download it. packages: Python packages
    that it needs beside the studio's own, by the name they are imported by, each with how to install it. brings: the
    options that a person must give, as what they name is not downloaded for them, each with what that is, and where.
    """

    factory: str
    what: str
    licence: str
    memory: ParameterCounts
    parts: Mapping[str, Part] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    sampler: str | None = None
    steps: int | None = None
    first_frame_steps: int | None = None
    sink_policy: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    brings: Mapping[str, str] = field(default_factory=dict)
    expect: str = ""

    @property
    def defaults(self) -> dict[str, str | int]:
        """Give the sampler, the steps, those of the first chunk and the sink's policy, where they are named."""
        named = {name: getattr(self, name) for name in ("sampler", "steps", "first_frame_steps", "sink_policy")}
        return {key: value for key, value in named.items() if value is not None}

    @property
    def download_bytes(self) -> int:
        """Sum about what is downloaded for it."""
        return sum(part.bytes for part in self.parts.values())


# The commit of each repository that is downloaded, as programs that pin it name it; a repository that is not here is
# taken as it is on its main branch, since no commit of it was found to be published.
COMMITS = {
    "stabilityai/sd-turbo": "b261bac6fd2cf515557d5d0707481eafa0485ec2",
    "stabilityai/sdxl-turbo": "71153311d3dbb46851df1931d3ca6e939de83304",
    "madebyollin/taesd": "614f76814bbe30edbe2e627ace1c2234c81a2c0e",
    "madebyollin/taesdxl": "b20258aaef75ef61e659c1e0f14f251cf0ad153e",
    "stable-diffusion-v1-5/stable-diffusion-v1-5": "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
    "latent-consistency/lcm-lora-sdv1-5": "cf2fced511dbe7e26c8d1d397e728fbab875db4b",
    "Wan-AI/Wan2.1-T2V-1.3B-Diffusers": "0fad780a534b6463e45facd96134c9f345acfa5b",
    "Wan-AI/Wan2.2-TI2V-5B-Diffusers": "b8fff7315c768468a5333511427288870b2e9635",
    "gdhe17/Self-Forcing": "2f8b779212da279d212c22a509b66ad6552f350e",
}

IMAGE = "studio.models.image.model:open_image"
WAN = "studio.models.wan.model:open_wan"
ANYFLOW = "studio.models.anyflow.model:open_anyflow"
REALWONDER = "studio.models.realwonder.model:open_realwonder"
NO_COMMERCE = "NOT for commercial use"
STABILITY = f"{NO_COMMERCE} without Stability AI's licence (https://stability.ai/license)"


def diffusers_files(*networks: str, tokenizers: tuple[str, ...] = ("tokenizer",)) -> tuple[str, ...]:
    """List the half-precision files of a Stable Diffusion folder: nothing that is not read."""
    weights = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model"}
    return (
        "model_index.json",
        "scheduler/scheduler_config.json",
        *(f"{name}/config.json" for name in networks),
        *(f"{name}/{weights.get(name, 'model')}.fp16.safetensors" for name in networks),
        *(
            f"{name}/{file}"
            for name in tokenizers
            for file in ("merges.txt", "special_tokens_map.json", "tokenizer_config.json", "vocab.json")
        ),
    )


TINY_VAE = ("config.json", "diffusion_pytorch_model.safetensors")

# Wan 2.1's own transformer is not among them: a student's weights take its place whole, only its config is read.
WAN_BASE = Part(
    "Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
    ("model_index.json", "transformer/config.json", "vae/config.json", "vae/diffusion_pytorch_model.safetensors"),
    507_600_000,
    "Apache-2.0",
)
# The same text encoder as Wan 2.1's, which is there in float32: 22.7 GB.
WAN_WORDS = Part(
    "Wan-AI/Wan2.2-TI2V-5B-Diffusers",
    (
        "text_encoder/config.json",
        "text_encoder/model.safetensors.index.json",
        *(f"text_encoder/model-0000{shard}-of-00003.safetensors" for shard in (1, 2, 3)),
        "tokenizer/special_tokens_map.json",
        "tokenizer/spiece.model",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
    ),
    11_383_000_000,
    "Apache-2.0",
)
NOT_MEASURED = "pictures a second: not measured yet"


def causal_forcing(file: str, bytes: int = 5_676_000_000) -> Mapping[str, Part]:
    """Give the parts of a student of Causal Forcing (arXiv 2602.02214, 2605.15141), by its file.

    Its keys are Self-Forcing's. bytes: a mirror's list of files (of longvideo.pt there is none: Rolling Forcing's,
    whose trainer wrote it).
    """
    return {
        "base": WAN_BASE,
        "generator": Part("zhuhz22/Causal-Forcing", (file,), bytes, "Apache-2.0"),
        "text_encoder": WAN_WORDS,
        "tiny_decoder": WAN_TINY_DECODER,
    }


WAN_TINY_DECODER = Part("lightx2v/Autoencoders", ("taew2_1.safetensors",), 22_643_000, "Apache-2.0 (TAEHV: MIT)")

# Parameters as diffusers and transformers count them, from the published configs (the tests build them anew).
POCKET_COUNTS = ParameterCounts("pocket", DEFAULT_SIZE["pocket"], 20_000_000, 22_713_216, 0)
TERRAIN_COUNTS = ParameterCounts("terrain", DEFAULT_SIZE["terrain"], 11_300_000, 0, 0)
SD2_COUNTS = ParameterCounts("image", DEFAULT_SIZE["image"], 865_910_724, 340_387_840, 83_653_863, 2_445_063)
SD15_COUNTS = ParameterCounts("image", DEFAULT_SIZE["image"], 859_520_964, 123_060_480, 83_653_863, 2_445_063)
SDXL_COUNTS = ParameterCounts("image", DEFAULT_SIZE["image"], 2_567_463_684, 817_720_320, 83_653_863, 2_445_063)
WAN_COUNTS = ParameterCounts(
    "video", DEFAULT_SIZE["video"], 1_418_996_800, 5_680_910_336, 126_892_531, 11_300_000, layers=30, width=1536
)
# As much and an embedding of compressed frames and one of the level that a step goes to.
ANYFLOW_COUNTS = replace(WAN_COUNTS, denoiser=1_422_147_136)
# With CLIP's picture encoder (630,766,080) beside the text encoder.
REALWONDER_COUNTS = replace(WAN_COUNTS, denoiser=1_564_428_608, text_encoder=5_680_910_336 + 630_766_080)

FRAME_WISE = {"chunk": 1, "sink": 0, "window": 20}
TWO_STEPS = causal_forcing("causal-forcing++/framewise-2step.pt")
ANYFLOW_CONTEXT = {"sink": 1, "window": 15}
ANYFLOW_LICENCE = 'NOT established: its card says "other", and which that is could not be read; its code is Apache-2.0'
# Bytes and the weights' one file follow from the 14B's published size, in bfloat16; the hub's list was not seen.
ANYFLOW_PARTS = {
    "base": WAN_BASE,
    "generator": Part(
        "nvidia/AnyFlow-FAR-Wan2.1-1.3B-Diffusers",
        ("transformer/config.json", "transformer/diffusion_pytorch_model.safetensors"),
        2_845_000_000,
        "other, by its card: read it before you use it",
    ),
    "text_encoder": WAN_WORDS,
    "tiny_decoder": WAN_TINY_DECODER,
}

MODELS: dict[str, Entry] = {
    "pocket": Entry(
        "studio.models.pocket.model:Pocket",
        "the embedded model: plays live on a laptop, painted strokes and all",
        "Apache-2.0",
        POCKET_COUNTS,
    ),
    "terrain": Entry(
        "studio.models.terrain.model:Terrain",
        "a world of its own: live ground seen from above, from flat to steep by your words, with noise that drifts",
        "MIT",
        TERRAIN_COUNTS,
        steps=1,
        packages={
            "terrain_diffusion": "pip install --no-deps adaptive-terrain-diffusion==0.4.2",
            "onnxruntime": 'pip install "live-studio[terrain]"',
        },
    ),
    "sd-turbo": Entry(
        IMAGE,
        "pictures at 512x512 in one step, from words or from a camera",
        STABILITY,
        SD2_COUNTS,
        {
            "folder": Part(
                "stabilityai/sd-turbo", diffusers_files("unet", "vae", "text_encoder"), 2_582_000_000, STABILITY
            ),
            "tiny_vae": Part("madebyollin/taesd", TINY_VAE, 9_800_000, "MIT"),
        },
        steps=1,
    ),
    "sdxl-turbo": Entry(
        IMAGE,
        "finer pictures at 512x512 in one step, from words or from a camera",
        STABILITY,
        SDXL_COUNTS,
        {
            "folder": Part(
                "stabilityai/sdxl-turbo",
                diffusers_files(
                    "unet", "vae", "text_encoder", "text_encoder_2", tokenizers=("tokenizer", "tokenizer_2")
                ),
                6_943_000_000,
                STABILITY,
            ),
            "tiny_vae": Part("madebyollin/taesdxl", TINY_VAE, 9_800_000, "MIT"),
        },
        steps=1,
    ),
    "sd15-lcm": Entry(
        IMAGE,
        "pictures at 512x512 in a few steps; any Stable Diffusion 1.5 LoRA or ControlNet fits",
        "CreativeML OpenRAIL-M: commercial use allowed, the uses it names are not",
        SD15_COUNTS,
        {
            "folder": Part(
                "stable-diffusion-v1-5/stable-diffusion-v1-5",
                diffusers_files("unet", "vae", "text_encoder"),
                2_135_000_000,
                "CreativeML OpenRAIL-M",
            ),
            "lcm_lora": Part(
                "latent-consistency/lcm-lora-sdv1-5",
                ("pytorch_lora_weights.safetensors",),
                135_000_000,
                "OpenRAIL++",
            ),
            "tiny_vae": Part("madebyollin/taesd", TINY_VAE, 9_800_000, "MIT"),
        },
        steps=4,
    ),
    # For real cards: another entry's student, opened for a purpose. Small pictures are enlarged as pixels, by the page
    # and by `studio render --enlarge`: enlarging latents loses most of what is fine in them (FastVideo's MLX notes).
    "snappy": Entry(
        WAN,
        "preset for smaller cards: video at half size (240x416), 2 steps, 4 pictures at a time; enlarged on the page",
        "Apache-2.0",
        WAN_COUNTS,
        TWO_STEPS,
        {**FRAME_WISE, "size": (240, 416)},
        steps=2,
        first_frame_steps=4,
        expect=NOT_MEASURED,
    ),
    "balanced": Entry(
        WAN,
        "preset for larger cards: video at 480x832, 2 steps, 4 pictures at a time",
        "Apache-2.0",
        WAN_COUNTS,
        TWO_STEPS,
        FRAME_WISE,
        steps=2,
        first_frame_steps=4,
        expect=NOT_MEASURED,
    ),
    "film": Entry(
        ANYFLOW,
        "preset to render with: AnyFlow at 480x832 with 16 steps and the whole decoder; finer, and not live",
        ANYFLOW_LICENCE,
        ANYFLOW_COUNTS,
        {name: part for name, part in ANYFLOW_PARTS.items() if name != "tiny_decoder"},
        {**ANYFLOW_CONTEXT, "tiny_decoder": None},
        steps=16,
        expect=NOT_MEASURED,
    ),
    # Frame-wise students: a chunk is one latent frame, and the 21 that they were trained on are 20 and the one drawn.
    "causal-forcing-2step": Entry(
        WAN,
        "recommended video at 480x832: 4 pictures at a time, so it answers soonest; a first picture by its latent",
        "Apache-2.0",
        WAN_COUNTS,
        TWO_STEPS,
        FRAME_WISE,
        steps=2,
        first_frame_steps=4,
        expect=NOT_MEASURED,
    ),
    "causal-forcing-1step": Entry(
        WAN,
        "streamed video at 480x832, 4 pictures at a time, one step each: the fastest, and coarser",
        "Apache-2.0",
        WAN_COUNTS,
        causal_forcing("causal-forcing++/framewise-1step.pt"),
        FRAME_WISE,
        steps=1,
        first_frame_steps=4,
        expect=NOT_MEASURED,
    ),
    "causal-forcing": Entry(
        WAN,
        "recommended video at 480x832 in chunks of 12 pictures: steadier, and answers later",
        "Apache-2.0",
        WAN_COUNTS,
        causal_forcing("chunkwise/causal_forcing.pt"),
        {"sink": 0, "window": 18, "which": "generator", "drift_guard": True},
        steps=4,
        expect="22.8 pictures a second on one H200, as Forcing-KV measured it (arXiv 2605.09681)",
    ),
    "causal-forcing-long": Entry(
        WAN,
        "streamed video at 480x832 for minutes, a rolling window of noise levels",
        "Apache-2.0 by its card; the code it was trained by is under Tencent's own licence (Rolling Forcing's)",
        WAN_COUNTS,
        causal_forcing("chunkwise/longvideo.pt", 17_030_000_000),
        {"sink": 3, "window": 18, "max_attention_frames": 21},
        "rolling",
        4,
        expect=NOT_MEASURED,
    ),
    "anyflow-far": Entry(
        ANYFLOW,
        "video at 480x832 with any number of steps: perform with 2, render the same film with 16",
        ANYFLOW_LICENCE,
        ANYFLOW_COUNTS,
        ANYFLOW_PARTS,
        ANYFLOW_CONTEXT,
        steps=4,
        expect=NOT_MEASURED,
    ),
    "realwonder": Entry(
        REALWONDER,
        "a picture that goes on at 480x832, its noise moved by strokes and camera; plays from files that you bring",
        "NOT established: neither its weights nor its code name a licence that could be read; Wan 2.1 is Apache-2.0",
        REALWONDER_COUNTS,
        {"base": WAN_BASE, "text_encoder": WAN_WORDS, "tiny_decoder": WAN_TINY_DECODER},
        {"sink": 1, "window": 17},
        steps=4,
        expect="13.2 pictures a second on one H200 (arXiv 2603.05449)",
        brings={
            "generator": "step=000800.pt of ziyc/realwonder (Realwonder-Distilled-AR-I2V-Flow), whose licence you read",
            "image_encoder": "a folder with image_encoder/ and image_processor/ of "
            "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers",
        },
    ),
    "self-forcing": Entry(
        WAN,
        "streamed video at 480x832, trained on 5 seconds; prompts switch live",
        f"{NO_COMMERCE}: weights CC BY-NC-SA 4.0; Wan 2.1 Apache-2.0",
        WAN_COUNTS,
        {
            "base": WAN_BASE,
            "generator": Part(
                "gdhe17/Self-Forcing",
                ("checkpoints/self_forcing_dmd.pt",),
                5_680_000_000,
                f"CC BY-NC-SA 4.0, {NO_COMMERCE}",
            ),
            "text_encoder": WAN_WORDS,
            "tiny_decoder": WAN_TINY_DECODER,
        },
        {"sink": 0, "window": 18},
    ),
    "longlive-1.3b": Entry(
        WAN,
        "streamed video at 480x832 without an end; made for switching prompts live",
        "Apache-2.0",
        WAN_COUNTS,
        {
            "base": WAN_BASE,
            "generator": Part(
                "Efficient-Large-Model/LongLive-1.3B", ("models/longlive_base.pt",), 5_680_000_000, "Apache-2.0"
            ),
            "lora": Part("Efficient-Large-Model/LongLive-1.3B", ("models/lora.pt",), 2_800_000_000, "Apache-2.0"),
            "text_encoder": WAN_WORDS,
            "tiny_decoder": WAN_TINY_DECODER,
        },
        {"sink": 3, "window": 6},
        sink_policy="keep_after_window",
    ),
    "rolling-forcing": Entry(
        WAN,
        "streamed video at 480x832 for minutes, a rolling window of noise levels",
        "the hub's card says MIT, the code's licence is Tencent's own: read both before you sell with it",
        WAN_COUNTS,
        {
            "base": WAN_BASE,
            "generator": Part(
                "TencentARC/RollingForcing",
                ("checkpoints/rolling_forcing_dmd.pt",),
                17_030_000_000,
                "MIT by its card; Tencent's own by its repository",
            ),
            "text_encoder": WAN_WORDS,
            "tiny_decoder": WAN_TINY_DECODER,
        },
        {"sink": 3, "window": 18, "max_attention_frames": 21},
        "rolling",
        5,
    ),
}


@dataclass(frozen=True)
class FolderFormat:
    """How a diffusers folder is opened: the factory, the argument it takes the folder as, and what it makes."""

    factory: str
    argument: str
    kind: Literal["image", "video"]


# What a folder's model_index.json may say it is, by how the name begins.
FOLDERS: dict[str, FolderFormat] = {
    "StableDiffusion": FolderFormat(IMAGE, "folder", "image"),
    "LatentConsistency": FolderFormat(IMAGE, "folder", "image"),
    "Wan": FolderFormat(WAN, "base", "video"),
    "AnyFlowFAR": FolderFormat(ANYFLOW, "base", "video"),
    "FARWanAnyFlow": FolderFormat(ANYFLOW, "base", "video"),
}
ONE_FILE = FolderFormat(IMAGE, "folder", "image")  # a checkpoint in one file
