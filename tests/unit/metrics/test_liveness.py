"""Silence is not absence: targets of the kind that counters came from before show whether a policy's servers live."""

from __future__ import annotations

import pytest

from earlystop.metrics.liveness import (
    KnownTarget,
    Labels,
    LivenessQuestion,
    Scrape,
    newest_scrape,
    scrapes_of,
    scrapes_query,
    workload_of,
)
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure

AT, SEEN = 100_000, 60_000
BOTH = ("baseline", "candidate")


def target(pod: str = "qa-5d8f6c7b9d-x2x4z", instance: str = "10.0.0.1:8080", **more: str) -> Labels:
    labels = {"job": "qa", "instance": instance, "namespace": "llm", "pod": pod, **more}
    return tuple((name, labels[name]) for name in ("job", "instance", "namespace", "pod") if labels[name])


OLD = target()
NEW = target("qa-6b7c8d9f5c-abcde", "10.0.0.7:8080")
OTHER = target("chat-6b7c8d9f5c-abcde", "10.0.0.9:8080")


def known(*targets: Labels, variants: tuple[str, ...] = BOTH, counted: bool = True) -> tuple[KnownTarget, ...]:
    return tuple(KnownTarget(variant, labels, SEEN, counted) for labels in targets for variant in variants)


def scrape(labels: Labels, up: bool = True, age: float = 3, began_at: float | None = None) -> Scrape:
    return Scrape(labels, up, AT - age, began_at)


def asked(*targets: KnownTarget, variants: tuple[str, ...] = BOTH) -> LivenessQuestion:
    return LivenessQuestion("llm/qa", "qa", variants, targets, AT, 50.0)


def message(found: float | MetricsFailure | None) -> str:
    assert isinstance(found, MetricsFailure) and found.kind is FailureKind.STALE, found
    return found.message


def test_servers_that_were_all_restarted_and_had_no_request_are_alive() -> None:
    question = asked(*known(OLD))
    assert newest_scrape(question, [scrape(NEW, began_at=SEEN + 5)]) == AT - 3
    assert newest_scrape(question, [scrape(NEW)]) == AT - 3, "a server need not say when it began"


def test_a_container_that_was_restarted_in_its_pod_is_alive() -> None:
    assert newest_scrape(asked(*known(OLD)), [scrape(OLD, began_at=SEEN + 5)]) == AT - 3


def test_targets_that_are_gone_are_named() -> None:
    said = message(newest_scrape(asked(*known(OLD)), [scrape(OTHER)]))
    assert "qa-5d8f6c7b9d-x2x4z 10.0.0.1:8080 job qa is gone" in said and "llm/qa is too old" in said


def test_a_target_that_does_not_answer_is_down_and_one_that_nobody_asks_is_only_no_longer_scraped() -> None:
    """After an outage of the source itself no target was asked, which is no fault of theirs."""
    named = "the target qa-6b7c8d9f5c-abcde 10.0.0.7:8080 job qa is"
    for silent, how in (
        (scrape(NEW, up=False), "down"),
        (scrape(NEW, up=False, age=51), "no longer scraped"),
        (scrape(NEW, age=51), "no longer scraped"),
        (scrape(NEW, age=float("nan")), "no longer scraped"),
    ):
        said = message(newest_scrape(asked(*known(OLD)), [silent, scrape(OTHER)]))
        assert f"{named} {how};" in said, said
        assert "where that was away itself, its next scrapes end this" in said
    both = message(newest_scrape(asked(*known(OLD)), [scrape(OLD, up=False), scrape(NEW, age=51)]))
    assert f"qa-5d8f6c7b9d-x2x4z 10.0.0.1:8080 job qa is down, and {named} no longer scraped;" in both


def test_one_living_target_of_a_kind_is_enough_since_each_serves_both_variants() -> None:
    assert newest_scrape(asked(*known(OLD)), [scrape(OLD, up=False), scrape(NEW)]) == AT - 3


