"""The times of day and the weathers of the drawn world, and which of them a place knows."""

TIMES = ("day", "sunset", "night", "dawn")
WEATHERS = ("clear", "cloudy", "rain", "snow", "fog")
ALWAYS_NIGHT = ("space",)
WEATHERLESS = ("space", "underwater", "room", "cave", "library", "kitchen")


def times_of(place: str) -> tuple[str, ...]:
    """The times of day a place knows: in space it is always night."""
    return ("night",) if place in ALWAYS_NIGHT else TIMES


def weathers_of(place: str) -> tuple[str, ...]:
    """The weathers a place knows: none in space, underwater, underground and indoors."""
    return ("clear",) if place in WEATHERLESS else WEATHERS
