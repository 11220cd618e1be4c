"""What the test runner prints."""

# Of itself, in lines that look like a failure's details.
_OWN_DETAILS = ("↳ Testing Library Version", "↳ Target Platform")


def tells_of_failure(line: str) -> bool:
    """Whether a line is of a failed test: an issue, its details, or that the test failed."""
    return line.startswith(("✘", "↳")) and not line.startswith(_OWN_DETAILS)


# What a line of its own begins with.
_MARKS = ("◇", "✔", "✘", "↳")


def failures(lines):
    """The lines of failed tests, with those that go on with one: of a server's log, for one."""
    is_shown = False
    for line in lines:
        if line.startswith(_MARKS):
            is_shown = tells_of_failure(line)
        if is_shown:
            yield line
