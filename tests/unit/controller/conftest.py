"""Fixtures of the controller's tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.unit.controller.counts.metric_sources import PrivateFiles


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PrivateFiles:
    """Where the operator of this test keeps its private files."""
    files = PrivateFiles(tmp_path / "private")
    monkeypatch.setattr(tempfile, "tempdir", str(files.directory))
    return files
