"""A search that judges 200 settings beside each other: its status and its verdict have room, whatever comes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from earlystop.api.counts import Tally
from earlystop.api.wire import PACKED_LIMIT
from earlystop.metrics.convention.ledger import Ledger, SeriesKey, pack
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from earlystop.simulation.search_truth import TrueSetting
from tests.simulations.many_settings import ETCD_LIMIT, NAMES, TIMES, a_curve, looks_of


def series_of_processes(number: int) -> str:
    tally = Tally(999_999, 999_990, 9, 850_000, 149_990, 0, 600_000_000, 400_000_000_000)
    keys = [SeriesKey(0, name, "default", f"{each:08x}-4a1d") for name in NAMES for each in range(number)]
    return pack(Ledger(dict.fromkeys(keys, tally)))


@pytest.mark.slow
def test_200_settings_on_one_stream_have_room_until_one_is_chosen_and_their_verdict_can_be_recomputed() -> None:
    ledger, states = series_of_processes(6), list(looks_of(a_curve(0.06), rate=5))
    for state in (states[4], states[-1]):
        status = to_status("qa", "u", TIMES, state, ledger)
        restored, _ = from_status(json.loads(json.dumps(status)))
        assert restored.comparisons == state.comparisons
        assert len(status["internal"]["looks"]) + len(ledger) <= PACKED_LIMIT
    last = states[-1]
    assert last.decision is not None and last.decision.reason == "MostProvenSaving"
    assert max(len(each.looks) for each in last.comparisons) >= 40, "looks of a day and more at 15 s have room"
    verdict = verdict_spec("qa", "u", last)
    assert len(json.dumps(verdict)) < ETCD_LIMIT * 3 / 4
    assert differences(verdict) == []


@pytest.mark.slow
def test_a_search_of_which_every_one_of_200_settings_harms_ends_in_a_verdict() -> None:
    *_, last = looks_of(replace(a_curve(0.0), settings=tuple(TrueSetting(each, 0.4, 0.5) for each in NAMES)), rate=5)
    assert last.decision is not None and last.decision.reason == "EveryCandidateDropped"
    assert len(last.decision.message) <= 1024 and "and 160 more" in last.decision.message
    assert differences(verdict_spec("qa", "u", last)) == []


@pytest.mark.slow
def test_an_operator_that_dies_after_each_look_at_200_settings_comes_to_the_same_end() -> None:
    short = replace(TIMES, deadline_seconds=400)
    (*_, whole), (*_, resumed) = (looks_of(a_curve(0.2), 20, short, dies_after_each=dies) for dies in (False, True))
    assert whole.decision is not None and any(each.dropped for each in whole.comparisons)
    assert any(each.certified_at is not None for each in whole.comparisons)
    assert verdict_spec("qa", "u", resumed) == verdict_spec("qa", "u", whole)
