"""What the benchmark drivers have in common as commands."""

import signal
import sys

from .errors import BenchError, Interrupted

INTERRUPTED = 130


def run(main):
    """Carries `main` out and ends the process: with its code, or with a reason in words."""
    # In order with what other processes write, also when both go to a file.
    sys.stdout.reconfigure(line_buffering=True)
    # So that a SIGTERM, too, ends what was started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except (Interrupted, KeyboardInterrupt):
        print("bench: interrupted before there was a result", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except (BenchError, OSError) as error:
        sys.exit(f"bench: {error}")
