"""Every row of the table of answers has its right score."""

from __future__ import annotations

import pytest

from earlystop.evaluator.scoring import Scoring
from tests.unit.evaluator.scoring_rows import Row
from tests.unit.evaluator.scoring_table import TABLE
from tests.unit.every_row import every_row


def label(row: Row) -> str:
    return f"{row[0]}: {row[1][:40]!r} against {row[2]}"


@pytest.mark.slow
@every_row("row", TABLE)
def test_an_answer_has_the_score_that_people_would_give_it(row: Row) -> None:
    name, answer, gold, right = row
    scoring = Scoring.named(name)
    assert all(scoring.accepts(each) for each in gold)
    assert scoring.matches(answer, gold) is right


def test_the_table_holds_enough_right_and_wrong_answers() -> None:
    assert len(set(TABLE)) >= 500
    assert sum(row[3] for row in TABLE) >= 200
    assert sum(not row[3] for row in TABLE) >= 200
