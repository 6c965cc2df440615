"""Looks at counters of others: what is counted, what is left open, and what a restart of anything changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from earlystop.api.counts import Tally, Variant
from earlystop.controller.counts.look import state_after_reading, state_or_failure
from earlystop.controller.counts.look_request import look_request
from earlystop.controller.desired_split import desired_split
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.traffic.proof_by_servers import requests_since, split_is_shown
from earlystop.metrics.convention.compaction import SILENT_SECONDS
from earlystop.metrics.convention.ledger import Ledger
from earlystop.metrics.count_ledger import pack_ledger, unpack_ledger
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.metrics.templates.count_source import ledger_of_step
from earlystop.metrics.templates.reader import TemplateReading, TemplateRequest
from earlystop.metrics.templates.reset_ledger import ResetLedger, is_blind
from earlystop.metrics.templates.several_processes import HISTORY_SECONDS
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.state import Phase
from earlystop.rollout.stored.status_codec import to_status
from earlystop.rollout.transitions import weights_in_force, weights_lost
from tests.unit.controller.counts.template_sources import CUSTOM, SOURCE, TEMPLATES, Engine, Life, steady
from tests.unit.controller.tracked_policies import manifest, tracked
from tests.unit.delivery.cluster import split
from tests.unit.rollout.policies import NOW, UID, policy, started

B, C = Variant.BASELINE, Variant.CANDIDATE
SOURCES = {"default": SOURCE}
PATIENT = {**CUSTOM, "rollout": {"steps": [{"weight": 50, "minimumSeconds": 3000}]}}
RATE = 10


def settling() -> TrackedPolicy:
    return tracked(weights_in_force(started(policy(PATIENT)), NOW), changes=PATIENT)


def reading(found: TrackedPolicy, engine: Engine, at: int) -> TemplateReading:
    request = look_request(found, SOURCES, at)
    assert isinstance(request, TemplateRequest)
    return engine.reading(request, at)


def see(found: TrackedPolicy, engine: Engine, *moments: int) -> TrackedPolicy:
    for at in moments:
        found.state, found.ledger = state_after_reading(found, reading(found, engine, at), at)
    return found


def counted(found: TrackedPolicy) -> list[int]:
    return [sum(getattr(look, arm).completed for look in found.state.looks) for arm in ("baseline", "candidate")]


def restarted(found: TrackedPolicy) -> TrackedPolicy:
    """What an operator that was killed after its write reads back."""
    status = to_status("qa", UID, LiveTimes.of(found.spec), found.state, pack_ledger(found.ledger))
    made = {**manifest(changes=PATIENT), "status": {**status, "observedGeneration": 1, "conditions": []}}
    return TrackedPolicy.load(made, NOW)


def test_a_policy_with_templates_is_asked_for_by_them() -> None:
    request = look_request(settling(), SOURCES, NOW + 30)
    assert isinstance(request, TemplateRequest)
    assert (request.policy, request.preset, request.templates) == ("llm/qa", "Custom", TEMPLATES)


def test_the_first_look_of_a_campaign_reads_ten_minutes_to_see_several_processes_behind_one_address() -> None:
    beginning = settling()
    first = look_request(beginning, SOURCES, NOW + 30)
    seen = see(beginning, Engine([steady(RATE)]), NOW + 30)
    later = look_request(seen, SOURCES, NOW + 45)
    assert isinstance(first, TemplateRequest) and isinstance(later, TemplateRequest)
    assert first.read_seconds == HISTORY_SECONDS > 4 * later.read_seconds and first.window_seconds == 120


def test_looks_hold_the_growth_of_counters_that_ran_long_before_and_nothing_is_left_open() -> None:
    found = see(settling(), Engine([steady(RATE)]), NOW + 30, NOW + 45, NOW + 60)
    assert counted(found) == [30 * RATE, 30 * RATE]
    assert found.state.looks[0].candidate.tokens == 15 * RATE * 300
    assert (found.state.comparisons[0].uncertain.baseline, found.state.comparisons[0].uncertain.candidate) == (
        Tally(),
        Tally(),
    )
    assert isinstance(found.ledger, ResetLedger) and (found.ledger.step, found.ledger.since_ms) == (0, NOW * 1000)


def lives(tells_start: bool = True) -> Engine:
    """A process that is killed and another in its place, which counts faster than the first had."""
    old = replace(steady(RATE, began=NOW - 20, ended=NOW + 50))
    return Engine([old, steady(40, began=NOW + 52)], tells_start)


def test_a_restart_that_regrew_is_counted_from_its_first_scrape_on_where_start_times_are_known() -> None:
    found = see(settling(), lives(), NOW + 30, NOW + 45, NOW + 60, NOW + 75)
    assert counted(found) == [20 * RATE + 40 * 20] * 2
    assert found.state.comparisons[0].uncertain.baseline.completed == 40 * 3


def test_without_start_times_it_is_never_above_the_truth_and_the_source_is_known_to_be_blind() -> None:
    found = see(settling(), lives(tells_start=False), NOW + 30, NOW + 45, NOW + 60, NOW + 75)
    assert all(count <= 20 * RATE + 40 * 23 for count in counted(found))
    assert isinstance(found.ledger, ResetLedger) and is_blind(found.ledger)


def test_growth_that_cannot_be_placed_is_carried_openly_and_never_counted() -> None:
    found = settling()
    late = Engine([replace(steady(RATE, began=NOW - 500), seen_from=NOW + 55)])
    name = reading(found, late, NOW + 60).queries
    found.state, found.ledger = state_after_reading(found, TemplateReading(NOW + 30, {}, NOW + 30, name), NOW + 30)
    see(found, late, NOW + 60)
    assert found.state.comparisons[0].uncertain.baseline.completed == 555 * RATE, (
        "it may all have come before, or while unseen"
    )
    assert found.state.comparisons[0].uncertain.candidate.tokens == 555 * RATE * 300
    assert counted(found) == [5 * RATE, 5 * RATE]
    status = to_status("qa", UID, LiveTimes.of(found.spec), found.state, pack_ledger(found.ledger))
    assert (
        status["uncertain"]["candidate"]["completed"] == 555 * RATE
        and "started" not in status["uncertain"]["candidate"]
    )


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 2, 3])
def test_an_operator_that_is_started_anew_goes_on_with_the_same_counts(every: int) -> None:
    moments = [NOW + 30 + 15 * number for number in range(8)]
    whole = see(settling(), lives(), *moments)
    found = settling()
    for number, at in enumerate(moments):
        found = see(found, lives(), at)
        if number % every == 0:
            found = restarted(found)
    assert (found.state, found.ledger) == (whole.state, whole.ledger)


def test_reading_a_moment_again_or_with_a_wider_window_adds_nothing() -> None:
    found = see(settling(), lives(), NOW + 30, NOW + 45, NOW + 60)
    before = found.state, found.ledger
    wide = TemplateRequest("llm/qa", found.state.revision, 600, "Custom", TEMPLATES)
    state, ledger = state_after_reading(found, lives().reading(wide, NOW + 60), NOW + 60)
    assert (state.looks, state.comparisons[0].uncertain, ledger) == (
        before[0].looks,
        before[0].comparisons[0].uncertain,
        before[1],
    )


def test_a_step_opens_when_its_weights_were_in_force_and_one_that_begins_afresh_stays_open() -> None:
    found = see(settling(), Engine([steady(RATE)]), NOW + 30, NOW + 45)
    found.state = weights_in_force(weights_lost(found.state), NOW + 70)
    see(found, Engine([steady(RATE)]), NOW + 100, NOW + 115)
    assert isinstance(found.ledger, ResetLedger) and (found.ledger.step, found.ledger.since_ms) == (0, NOW * 1000)
    assert counted(found) == [30 * RATE, 30 * RATE], "what was counted between the two is no evidence"
    later = replace(found.state, step=1, step_started_at=NOW + 120, phase=Phase.SETTLING)
    ledger = ledger_of_step(found.ledger, later.step, later.step_started_at or 0, found.ledger.queries)
    assert (ledger.step, ledger.since_ms, ledger.folded) == (1, 1000 * (NOW + 120), {})


@pytest.mark.slow
def test_series_that_fell_silent_are_dropped_and_their_counts_stay() -> None:
    found = see(settling(), lives(), NOW + 30, NOW + 45, NOW + 60)
    at = NOW + 60 + SILENT_SECONDS + 10
    ledger = found.ledger
    assert isinstance(ledger, ResetLedger)
    gone = {replace(key, target="gone", address=""): mark._replace(counted=7) for key, mark in ledger.series.items()}
    found.ledger, before = replace(ledger, series={**ledger.series, **gone}), counted(found)
    see(found, lives(), at)
    assert isinstance(found.ledger, ResetLedger)
    assert not any(key.target == "gone" for key in found.ledger.series)
    assert counted(found)[0] == before[0] + 40 * (SILENT_SECONDS + 10) + 7


def test_a_past_that_was_rewritten_or_other_templates_stop_the_looks_and_change_nothing() -> None:
    found = see(settling(), Engine([steady(RATE)]), NOW + 30, NOW + 45)
    before = found.state, found.ledger
    rewritten = state_or_failure(found, reading(found, Engine([steady(RATE + 1)]), NOW + 60), NOW + 60)
    assert isinstance(rewritten, MetricsFailure) and rewritten.kind is FailureKind.REWRITTEN
    other = replace(reading(found, Engine([steady(RATE)]), NOW + 60), queries="other")
    changed = state_or_failure(found, other, NOW + 60)
    assert isinstance(changed, MetricsFailure) and changed.kind is FailureKind.SOURCE_CHANGED
    assert "earlystop.dev/retry" in changed.message
    assert (found.state, found.ledger) == before


def test_a_split_is_shown_by_growth_of_both_variants_after_the_route_was_written() -> None:
    half, both = split(50, step=0), Engine([steady(RATE)])
    baseline_only = Engine([Life(NOW - 500, NOW + 999, {B: steady(RATE).rates[B], C: {}})])
    request = TemplateRequest("llm/qa", "r", 120, "Custom", TEMPLATES)
    assert split_is_shown(requests_since(both.reading(request, NOW + 60), half, Ledger(), NOW + 40))
    assert not split_is_shown(requests_since(both.reading(request, NOW + 60), half, Ledger(), NOW + 58))
    assert not split_is_shown(requests_since(baseline_only.reading(request, NOW + 60), half, Ledger(), NOW + 40))
    assert split_is_shown(
        requests_since(baseline_only.reading(request, NOW + 60), split(0, step=0), Ledger(), NOW + 40)
    )


def test_a_named_candidate_is_asked_for_and_proven_by_its_name() -> None:
    named = tracked(started(policy(CUSTOM | {"rollout": {"strategy": "ABTest", "steps": [{"weight": 50}]}})))
    request = look_request(named, SOURCES, NOW + 60)
    assert isinstance(request, TemplateRequest) and request.candidate == "w10"
    wanted, one = desired_split(named.state), TemplateRequest("llm/qa", "r", 120, "Custom", TEMPLATES)
    assert wanted is not None and wanted.in_use == {"baseline", "w10"}
    assert split_is_shown(requests_since(Engine([steady(RATE)]).reading(one, NOW + 60), wanted, Ledger(), NOW + 40))


def test_both_kinds_of_ledger_come_back_from_their_text() -> None:
    found = see(settling(), lives(), NOW + 30, NOW + 45)
    for ledger in (found.ledger, Ledger()):
        assert unpack_ledger(pack_ledger(ledger)) == ledger
