"""Other tests break where this operator holds: the quick version of `make bench-peers`, with fixed seeds."""

from __future__ import annotations

from tests.bench import peers

RUNS = 150


def test_on_every_stream_this_operator_keeps_its_promise_and_a_test_that_begins_anew_does_not() -> None:
    rows = list(peers.error_rows(RUNS, peers.SEED))
    ours = [max(each.promoted, each.rolled_back) for each in rows if each.peer == "this operator"]
    # 5 % of 150 campaigns, and two standard errors.
    assert len(ours) == 4 and max(ours) <= 0.0856
    again = [each for each in rows if each.stream.startswith("tried") and "O'Brien" in each.peer]
    assert min(each.promoted for each in again) > 0.12
