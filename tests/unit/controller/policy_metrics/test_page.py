"""The reference page names every metric, and /metrics has no other."""

from __future__ import annotations

from pathlib import Path

import earlystop.controller
from earlystop.controller.policy_metrics.page import page
from earlystop.controller.telemetry import registry

DOCS = Path(earlystop.controller.__file__).parents[2] / "docs"


def test_the_page_is_generated_from_the_table() -> None:
    assert (DOCS / "metrics.md").read_text() == page(), "run `make docs`"


def test_every_family_of_metrics_stands_on_the_page_or_is_of_every_python_process() -> None:
    text = page()
    for family in registry.collect():
        assert family.name.startswith(("process_", "python_")) or f"`{family.name}" in text


def test_no_series_says_when_another_was_created() -> None:
    assert not [sample.name for family in registry.collect() for sample in family.samples if "_created" in sample.name]


def test_process_and_version_are_there() -> None:
    names = {sample.name for family in registry.collect() for sample in family.samples}
    assert {"process_resident_memory_bytes", "python_info", "earlystop_operator_build_info"} <= names


def test_outcomes_are_there_before_the_first_event() -> None:
    value = registry.get_sample_value
    assert value("earlystop_operator_reconciliations_total", {"outcome": "failed"}) is not None
    assert value("earlystop_operator_looks_total", {"outcome": "Stale"}) is not None
