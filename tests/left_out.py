"""What a run may leave out, aloud: the tests of a real engine, where it is not built, and those with real Pods.

The engine's sources are fetched and compiled for minutes, which not every machine can do. Real Pods have a control
plane of their own, on the same ports as that of the other tests, so they have a run of their own. No test skips for it:
the run says at its end what it did not show. Who names the file or folder gets its tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from tests.cluster.engine_build import engine_path
from tests.cluster.engine_model import MODEL_PATH

_TESTS = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Part:
    """path: a test file, or a folder of them; what: its tests, in words; missing: whether they cannot be run beside
    others; why: a sentence that says so and what to do."""

    path: Path
    what: str
    missing: Callable[[], bool]
    why: str


PARTS = (
    Part(
        _TESTS / "e2e" / "test_real_engine.py",
        "the tests of a real engine",
        lambda: not (engine_path().exists() and MODEL_PATH.exists()),
        "llama.cpp's server or its model is not there. `make real-engine` builds it, or says why it cannot.",
    ),
    Part(
        _TESTS / "pods",
        "the tests with real Pods",
        lambda: True,
        "they have a control plane of their own, which cannot run beside another one. `make e2e` runs them.",
    ),
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves the parts out; None lets others decide on any other path."""
    return True if any(collection_path == part.path and _left_out(part, config) for part in PARTS) else None


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Says so, below the list of what failed."""
    for part in PARTS:
        if _left_out(part, terminalreporter.config):
            terminalreporter.section(f"LEFT OUT: {part.what}", red=True)
            terminalreporter.line(f"{part.path.relative_to(_TESTS.parent)} was not run: {part.why}")


def _left_out(part: Part, config: pytest.Config) -> bool:
    asked = [config.invocation_params.dir / each.split("::")[0] for each in config.args]
    is_named = any(each.is_relative_to(part.path) for each in asked)
    return not is_named and any(part.path.is_relative_to(each) for each in asked) and part.missing()
