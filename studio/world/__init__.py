"""The drawn world: places, subjects and words for them, all drawn by code. Training and evaluation look at it."""
