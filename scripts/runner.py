"""What the test runner prints."""

# What a line of its own begins with, and a failed test's among them: an issue, its details, or that the test failed.
_MARKS = ("◇", "✔", "✘", "↳")
_FAILURE_MARKS = ("✘", "↳")
# Of itself, in lines that look like a failure's details.
_OWN_DETAILS = ("↳ Testing Library Version", "↳ Target Platform")


class FailureText:
    """Finds the lines of failed tests, with those that go on with one: of a server's log, for one."""

    def __init__(self) -> None:
        self._goes_on = False

    def includes(self, line: str) -> bool:
        """Whether the next line is such a line."""
        if line.startswith(_MARKS):
            self._goes_on = line.startswith(_FAILURE_MARKS) and not line.startswith(_OWN_DETAILS)
        return self._goes_on
