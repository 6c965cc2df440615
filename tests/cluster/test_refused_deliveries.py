"""Deliveries, cohorts and ways of judging that do not fit are refused by a real API server, with what to write."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, REMOVED, Manifest, changed, policy
from tests.cluster.refusing import GRID, candidate, refusal


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


def cohort(variant: str, *values: str) -> Manifest:
    return {"variant": variant, "values": list(values)}


def in_cohorts(**changes: Any) -> Manifest:
    """The policy with its candidate w10 for a cohort of users."""
    written = {
        "routeRef": {"name": "qa"},
        "header": "X-User-Cohort",
        "cohorts": [cohort("baseline", "a"), cohort("w10", "b", "c")],
    }
    made = changed(policy(), "spec.delivery", {"mode": "HeaderCohort", "headerCohort": {**written, **changes}})
    return changed(made, "spec.rollout", {"strategy": "ABTest"})


COHORTS: dict[str, tuple[Manifest, str]] = {
    "a header of the connection": ({"header": "Transfer-Encoding"}, "Transfer-Encoding belongs to the connection"),
    "the header that names the host": ({"header": "host"}, "write a header of your own, for example x-user-cohort"),
    "a header that is none": ({"header": "x user"}, "spec.delivery.headerCohort.header in body should match"),
    "a header of the operator's": (
        {"header": "X-Early-Stop-Golden", "headerPrefix": "x-other-"},
        "X-Early-Stop-Golden is one of the headers that the overlay sets itself",
    ),
    "a header with the prefix": (
        {"header": "X-Stop-Cohort", "headerPrefix": "x-stop-"},
        "X-Stop-Cohort is one of the headers that the overlay sets itself",
    ),
    "a value in two cohorts": (
        {"cohorts": [cohort("baseline", "a", "b"), cohort("w10", "b")]},
        "headerCohort.cohorts overlap; write each value once, in the cohort of one variant",
    ),
    "a value twice in a cohort": (
        {"cohorts": [cohort("baseline", "a", "a"), cohort("w10", "b")]},
        "headerCohort.cohorts overlap",
    ),
    "two cohorts of a variant": (
        {"cohorts": [cohort("baseline", "a"), cohort("w10", "b"), cohort("w10", "c")]},
        'Duplicate value: {"variant":"w10"}',
    ),
    "a value that no header can have": (
        {"cohorts": [cohort("baseline", "a"), cohort("w10", " b")]},
        "in body should match",
    ),
    "no cohort for the baseline": (
        {"cohorts": [cohort("w10", "b"), cohort("w5", "c")]},
        "headerCohort.cohorts: write a cohort for the variant baseline",
    ),
    "no cohort for a candidate": (
        {"cohorts": [cohort("baseline", "b"), cohort("w5", "c")]},
        "headerCohort.cohorts: write a cohort for every candidate",
    ),
    "a cohort for nobody's variant": (
        {"cohorts": [cohort("baseline", "a"), cohort("w10", "b"), cohort("w5", "c")]},
        "headerCohort.cohorts: each variant is baseline or the name of a candidate",
    ),
}


@pytest.mark.parametrize(("changes", "sentence"), COHORTS.values(), ids=COHORTS.keys())
def test_cohorts_that_cannot_be_told_apart_are_refused(cluster: Cluster, changes: Manifest, sentence: str) -> None:
    assert sentence in refusal(cluster, in_cohorts(**changes))


def test_cohorts_of_a_search_are_refused(cluster: Cluster) -> None:
    wrong = changed(in_cohorts(), "spec.candidates", REMOVED)
    wrong["spec"]["search"] = GRID
    assert "HeaderCohort has a cohort for each candidate; write candidates" in refusal(cluster, wrong)


def in_bodies(**settings: Any) -> Manifest:
    """The policy with an injector of these settings."""
    made = changed(policy(), "spec.delivery", {"mode": "RequestBody", "requestBody": {"engine": "VLLM", **settings}})
    made = changed(made, "spec.objective.exactMatch.evidence", "Pairs")
    made["spec"]["parameters"] = [{**each, "body": {"knob": "AnswerCap"}} for each in made["spec"]["parameters"]]
    return made


def cohorts_in_bodies(**changes: Any) -> Manifest:
    """The policy with its candidate w10 for a cohort of users, before an injector."""
    told = {"header": "X-User-Cohort", "cohorts": [cohort("baseline", "a"), cohort("w10", "b", "c")], **changes}
    return changed(in_bodies(**BY_ROUTE, cohort=told), "spec.rollout", {"strategy": "ABTest"})


BY_ROUTE, BY_SERVICE = {"routeRef": {"name": "qa"}}, {"serviceRef": {"name": "qa", "port": 80}}
NEITHER = "needs delivery.requestBody with a routeRef, or, where no route leads to the engine, with split: Injector"
DRAWS = "requestBody.serviceRef and requestBody.userKey are for an injector that draws the variant"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, NEITHER),
        ({**BY_ROUTE, **BY_SERVICE, "split": "Injector"}, NEITHER),
        (BY_SERVICE, DRAWS),
        ({**BY_ROUTE, "userKey": {"kind": "ApiKey"}}, DRAWS),
        ({**BY_ROUTE, "split": "Injector", "userKey": {"kind": "Header"}}, "write the name of the header or cookie"),
        ({**BY_ROUTE, "split": "Injector", "userKey": {"kind": "ApiKey", "name": "x"}}, "and none with kind ApiKey"),
        ({**BY_SERVICE, "split": "Injector", "engine": "Other"}, "requestBody.engine"),
    ],
)
def test_what_does_not_go_together_of_an_injector_is_refused(
    cluster: Cluster, settings: Manifest, sentence: str
) -> None:
    assert sentence in refusal(cluster, in_bodies(**settings))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [(changes, sentence) for changes, sentence in COHORTS.values() if "headerPrefix" not in changes],
    ids=[name for name, (changes, _) in COHORTS.items() if "headerPrefix" not in changes],
)
def test_cohorts_in_bodies_are_refused_for_the_same_reasons(cluster: Cluster, changes: Manifest, sentence: str) -> None:
    assert sentence.replace("headerCohort", "requestBody.cohort") in refusal(cluster, cohorts_in_bodies(**changes))


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("spec.delivery.requestBody.split", "Injector", "requestBody.cohort: the gateway tells cohorts apart"),
        ("spec.delivery.requestBody.headerPrefix", "x-user-", "X-User-Cohort is one of the headers that the overlay"),
        ("spec.rollout.steps", [{"weight": 5}], "no share of requests in delivery.mode RequestBody with cohort;"),
        (
            "spec.rollout.strategy",
            "Canary",
            "delivery.mode RequestBody with cohort compares fixed cohorts; write rollout.strategy",
        ),
    ],
)
def test_what_does_not_go_together_with_cohorts_in_bodies_is_refused(
    cluster: Cluster, path: str, value: Any, sentence: str
) -> None:
    assert sentence in refusal(cluster, changed(cohorts_in_bodies(), path, value))


def in_shadow() -> Manifest:
    """The policy with its candidate judged on the baseline's requests."""
    made = changed(policy(), "spec.delivery", {"mode": "Shadow", "shadow": {"routeRef": {"name": "qa"}}})
    return changed(made, "spec.rollout", {"minimumSeconds": 60})


