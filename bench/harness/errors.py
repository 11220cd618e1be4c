"""Why a benchmark has no result."""


class BenchError(Exception):
    """A reason in words, for the person who started the benchmark."""
