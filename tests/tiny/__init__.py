"""Everything small that the tests play; its nets are built by `studio.bench.nets`, which the core suite plays too.

model.py: `TinyModel`, a causal model that hears words, seeds and strokes and shows pictures.
causal.py: `CausalModel`, a causal model with any cache, whose forwards are counted and whose latents are looked at; the
published forward beside it, written plainly.
pictures.py: `PictureModel`, which draws frames alone, by a UNet or by a formula.
sd_folders.py, wan_folders.py: folders and files as they are published, made by diffusers' own `save_pretrained`.
"""
