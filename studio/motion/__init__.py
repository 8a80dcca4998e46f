"""Motion out of a video: what moves in it, each thing as a path that strokes can take. `find_motion` does all of it."""

from studio.motion.film import FilmError as FilmError
from studio.motion.find import Motion as Motion
from studio.motion.find import MotionFinder as MotionFinder
from studio.motion.find import find_motion as find_motion
from studio.motion.paths import MovingThing as MovingThing
