"""Causal students of Wan 2.1, and the causal forward of its transformer, which the pocket model shares."""
