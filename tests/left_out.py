"""The one file that a run may leave out: the tests of a real engine, where it is not built.

Its sources are fetched and compiled for minutes, which not every machine can do. No test skips for it: the run says at
its end what it did not show. Who names the file gets its tests, which build the engine.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from tests.cluster.engine_build import engine_path
from tests.cluster.engine_model import MODEL_PATH

REAL_ENGINE = Path(__file__).parent / "e2e" / "test_real_engine.py"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves the file out; None lets others decide on any other path."""
    return True if collection_path == REAL_ENGINE and _left_out(config) else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Says so, below the list of what failed."""
    if _left_out(terminalreporter.config):
        terminalreporter.section("LEFT OUT: the tests of a real engine", red=True)
        terminalreporter.line(
            f"{REAL_ENGINE.relative_to(Path(__file__).parents[1])} was not run: llama.cpp's server or its model is not "
            "there. `make real-engine` builds it, or says why it cannot."
        )


def _left_out(config: pytest.Config) -> bool:
    asked = [config.invocation_params.dir / each.split("::")[0] for each in config.args]
    if REAL_ENGINE in asked or not any(REAL_ENGINE.is_relative_to(each) for each in asked):
        return False
    return not (engine_path().exists() and MODEL_PATH.exists())
