"""What evaluators have counted is told from what servers have, look by look."""

from __future__ import annotations

from earlystop.api.counts import Tally
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, evaluated_since, merge

BOTH = ("baseline", "candidate")


def key(process: str, variant: str = "candidate", step: int = 1) -> SeriesKey:
    return SeriesKey(step, variant, "qa", process)


def test_only_processes_that_begin_no_request_are_evaluators_and_only_what_is_new_is_told() -> None:
    before = merge(Ledger(), {key("server"): Tally(started=5, completed=4), key("asks"): Tally(completed=2, tokens=20)})
    seen = {
        key("server"): Tally(started=9, completed=9),
        key("asks"): Tally(completed=3, tokens=70),
        key("asks", "baseline"): Tally(completed=1, tokens=9),
        key("asks", step=2): Tally(completed=8),
    }
    found = evaluated_since(before, merge(before, seen), 1, BOTH)
    assert found == {"baseline": Tally(completed=1, tokens=9), "candidate": Tally(completed=1, tokens=50)}


def test_a_server_that_names_a_class_late_is_no_evaluator() -> None:
    begun = SeriesKey(1, "candidate", "default", "server")
    after = merge(Ledger(), {begun: Tally(started=3), key("server"): Tally(completed=3, tokens=30)})
    assert evaluated_since(Ledger(), after, 1, BOTH) == {"baseline": Tally(), "candidate": Tally()}


def test_reading_the_same_moment_again_tells_of_nothing_new() -> None:
    after = merge(Ledger(), {key("asks"): Tally(completed=2, tokens=20)})
    assert evaluated_since(after, after, 1, BOTH) == {"baseline": Tally(), "candidate": Tally()}
