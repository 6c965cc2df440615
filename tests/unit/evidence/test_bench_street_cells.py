"""A bench of many cells goes on where it was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.bench.street_cells import Cell, Row, known_rows, run_cells


def _cells() -> Mapping[str, Cell]:
    def fails(runs: int) -> tuple[float, float]:
        raise AssertionError(f"the cell was run for {runs} campaigns")

    return {"known": Cell("known", fails), "new": Cell("new", lambda runs: (1 / runs, 0.0))}


def test_a_cell_that_the_file_has_is_not_run_again_and_a_new_one_is_added(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"kind": "known", "promoted": 0.5, "rolled_back": 0.25, "runs": 100}\n')
    known, new = Row("known", 0.5, 0.25, 100), Row("new", 0.01, 0.0, 100)
    assert list(run_cells(_cells, ["known", "new"], 100, path, 1)) == [known, new]
    assert known_rows(path, 100) == {"known": known, "new": new}


def test_rows_of_fewer_campaigns_and_a_line_that_was_cut_off_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"kind": "known", "promoted": 0.5, "rolled_back": 0.25, "runs": 100}\n{"kind": "ne')
    assert known_rows(path, 200) == {}
    assert list(run_cells(_cells, ["known", "new"], 100, path, 1)) == list(known_rows(path, 100).values())
    assert list(known_rows(path, 100)) == ["known", "new"]
