"""Image models of the Stable Diffusion families, from folders in diffusers' layout."""
