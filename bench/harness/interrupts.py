"""Ctrl-C and SIGTERM while something is measured."""

import signal

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Deferred:
    """From `with` to the end of its block the first one is noted, and what has been measured is still
    checked; a second one ends the block at once."""

    def __init__(self):
        self.count = 0
        # Called for each one instead, by whoever sets it.
        self.listener = None

    def __enter__(self):
        self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, *_):
        self.count += 1
        if self.listener is not None:
            self.listener()
        elif self.count > 1:
            raise KeyboardInterrupt
