"""Measures what the pocket model draws against what the drawn world would show; `studio evaluate`."""
