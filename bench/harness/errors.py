"""Why a benchmark has no result."""


class BenchError(Exception):
    """A reason in words, for the person who started the benchmark."""


class Interrupted(BenchError):
    """By that person."""

    def __init__(self):
        super().__init__("interrupted before there was a result")
