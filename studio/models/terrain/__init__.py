"""Live terrain, by a published one-step consistency net (adaptive-terrain-diffusion)."""
