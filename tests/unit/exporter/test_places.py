"""No client's headers end the counting of a campaign in use, or silence what tells of forged requests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from earlystop.api.wire import FORGED, commitment_of
from earlystop.exporter.assignment import MAX_STRATA, Assignment
from earlystop.exporter.export import Exporter
from earlystop.exporter.revisions import IDLE_SECONDS, MAX_RETIRED
from tests.unit.exporter.pages import POLICY, Clock, assignment, read, scrape, unassigned
from tests.unit.rollout.policies import examples

TOKEN = "7f" * 32


def revision(token: str, policy: str = POLICY) -> str:
    return f"0123456789-{commitment_of(policy, token)}"


def genuine(token: str = TOKEN) -> Assignment:
    return assignment(revision=revision(token), token=token)


def without_commitment(number: int) -> Assignment:
    """A client's request under a policy and a revision that it made up."""
    return Assignment(f"a/b{number}", f"x{number}", 0, "baseline")


def with_own_token(number: int, policy: str = "") -> Assignment:
    """As above, under a revision that commits to a token that the client made up, too."""
    policy, token = policy or f"a/c{number}", str(number)
    return Assignment(policy, revision(token, policy), 0, "baseline", token=token)


def serve(exporter: Exporter, request: Assignment) -> None:
    """What a server does with each request."""
    if not request.is_forged:
        exporter.register(request.policy, request.revision, request.step)
    exporter.started(request)


def counted(registry: CollectorRegistry, token: str = TOKEN) -> float:
    return sum(tally.started for tally in read(registry, revision=revision(token)).values())


def forged(registry: CollectorRegistry) -> dict[str, float]:
    return {row.labels["policy"]: row.value for row in scrape(registry) if row.labels["__name__"] == FORGED}


made_up = st.one_of(
    st.builds(without_commitment, st.integers(0, 9)),
    st.builds(with_own_token, st.integers(0, 9), st.sampled_from(["", POLICY])),
    st.just(assignment("candidate", revision=revision(TOKEN), token="wrong")),
)


@pytest.mark.slow
@examples
@given(st.lists(st.tuples(st.floats(0, IDLE_SECONDS - 1), st.lists(made_up, max_size=12)), max_size=4))
def test_whatever_clients_send_every_request_of_a_revision_used_within_ten_minutes_is_counted(
    rounds: list[tuple[float, list[Assignment]]],
) -> None:
    registry, clock = CollectorRegistry(), Clock()
    exporter = Exporter(registry, process="proc", max_revisions=3, clock=clock)
    serve(exporter, genuine())
    for pause, mix in rounds:
        clock.now += pause
        for each in mix:
            serve(exporter, each)
        serve(exporter, genuine())
    assert counted(registry) == 1 + len(rounds)


def test_sixteen_requests_without_any_token_end_no_counting(exporter: Exporter, registry: CollectorRegistry) -> None:
    serve(exporter, genuine())
    for number in range(100):
        serve(exporter, without_commitment(number))
        serve(exporter, with_own_token(number))
    for _ in range(50):
        serve(exporter, genuine())
    assert counted(registry) == 51


