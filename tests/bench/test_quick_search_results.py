"""A bench of searches that was interrupted goes on where it was."""

from __future__ import annotations

from pathlib import Path

from tests.bench.search import cell
from tests.bench.search_results import Results
from tests.bench.search_shapes import CLIFF
from tests.bench.search_strategies import STRATEGIES

NAME = "Shadow, in sequence"


def test_campaigns_of_an_interrupted_run_are_not_played_again_and_a_cut_off_line_is(tmp_path: Path) -> None:
    path, strategy = tmp_path / "campaigns.jsonl", STRATEGIES[NAME]
    whole = cell(CLIFF, NAME, strategy, 3, results=Results(path))
    lines = [each for each in path.read_text().splitlines() if each]
    assert len(lines) == 3
    path.write_text("\n".join(lines)[:-20])
    played = []

    def counted(*arguments: object) -> object:
        played.append(arguments)
        return strategy(*arguments)  # type: ignore[arg-type]

    again = cell(CLIFF, NAME, counted, 3, results=Results(path))  # type: ignore[arg-type]
    assert len(played) == 1 and again.requests == whole.requests
    cell(CLIFF, NAME, counted, 3, results=Results(path))  # type: ignore[arg-type]
    assert len(played) == 1
