"""What is wrong with a suite that was asked for."""


class BenchError(ValueError):
    """A suite that cannot be run as asked: says what is possible and what to do."""
