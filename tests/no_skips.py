"""A run in which a test was skipped has failed: it did not show what it is there to show.

Nothing in this project needs to be skipped. A test whose tools are missing says so by failing.
"""

from __future__ import annotations

import pytest
from _pytest.terminal import TerminalReporter

SKIPPED = 10
"""The exit code, none of pytest's own: failed tests may get a second try, a run that skipped some does not."""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Ends a run with skipped tests by a code of its own; with pytest-xdist only in the process that has the report."""
    if _skipped(session.config):
        session.exitstatus = SKIPPED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Says why the run failed, below the list of skipped tests that `-ra` prints."""
    count = _skipped(terminalreporter.config)
    if count:
        terminalreporter.section("skipped tests fail the run", red=True)
        terminalreporter.line(f"{count} skipped. Install what they lack, or remove the skip: no test here may skip.")


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if isinstance(reporter, TerminalReporter) else 0