def test_requests_without_any_token_keep_no_later_campaign_from_being_counted_and_the_alarm_from_nobody(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    for number in range(100):
        serve(exporter, without_commitment(number))
    serve(exporter, genuine())
    for _ in range(500):
        serve(exporter, assignment("candidate", revision=revision(TOKEN), token="no"))
    assert counted(registry) == 1 and forged(registry) == {POLICY: 500}


def test_a_revision_gives_its_place_up_after_ten_minutes_without_a_counted_request(
    exporter: Exporter, registry: CollectorRegistry, clock: Clock
) -> None:
    for number in range(16):
        serve(exporter, with_own_token(number))
    clock.now = IDLE_SECONDS - 1
    serve(exporter, genuine())
    assert counted(registry) == 0
    clock.now = IDLE_SECONDS
    serve(exporter, genuine())
    assert counted(registry) == 1


def test_neither_registering_nor_feedback_nor_a_forged_request_holds_a_place(
    registry: CollectorRegistry, clock: Clock
) -> None:
    exporter = Exporter(registry, process="proc", max_revisions=1, clock=clock)
    serve(exporter, genuine())
    clock.now = IDLE_SECONDS
    exporter.register(POLICY, revision(TOKEN), 0)
    exporter.feedback(genuine(), "up")
    exporter.started(assignment(revision=revision(TOKEN), token="wrong"))
    exporter.started(assignment("w10", revision=revision(TOKEN), token=TOKEN))
    serve(exporter, genuine("another"))
    assert counted(registry, "another") == 1


def test_a_policy_leaves_the_page_with_its_last_revision_and_its_counts_go_on_when_it_comes_back(
    registry: CollectorRegistry, clock: Clock
) -> None:
    exporter = Exporter(registry, process="proc", max_revisions=1, clock=clock)
    serve(exporter, genuine())
    serve(exporter, assignment(revision=revision(TOKEN), token="wrong"))
    clock.now += IDLE_SECONDS
    serve(exporter, with_own_token(1))
    serve(exporter, assignment(revision=revision(TOKEN), token="wrong"))
    assert forged(registry) == {"a/c1": 0, "unassigned": 1} and unassigned(registry) == {"unassigned": 1}
    clock.now += IDLE_SECONDS
    serve(exporter, genuine("next"))
    serve(exporter, assignment(revision=revision("next"), token="wrong"))
    assert forged(registry) == {POLICY: 2, "unassigned": 1}
    assert unassigned(registry) == {POLICY: 2, "unassigned": 1}


def test_a_server_that_names_its_policies_gives_no_place_to_a_policy_that_a_client_made_up(
    registry: CollectorRegistry, clock: Clock
) -> None:
    exporter = Exporter(registry, process="proc", policies=[POLICY, "llm/other"], clock=clock)
    for number in range(100):
        serve(exporter, without_commitment(number))
        serve(exporter, with_own_token(number))
        serve(exporter, with_own_token(number, "llm/other"))
    assert not exporter.register("a/b", "x", 0)
    for _ in range(50):
        serve(exporter, genuine())
        serve(exporter, assignment(revision=revision(TOKEN), token="wrong"))
    assert counted(registry) == 50 and forged(registry) == {POLICY: 50, "llm/other": 0}
    assert unassigned(registry) == {"unassigned": 200, "llm/other": 84, POLICY: 50}


def test_a_named_policy_whose_requests_find_no_place_is_told_by_its_name(
    registry: CollectorRegistry, clock: Clock
) -> None:
    exporter = Exporter(registry, process="proc", policies=[POLICY], clock=clock)
    for number in range(16):
        serve(exporter, with_own_token(number, POLICY))
    serve(exporter, genuine())
    assert unassigned(registry) == {POLICY: 1}


@pytest.mark.parametrize("policies", [["qa"], ["llm/qa", "LLM/qa"], [""], "llm/qa"])
def test_a_name_that_no_policy_can_have_is_refused_with_what_to_write(policies: list[str]) -> None:
    with pytest.raises(ValueError, match="write a list of names like 'llm/qa', namespace/name"):
        Exporter(CollectorRegistry(), policies=policies)


def test_whoever_uses_up_the_memory_of_one_named_policy_leaves_the_others_theirs(
    registry: CollectorRegistry, clock: Clock
) -> None:
    exporter = Exporter(registry, process="proc", max_revisions=1, policies=[POLICY, "llm/other"], clock=clock)
    serve(exporter, genuine("first"))
    for number in range(MAX_RETIRED + 2):
        clock.now += IDLE_SECONDS
        exporter.register("llm/other", with_own_token(number, "llm/other").revision, 0)
    assert not exporter.register("llm/other", "0123456789-" + 20 * "a", 0)
    serve(exporter, genuine())
    assert counted(registry) == 1


def in_step(step: int, variant: str = "candidate", query_class: str = "default") -> Assignment:
    """A request of a guard's step."""
    return replace(genuine(), step=step, variant=variant, query_class=query_class)


def counted_in(registry: CollectorRegistry, step: int) -> float:
    started = [row for row in scrape(registry) if row.labels["__name__"] == "earlystop_requests_started_total"]
    return sum(
        row.value for row in started if row.labels["revision"] == revision(TOKEN) and row.labels["step"] == str(step)
    )


def held_of(registry: CollectorRegistry, step: int) -> float:
    """As `counted_in`, without writing the page and reading it again, which takes forty milliseconds of a full one."""
    return sum(
        row.value
        for family in registry.collect()
        for row in family.samples
        if row.name == "earlystop_requests_started_total"
        and (row.labels["revision"], row.labels["step"]) == (revision(TOKEN), str(step))
    )


@pytest.mark.slow
def test_a_campaign_that_begins_several_steps_a_day_is_counted_for_months() -> None:
    """As under a guard that follows the load, with four query classes."""
    registry, clock = CollectorRegistry(), Clock()
    exporter = Exporter(registry, process="proc", clock=clock)
    for step in range(400):
        for query_class in ("default", "a", "b", "c"):
            request = in_step(step, query_class=query_class)
            assert exporter.register(request.policy, request.revision, step, query_class)
            exporter.started(request)
        assert held_of(registry, step) == 4
        clock.now += IDLE_SECONDS
    assert counted_in(registry, 399) == held_of(registry, 399) == 4
    assert not any(unassigned(registry).values())
    assert counted_in(registry, 399 - MAX_STRATA // 4 + 1) == 4, "no step goes that has a place"


@pytest.mark.slow
def test_a_step_in_use_keeps_its_place_and_one_that_lost_it_never_comes_back() -> None:
    registry, clock = CollectorRegistry(), Clock()
    exporter = Exporter(registry, process="proc", clock=clock)
    for step in range(MAX_STRATA):
        serve(exporter, in_step(step))
    clock.now += IDLE_SECONDS - 1
    serve(exporter, in_step(0))
    serve(exporter, in_step(MAX_STRATA))
    assert counted_in(registry, MAX_STRATA) == 0, "all are in use"
    clock.now += 1
    serve(exporter, in_step(MAX_STRATA))
    assert counted_in(registry, 0) == 2 and counted_in(registry, MAX_STRATA) == 1
    assert not exporter.register(POLICY, revision(TOKEN), 1), "its series would begin again"
    serve(exporter, in_step(1))
    assert counted_in(registry, 1) == 0
    serve(exporter, in_step(2))
    assert counted_in(registry, 2) == 2


def test_no_earlier_step_takes_the_place_of_a_later_one() -> None:
    registry, clock = CollectorRegistry(), Clock()
    exporter = Exporter(registry, process="proc", clock=clock)
    for step in range(1, MAX_STRATA + 1):
        serve(exporter, in_step(step))
    clock.now += IDLE_SECONDS
    assert not exporter.register(POLICY, revision(TOKEN), 0)
    assert counted_in(registry, 1) == 1
