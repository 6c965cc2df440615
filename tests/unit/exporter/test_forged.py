"""Whatever headers a client sends, nothing counts under a revision but requests with the token that it commits to."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from earlystop.api.wire import (
    COMMITMENT_CHARACTERS,
    FORGED,
    IN_FORCE_MARK,
    commitment_in,
    commitment_of,
    is_genuine,
    is_signed,
    signed_nonce,
)
from earlystop.exporter.assignment import Assignment, Shadow
from earlystop.exporter.export import Exporter
from tests.unit.exporter.pages import POLICY, assignment, read, scrape, unassigned
from tests.unit.rollout.policies import examples

TOKEN, OTHER = "7f" * 32, "a0" * 32
PROTECTED = f"0123456789-{commitment_of(POLICY, TOKEN)}"
OF_ANOTHER_CAMPAIGN = f"9876543210-{commitment_of(POLICY, OTHER)}"

tokens = st.one_of(
    st.sampled_from([TOKEN, OTHER, "", TOKEN.upper(), TOKEN[:-1], TOKEN + "0", commitment_of(POLICY, TOKEN)]),
    st.text(max_size=80),
)
revisions = st.one_of(
    st.sampled_from([PROTECTED, OF_ANOTHER_CAMPAIGN, "0123456789", PROTECTED.upper(), f"{PROTECTED}x"]),
    st.text(alphabet=string.ascii_lowercase + string.digits + "-", min_size=1, max_size=40),
)
requests = st.builds(
    Assignment,
    st.sampled_from([POLICY, "llm/other", "qa"]),
    revisions,
    st.sampled_from([0, 1, 7]),
    st.sampled_from(["baseline", "candidate", "w10"]),
    st.sampled_from(["default", "hard"]),
    tokens,
)


def genuine(**changes: object) -> Assignment:
    fields: dict[str, object] = {"revision": PROTECTED, "token": TOKEN, **changes}
    return assignment("baseline", **fields)


def forged(registry: CollectorRegistry) -> dict[str, float]:
    """Forged requests by policy, as a scraper reads them."""
    return {row.labels["policy"]: row.value for row in scrape(registry) if row.labels["__name__"] == FORGED}


@pytest.mark.slow
@examples
@given(st.lists(requests, max_size=12))
def test_whatever_headers_come_no_more_is_counted_than_requests_with_the_right_token(mix: list[Assignment]) -> None:
    registry = CollectorRegistry()
    exporter = Exporter(registry)
    for revision in (PROTECTED, OF_ANOTHER_CAMPAIGN):
        exporter.register(POLICY, revision, 0)
    for each in mix:
        exporter.started(each)
        exporter.completed(each, 9, "match", [Shadow("candidate", 3, "match")])
        exporter.pair(each, "both")
        exporter.feedback(each, "up")
    for revision, token in ((PROTECTED, TOKEN), (OF_ANOTHER_CAMPAIGN, OTHER)):
        right = sum((each.policy, each.revision, each.token) == (POLICY, revision, token) for each in mix)
        rows = read(registry, revision=revision).values()
        for field in ("started", "completed", "match", "feedback_up", "pairs_both"):
            # A shadow is one more answer and one more pair of a genuine request.
            assert sum(getattr(row, field) for row in rows) <= 2 * right, field
        if not right:
            assert not any(any(row.row()) for row in rows)


@pytest.mark.parametrize(
    "token", ["", OTHER, TOKEN[:-1], TOKEN + " ", TOKEN.upper(), "\udce9", commitment_in(PROTECTED)]
)
def test_a_request_without_the_token_is_forged_and_counts_as_unassigned(
    exporter: Exporter, registry: CollectorRegistry, token: str
) -> None:
    exporter.register(POLICY, PROTECTED, 0)
    request = genuine(token=token)
    assert request.is_forged
    exporter.started(request)
    exporter.completed(request, 12, "match")
    exporter.failed(request)
    assert not exporter.pair(request, "both") and not exporter.feedback(request, "down")
    assert not any(any(tally.row()) for tally in read(registry, revision=PROTECTED).values())
    assert unassigned(registry) == {POLICY: 1} == forged(registry)


def test_a_request_with_the_token_counts_and_the_token_is_on_no_page_and_in_no_repr(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, PROTECTED, 0)
    exporter.started(genuine())
    exporter.started(genuine(token=OTHER))
    exporter.completed(genuine(), 12, "match")
    assert sum(tally.completed for tally in read(registry, revision=PROTECTED).values()) == 1
    page = generate_latest(registry).decode()
    assert TOKEN not in page and OTHER not in page and TOKEN not in repr(genuine())


def test_a_token_of_an_earlier_campaign_or_of_another_policy_is_worth_nothing() -> None:
    assert is_genuine(POLICY, PROTECTED, TOKEN)
    assert not is_genuine(POLICY, OF_ANOTHER_CAMPAIGN, TOKEN)
    assert not is_genuine("llm/other", PROTECTED, TOKEN)


@pytest.mark.parametrize("revision", ["r1", "0123456789", "unassigned", "0123456789-short", "my-revision", ""])
def test_revisions_of_earlier_releases_need_no_token(
    exporter: Exporter, registry: CollectorRegistry, revision: str
) -> None:
    assert not assignment(revision=revision).is_forged
    exporter.register(POLICY, revision, 0)
    exporter.started(assignment(revision=revision))
    assert forged(registry) == {}


def test_an_evaluator_counts_what_it_asked_itself_without_any_token(registry: CollectorRegistry) -> None:
    exporter = Exporter(registry, process="proc", demands_token=False)
    asked = genuine(token="")
    exporter.register(POLICY, PROTECTED, 0)
    exporter.evaluated(asked, 12, "match")
    assert exporter.pair(asked, "both") and forged(registry) == {POLICY: 0}
    assert sum(tally.match for tally in read(registry, revision=PROTECTED).values()) == 1


def test_forged_policies_cannot_make_the_page_grow(exporter: Exporter, registry: CollectorRegistry) -> None:
    for number in range(50):
        policy, own = f"llm/p{number}", str(number)
        exporter.started(Assignment(policy, f"0123456789-{commitment_of(policy, own)}", 0, "baseline", token="wrong"))
    assert forged(registry) == {"unassigned": 50}


def test_a_fork_counts_forged_requests_from_0(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, PROTECTED, 0)
    exporter.started(genuine(token=""))
    exporter._begin_anew()
    assert forged(registry) == {POLICY: 0}


def test_a_commitment_has_100_bits() -> None:
    alphabet = set(string.ascii_lowercase + "234567")
    found = {commitment_of(POLICY, str(number)) for number in range(500)}
    assert len(found) == 500 and all(len(each) == COMMITMENT_CHARACTERS == 20 for each in found)
    assert set().union(*found) == alphabet


@examples
@given(st.text(max_size=40), st.text(max_size=20))
def test_only_who_knows_the_token_makes_a_nonce_that_a_server_answers(client: str, text: str) -> None:
    nonce = signed_nonce(TOKEN, text)
    assert is_signed(TOKEN, nonce) and is_signed(TOKEN, nonce + IN_FORCE_MARK)
    assert not is_signed(OTHER, nonce) and not is_signed("", nonce)
    assert client == nonce or not is_signed(TOKEN, client + IN_FORCE_MARK)
