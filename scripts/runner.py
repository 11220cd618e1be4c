"""What the test runner prints."""

# Of itself, in lines that look like a failure's details.
_OWN_DETAILS = ("↳ Testing Library Version", "↳ Target Platform")


def tells_of_failure(line: str) -> bool:
    """Whether a line is of a failed test: an issue, its details, or that the test failed."""
    return line.startswith(("✘", "↳")) and not line.startswith(_OWN_DETAILS)
