"""Parts of the benchmark drivers. Python's standard library only."""
