"""What the benchmark drivers have in common as commands."""

import signal
import sys

from .errors import BenchError

INTERRUPTED = 130


def run(main):
    """Carries `main` out and ends the process: with its code, or with a reason in words."""
    # In order with what other processes write, also when both go to a file.
    sys.stdout.reconfigure(line_buffering=True)
    # So that a SIGTERM, too, ends what was started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench: {error}")
    except OSError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        print("bench: interrupted; nothing was measured", file=sys.stderr)
        sys.exit(INTERRUPTED)
