"""Groups of users on the metrics page: the same user is in the same group everywhere, and nobody's name is told."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from earlystop.api.wire import BY_USER_GROUP, USER_GROUPS, commitment_of, user_group
from earlystop.exporter.export import Exporter
from earlystop.exporter.request_headers import assigned
from earlystop.exporter.revisions import IDLE_SECONDS
from tests.unit.exporter.pages import POLICY, REVISION, Clock, assignment, scrape

Groups = Counter[tuple[str, str, str]]
"""Counts by variant, group and event."""


def groups(registry: CollectorRegistry) -> Groups:
    found: Groups = Counter()
    for sample in scrape(registry):
        if sample.labels["__name__"] == BY_USER_GROUP:
            labels = sample.labels
            found[labels["variant"], labels["user_group"], labels["event"]] += int(sample.value)
    return found


def counting(process: str) -> tuple[Exporter, CollectorRegistry]:
    registry = CollectorRegistry()
    exporter = Exporter(registry, process=process)
    exporter.register(POLICY, REVISION, 0)
    return exporter, registry


def ask(exporter: Exporter, user: str, result: str) -> None:
    told = assignment("candidate", user=user)
    exporter.started(told)
    if result == "failed":
        exporter.failed(told)
    else:
        exporter.completed(told, 7, result)


requests = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from("abcdefgh"), st.sampled_from(["match", "mismatch", "failed"])),
    max_size=30,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(requests)
def test_groups_of_several_processes_and_starts_add_up_to_those_of_a_single_one(
    asked: list[tuple[int, str, str]],
) -> None:
    several = [counting(f"start-{number}") for number in range(3)]
    alone, page = counting("alone")
    for number, user, result in asked:
        ask(several[number][0], user, result)
        ask(alone, user, result)
    together: Groups = Counter()
    for _, registry in several:
        together += groups(registry)
    assert together == groups(page)


def test_all_that_befalls_a_user_counts_for_one_group(exporter: Exporter, registry: CollectorRegistry) -> None:
    exporter.register(POLICY, REVISION, 0)
    for result in ("match", "match", "mismatch", "unscored", "failed"):
        ask(exporter, "alice", result)
    assert exporter.feedback(assignment("candidate", user="alice"), "down")
    assert exporter.feedback(assignment("candidate", user="alice"), "up")
    group = str(user_group(POLICY, REVISION, "", "alice"))
    expected = {"match": 2, "mismatch": 1, "unscored": 1, "failed": 1, "tokens": 28, "feedback_down": 1, "completed": 4}
    assert groups(registry) == {("candidate", group, event): count for event, count in expected.items()}


def test_an_answer_that_nobody_tried_to_score_is_one_of_its_users_answers(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0)
    exporter.completed(assignment("candidate", user="alice"), 7, None)
    group = str(user_group(POLICY, REVISION, "", "alice"))
    assert groups(registry) == {("candidate", group, "tokens"): 7, ("candidate", group, "completed"): 1}


def test_a_server_that_knows_no_users_has_no_groups_and_requests_without_a_name_are_one_users(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0)
    exporter.completed(assignment("candidate"), 1, "match")
    assert groups(registry) == {}
    for _ in range(5):
        ask(exporter, "", "match")
    assert list(groups(registry).values()) == [5, 35, 5]


def test_a_forged_request_counts_for_no_group() -> None:
    registry = CollectorRegistry()
    exporter, revision = Exporter(registry), f"0123456789-{commitment_of(POLICY, 'secret')}"
    exporter.register(POLICY, revision, 0)
    for token in ("guessed", "secret"):
        exporter.completed(assignment(revision=revision, token=token, user="alice"), 1, "match")
    assert sum(count for (_, _, event), count in groups(registry).items() if event == "match") == 1


def test_nobody_is_named_on_the_page_nor_in_what_is_printed_of_a_request(
    exporter: Exporter, registry: CollectorRegistry
) -> None:
    exporter.register(POLICY, REVISION, 0)
    ask(exporter, "alice@example.com", "match")
    assert "alice" not in generate_latest(registry).decode()
    assert "alice" not in repr(assignment(user="alice@example.com"))


@pytest.mark.parametrize(
    ("names", "user"), [(["alice"], "alice"), ([], ""), (["alice", "bob"], "")], ids=["one", "none", "two"]
)
def test_who_asks_is_read_from_the_header_that_the_server_names(names: list[str], user: str) -> None:
    headers = {f"p-{name}": ["0" if name == "step" else "x"] for name in ("policy", "revision", "step", "variant")}
    headers["x-user"] = names
    found = assigned(lambda name: headers.get(name, []), [], "p-", "x-user").assignment
    assert (found.user, assigned(lambda name: headers.get(name, []), [], "p-").assignment.user) == (user, None)


def test_a_users_group_tells_nothing_about_it_in_another_campaign() -> None:
    users = [f"user-{number}" for number in range(400)]
    for policy, revision, token in (("llm/other", "r1", "t"), (POLICY, "r2", "t"), (POLICY, "r1", "u")):
        same = sum(user_group(POLICY, "r1", "t", user) == user_group(policy, revision, token, user) for user in users)
        assert same < 3 * len(users) / USER_GROUPS


def test_users_are_spread_evenly_over_the_groups() -> None:
    sizes = Counter(user_group(POLICY, REVISION, "t", f"user-{number}") for number in range(3200))
    assert len(sizes) == USER_GROUPS and min(sizes.values()) > 60 and max(sizes.values()) < 145


def test_an_evicted_revision_takes_its_groups_with_it(registry: CollectorRegistry, clock: Clock) -> None:
    exporter = Exporter(registry, max_revisions=1, clock=clock)
    exporter.register(POLICY, REVISION, 0)
    ask(exporter, "alice", "match")
    clock.now = IDLE_SECONDS
    exporter.register(POLICY, "r2", 0)
    assert groups(registry) == {}
