"""Painted motion in the forms that models hear it in: dense flow, point tracks, copies of a latent, warped noise.

All are pure functions of the strokes and the camera in force and of frame numbers; `studio.trajectory` says where a
subject is, this says what that means for every pixel.
"""