def test_of_two_variants_in_pods_of_their_own_the_one_that_is_gone_is_named() -> None:
    fast = target("qa-fast-5d8f6c7b9d-zzzzz", "10.0.0.5:8080")
    targets = known(OLD, variants=("baseline",)) + known(fast, variants=("candidate",))
    said = message(newest_scrape(asked(*targets), [scrape(OLD)]))
    assert "variant candidate, is too old" in said and "qa-fast-5d8f6c7b9d-zzzzz" in said
    assert newest_scrape(asked(*targets, variants=("baseline",)), [scrape(OLD)]) == AT - 3, "it is not expected"
    assert newest_scrape(asked(*targets), [scrape(OLD), scrape(fast, age=9)]) == AT - 3


def test_a_process_that_goes_on_without_the_counters_that_it_had_is_not_silent_but_broken() -> None:
    said = message(newest_scrape(asked(*known(OLD)), [scrape(OLD, began_at=SEEN - 5000), scrape(NEW)]))
    assert "process goes on" in said and "no longer there" in said
    earlier = known(OLD, counted=False)
    assert newest_scrape(asked(*earlier), [scrape(OLD, began_at=SEEN - 5000)]) == AT - 3, "an earlier campaign's"


def test_a_policy_that_was_never_counted_is_alive_by_the_pods_of_its_deployment_in_its_namespace() -> None:
    assert newest_scrape(asked(), [scrape(NEW)]) == AT - 3
    assert newest_scrape(asked(), [scrape(OTHER)]) is None
    elsewhere = tuple((name, "evil" if name == "namespace" else text) for name, text in NEW)
    assert newest_scrape(asked(), [scrape(elsewhere)]) is None
    assert "is down" in message(newest_scrape(asked(), [scrape(NEW, up=False)]))


def test_the_names_in_a_message_are_few_short_and_printable() -> None:
    targets = known(*(target(f"qa-5d8f6c7b9d-x2x4{n}", "\x1b[31m" + "x" * 500) for n in range(9)))
    said = message(newest_scrape(asked(*targets), []))
    assert "and 6 more" in said and said.isprintable() and len(said) < 600


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("qa-5d8f6c7b9d-x2x4z", "qa"),
        ("qa-fast-5d8f6c7b9d-x2x4z", "qa-fast"),
        ("qa-0", "qa"),
        ("qa-x2x4z", "qa"),
        ("qa-candidate-x2x4z", "qa-candidate"),
    ],
)
def test_pods_of_one_workload_are_known_by_its_name(pod: str, workload: str) -> None:
    assert workload_of(pod) == workload


def test_one_query_asks_for_the_jobs_and_namespaces_of_all_policies_and_for_no_other() -> None:
    questions = [
        asked(*known(OLD)),
        LivenessQuestion("b/x", "x.y", BOTH, (), AT, 50.0),
    ]
    text = scrapes_query(questions, "namespace")
    assert 'up{job=~"qa",namespace=~"b|llm"}' in text
    assert 'up{pod=~"(x\\\\.y)-.+",namespace=~"b|llm"}' in text
    assert scrapes_query([asked(*known(OLD))]).count("max by") == 3
    assert scrapes_query([]) == ""


def test_an_answer_is_read_as_a_target_a_row_whatever_else_stands_in_it() -> None:
    labels = dict(NEW)
    samples = [
        Sample({**labels, "reading": "up"}, 1),
        Sample({**labels, "reading": "scraped_at"}, 99.0),
        Sample({**labels, "reading": "began_at"}, 7.0),
        Sample({**dict(OLD), "reading": "began_at"}, 7.0),
    ]
    names_in_order = scrapes_of(samples)
    assert [(dict(each.labels), each.up, each.scraped_at, each.began_at) for each in names_in_order] == [
        (labels, True, 99.0, 7.0)
    ]
