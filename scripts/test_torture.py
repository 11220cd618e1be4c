"""That `torture.py` counts a failure as one, whatever way a run fails."""

import contextlib
import io
import unittest
from unittest import mock

import torture

PASSED = "✔ Test a() passed after 1.0 seconds.\n✔ Test run with 3 tests in 1 suite passed after 1.0 seconds.\n"
FAILED = (
    "✘ Test a() recorded an issue at A.swift:1:1: Issue recorded\n"
    "↳ seed 7: the server ended with 1: starting\n"
    "rows: of another kind\n"
    "◇ Test b() started.\n"
    "tried 3 times\n"
    "✘ Test a() failed after 1.0 seconds with 1 issue.\n"
    "✘ Test run with 3 tests in 1 suite failed after 1.0 seconds with 1 issue.\n"
)
EMPTY = "✔ Test run with 0 tests in 0 suites passed after 0.0 seconds.\n"
CUT_OFF = "◇ Test a() started.\n"


class TallyTests(unittest.TestCase):
    def expect(self, output, exit_code, passed, failed):
        tally = torture.Tally()
        self.assertEqual(tally.add(output, exit_code), failed == 0)
        self.assertEqual((tally.passed, tally.failed), (passed, failed))

    def test_a_run_that_passed(self):
        self.expect(PASSED, 0, passed=3, failed=0)

    def test_a_failed_test(self):
        self.expect(FAILED, 1, passed=2, failed=1)

    def test_a_run_that_found_no_test(self):
        self.expect(EMPTY, 0, passed=0, failed=1)

    def test_a_run_that_broke_off(self):
        self.expect(CUT_OFF, -11, passed=0, failed=1)

    def test_a_run_that_failed_after_its_tests(self):
        self.expect(PASSED, 1, passed=2, failed=1)


class MainTests(unittest.TestCase):
    def run_main(self, output, exit_code):
        printed = io.StringIO()
        run_once = mock.Mock(return_value=(output, exit_code))
        with (
            mock.patch.object(torture, "run_once", run_once),
            mock.patch("sys.argv", ["torture.py", "0.0001"]),
            contextlib.redirect_stdout(printed),
        ):
            status = torture.main()
        self.assertGreaterEqual(run_once.call_count, len(torture.SUITES))
        return status, run_once.call_count, printed.getvalue()

    def test_the_last_line_and_the_exit_code_tell_of_failures(self):
        status, count, printed = self.run_main(FAILED, 1)
        self.assertEqual(status, 1)
        self.assertEqual(printed.splitlines()[-1], f"{2 * count} passed, {count} failed")
        self.assertIn("seed 7", printed)
        self.assertIn("rows: of another kind", printed)
        self.assertNotIn("started", printed)

    def test_all_passed(self):
        status, count, printed = self.run_main(PASSED, 0)
        self.assertEqual(status, 0)
        self.assertEqual(printed.splitlines()[-1], f"{3 * count} passed, 0 failed")


if __name__ == "__main__":
    unittest.main()
