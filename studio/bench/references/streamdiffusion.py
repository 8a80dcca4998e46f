# pyright: reportMissingImports=false, reportPrivateImportUsage=false, reportAttributeAccessIssue=false, reportArgumentType=false
"""Runs a checkout of StreamDiffusion (github.com/cumulo-autumn/StreamDiffusion) on a checkpoint, and times it.

Called with {"checkout", "folder", "tiny_vae", "size": [H, W], "steps", "count", "warm"}: a Stable Diffusion folder and
a tiny autoencoder's. Gives "denoise_fps", latents to latents; "fps", float pixels in host memory in, uint8 pixels in
host memory out; both without TensorRT and without its similarity filter.
"""

import json
import sys
import time
from pathlib import Path


def main(told):
    sys.path.insert(0, str(Path(told["checkout"]) / "src"))
    import torch
    from diffusers import AutoencoderTiny, StableDiffusionPipeline

    on_gpu = torch.cuda.is_available()
    if not on_gpu:
        torch.cuda.Event, torch.cuda.synchronize = NoEvent, lambda: None
    from streamdiffusion import StreamDiffusion

    device, dtype = ("cuda", torch.float16) if on_gpu else ("cpu", torch.float32)
    height, width = told["size"]
    read = StableDiffusionPipeline.from_pretrained
    pipeline = read(told["folder"], torch_dtype=dtype, safety_checker=None).to(device)
    t_index_list = [32, 45] if told["steps"] == 2 else [32 + 16 * n // told["steps"] for n in range(told["steps"])]
    stream = StreamDiffusion(
        pipeline, t_index_list=t_index_list, torch_dtype=dtype, width=width, height=height, cfg_type="none"
    )
    stream.vae = AutoencoderTiny.from_pretrained(told["tiny_vae"], torch_dtype=dtype).to(device)
    stream.prepare("a meadow", num_inference_steps=50, guidance_scale=1.0)
    picture = torch.rand(3, height, width)
    latent = torch.rand(1, 4, height // 8, width // 8, device=device, dtype=dtype)

    def drawn():
        pixels = stream(picture)[0]
        return ((pixels / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()

    with torch.no_grad():
        denoise = rate(lambda: stream.predict_x0_batch(latent), told["count"], told["warm"], torch.cuda.synchronize)
        whole = rate(drawn, told["count"], told["warm"], torch.cuda.synchronize)
    return {"denoise_fps": denoise, "fps": whole, "device": device}


class NoEvent:
    """What the program times itself with, where there is no GPU."""

    def __init__(self, **options):
        """Nothing is timed."""

    def record(self):
        """Nothing is timed."""

    def elapsed_time(self, other):
        return 0.0


def rate(call, count, warm, synchronize):
    """Calls a second."""
    for _ in range(warm):
        call()
    synchronize()
    begun = time.perf_counter()
    for _ in range(count):
        call()
        synchronize()
    return round(count / (time.perf_counter() - begun), 2)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