STEPS = [{"weight": 5}]
WAYS: dict[str, tuple[Manifest, str, Any, str]] = {
    "no step": (policy(), "spec.rollout.steps", [], "rollout.steps: write at least one, for example"),
    "steps in shadow": (
        in_shadow(),
        "spec.rollout.steps",
        STEPS,
        "no share of requests in delivery.mode Shadow; remove",
    ),
    "steps of cohorts": (
        in_cohorts(),
        "spec.rollout.steps",
        STEPS,
        "no share of requests in delivery.mode HeaderCohort",
    ),
    "a time without its stage": (
        policy(),
        "spec.rollout.minimumSeconds",
        60,
        "rollout.minimumSeconds belongs to a rollout without steps; write it into each step",
    ),
    "a shadow before a shadow": (
        in_shadow(),
        "spec.rollout.shadowSeconds",
        60,
        "rollout.shadowSeconds: in delivery.mode Shadow nothing comes after it; write rollout.minimumSeconds instead",
    ),
    "a shadow for longer than all": (
        policy(),
        "spec.rollout.shadowSeconds",
        90_000,
        "write a minimumSeconds below deadlineSeconds for each step, together with learnSeconds and shadowSeconds",
    ),
    "learning in shadow": (
        in_shadow(),
        "spec.rollout.learnSeconds",
        60,
        "in delivery.mode Shadow every request is compared with itself; remove it",
    ),
    "an A/A stage without cohorts": (
        policy(),
        "spec.rollout.aaSeconds",
        60,
        "rollout.aaSeconds compares cohorts of users that stay as they are, and delivery.mode HeaderCohort alone has",
    ),
    "sessions of too many looks": (
        policy(),
        "spec.objective.exactMatch",
        {"margin": "0.02", "longestSessionSeconds": 86_400},
        "write a rollout.lookSeconds of a 39th of it, or more",
    ),
    "sessions of cohorts": (
        in_cohorts(),
        "spec.objective.exactMatch",
        {"margin": "0.02", "longestSessionSeconds": 60},
        "here a user keeps a variant for the whole campaign",
    ),
    "a canary of cohorts": (
        in_cohorts(),
        "spec.rollout.strategy",
        "Canary",
        "delivery.mode HeaderCohort compares fixed cohorts; write rollout.strategy ABTest",
    ),
    "a canary of two": (
        policy(),
        "spec.candidates",
        [candidate("w10", "10"), candidate("w5", "5")],
        "rollout.strategy Canary tries one candidate; write ABTest for several at once",
    ),
    "an A/B test in steps": (
        policy(),
        "spec.rollout.strategy",
        "ABTest",
        "rollout.strategy ABTest keeps its shares: write one step, whose weight each candidate gets",
    ),
    "an A/B test that leaves nothing to the baseline": (
        changed(policy(), "spec.rollout", {"strategy": "ABTest", "steps": [{"weight": 50}]}),
        "spec.candidates",
        [candidate("w10", "10"), candidate("w5", "5")],
        "with strategy ABTest each candidate gets the weight, and the baseline the rest; write a weight that leaves",
    ),
    "a candidate that is called as the baseline": (
        policy(),
        "spec.candidates.0.name",
        "baseline",
        "the candidate name baseline has a meaning in headers and metrics; write another, for example baseline-1",
    ),
    "a candidate that is called as the incumbent of a search": (
        policy(),
        "spec.candidates.0.name",
        "incumbent",
        "the candidate name incumbent has a meaning in headers and metrics; write another, for example incumbent-1",
    ),
}


