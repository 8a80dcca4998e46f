"""Classifier-free guidance (Ho and Salimans, arXiv 2207.12598): negative + scale (positive - negative)."""

from studio.guidance.base import Guidance

FULL = Guidance("negative")
