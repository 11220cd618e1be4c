"""A server of its own for a benchmark."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from .errors import BenchError

READY_SECONDS = 60
DRAIN_SECONDS = 120


class Server:
    """Runs from `with` to the end of its block, in which `stop` ends it as an operator would."""

    def __init__(self, binary, schema, data_folder, log_path, flags=()):
        self.address = f"127.0.0.1:{_free_port()}"
        self.admin_url = f"http://127.0.0.1:{_free_port()}"
        self.data_folder = data_folder
        self._binary = binary
        self._schema = schema
        self._flags = flags
        self._log_path = log_path
        self._process = None

    @property
    def process_id(self):
        return self._process.pid

    def __enter__(self):
        command = [
            self._binary, "serve", "--schema", self._schema, "--data", self.data_folder,
            "--listen", self.address, "--admin", self.admin_url.removeprefix("http://"),
            *self._flags,
        ]  # fmt: skip
        with open(self._log_path, "wb") as log:
            # A session of its own: Ctrl-C is for the load, not for the server under it.
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            self._await_ready()
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(self, error_type, error, traceback):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        elif error is not None:
            # What failed is most likely a consequence of this.
            code = self._process.returncode
            print(f"the server had ended with code {code}:\n{self._log_end()}", file=sys.stderr)

    def stop(self):
        """Lets it drain, and expects that it ends well."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(timeout=DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            raise BenchError(
                f"the server did not end within {DRAIN_SECONDS} s of SIGTERM"
            ) from None
        if code != 0:
            raise BenchError(f"the server ended with code {code} after SIGTERM:\n{self._log_end()}")

    def _await_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise BenchError(
                    f"the server ended with code {self._process.returncode} at its start:\n"
                    + self._log_end()
                )
            try:
                with urllib.request.urlopen(f"{self.admin_url}/readyz", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise BenchError(f"the server was not ready after {READY_SECONDS} s:\n{self._log_end()}")

    def _log_end(self):
        with open(self._log_path, errors="replace") as log:
            return "".join(log.readlines()[-20:])


def audit(binary, data_folder):
    """Whether the data folder passed, and what the audit said."""
    # A session of its own: Ctrl-C is for the load.
    result = subprocess.run(
        [binary, "audit", "--data", data_folder], capture_output=True, text=True,
        start_new_session=True,
    )  # fmt: skip
    is_passed = result.returncode == 0 and any(
        line.split()[:1] == ["INTEGRITY_OK"] for line in result.stdout.splitlines()
    )
    return is_passed, (result.stdout + result.stderr).strip()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