@pytest.mark.parametrize(("good", "path", "value", "sentence"), WAYS.values(), ids=WAYS.keys())
def test_a_way_of_judging_that_does_not_fit_its_delivery_is_refused_with_what_to_write(
    cluster: Cluster, good: Manifest, path: str, value: Any, sentence: str
) -> None:
    assert sentence in refusal(cluster, changed(copy.deepcopy(good), path, value))


def test_names_that_a_header_of_shadows_cannot_hold_are_refused(cluster: Cluster) -> None:
    wrong = changed(in_shadow(), "spec.candidates", [candidate("10", "10")])
    assert "rename those that begin with a digit" in refusal(cluster, wrong)


def test_policies_of_every_route_mode_are_stored(cluster: Cluster) -> None:
    create = ("create", "--dry-run=server", "--validate=strict", "--filename=-")
    several = [candidate(name, name[1:]) for name in ("w10", "w5", "w2")]
    together = {"strategy": "ABTest", "steps": [{"weight": 33}]}
    shadow = changed(in_shadow(), "spec.candidates", several)
    tests = changed(changed(policy(), "spec.candidates", several), "spec.rollout", together)
    staged = changed(policy(), "spec.rollout.shadowSeconds", 600)
    drawn = in_bodies(**BY_ROUTE, split="Injector", userKey={"kind": "Cookie", "name": "sid"})
    direct = in_bodies(**BY_SERVICE, split="Injector")
    watched_cohorts = changed(cohorts_in_bodies(), "spec.rollout.minimumSeconds", 600)
    by_injector = (in_bodies(**BY_ROUTE), drawn, direct, watched_cohorts)
    for good in (policy(), in_cohorts(), in_shadow(), shadow, tests, staged, *by_injector):
        cluster.access.kubectl(*create, input=json.dumps(good))
