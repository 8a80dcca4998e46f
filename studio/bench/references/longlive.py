# pyright: reportMissingImports=false
"""Runs a checkout of LongLive 1.0 (github.com/NVlabs/LongLive, branch v1.0) with random weights, and times it.

Called with {"checkout", "net", "size": [H, W], "words": [length, width], "chunks"}: net holds the arguments of its
CausalWanModel. Gives "denoise_fps": pictures (four a latent) a second, noise to latents, of chunks of three latents on
a full cache of twelve with a sink of three, four steps and the clean pass. Its text encoder and autoencoder are left
out: a stand-in gives token states, and nothing is decoded.
"""

import json
import sys
import time
from types import SimpleNamespace

CHUNK, KEPT, SINK = 3, 12, 3  # latent frames, as its configs/longlive_inference.yaml has them


class Named(dict):
    """A dict that can also be asked as the program asks its configuration."""

    def __getattr__(self, name):
        if name in self:
            return self[name]
        raise AttributeError(name)


def main(told):
    sys.path.insert(0, told["checkout"])
    import torch

    on_gpu = torch.cuda.is_available()
    if not on_gpu:
        torch.cuda.current_device, torch.cuda.synchronize = lambda: 0, lambda: None
    from pipeline.causal_inference import CausalInferencePipeline
    from wan.modules.causal_model import CausalWanModel

    CausalWanModel.from_pretrained = classmethod(lambda cls, folder, **options: cls(**told["net"], **options))
    device = torch.device("cuda" if on_gpu else "cpu")
    settings = Named(
        denoising_step_list=[1000, 750, 500, 250], warp_denoising_step=True, num_frame_per_block=CHUNK, context_noise=0,
        model_kwargs=Named(local_attn_size=KEPT, timestep_shift=5.0, sink_size=SINK),
    )  # fmt: skip
    words = torch.randn(1, *told["words"], device=device, dtype=torch.bfloat16)
    undecoded = SimpleNamespace(decode_to_pixel=lambda latents, use_cache=False: latents[:, :, :3])
    player = CausalInferencePipeline(
        settings, device, text_encoder=lambda text_prompts: {"prompt_embeds": words}, vae=undecoded
    )
    player.generator.to(device=device, dtype=torch.bfloat16)
    height, width = (side // 8 for side in told["size"])
    player.num_transformer_blocks = told["net"]["num_layers"]
    player.frame_seq_length = (height // 2) * (width // 2)

    def seconds(chunks):
        """A whole rollout: allocating, and the chunks in which the cache fills, among them."""
        noise = torch.randn(1, CHUNK * chunks, 16, height, width, device=device, dtype=torch.bfloat16)
        torch.cuda.synchronize()
        begun = time.perf_counter()
        player.inference(noise, ["a meadow"])
        torch.cuda.synchronize()
        return time.perf_counter() - begun

    before, more = KEPT // CHUNK + 2, told["chunks"]
    with torch.no_grad():
        seconds(before)
        steady = seconds(before + more) - seconds(before)
    return {"denoise_fps": round(4 * CHUNK * more / steady, 2), "device": device.type}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
