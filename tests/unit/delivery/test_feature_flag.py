"""A flag of flagd that holds the settings: its shape, what it evaluates to, and whose it is."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from earlystop.api.conditions import Refusal
from earlystop.delivery.feature_flag import MODE
from earlystop.delivery.inputs import ClusterInputs
from earlystop.delivery.preflight import rendered_or_refusal
from earlystop.exporter.export import Exporter
from earlystop.exporter.flag_settings import FlagSettings
from earlystop.exporter.flag_value import document_of
from tests.unit.delivery.cluster import deployment, split
from tests.unit.delivery.flagd_model import evaluated
from tests.unit.exporter.pages import read, scrape, unassigned
from tests.unit.rollout.policies import policy

OTHER = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


def here(flags: dict[str, Any] | None = None, labels: dict[str, str] | None = None) -> ClusterInputs:
    """A policy that delivers by a flag of an object which holds these flags."""
    spec = policy({"delivery": {"mode": "FeatureFlag", "gatewayHeader": None, "featureFlag": {"name": "qa-flags"}}})
    inputs = ClusterInputs(namespace="llm", policy="qa", uid="uid-1", spec=spec).with_objects([deployment()])
    metadata = {"name": "qa-flags", "labels": {"earlystop.dev/settings": "true"} if labels is None else labels}
    found = {"kind": "FeatureFlag", "metadata": metadata, "spec": {"flagSpec": {"flags": flags or {"other": OTHER}}}}
    return inputs.with_objects([found])


def flag_of(*weights: int) -> dict[str, Any]:
    found = rendered_or_refusal(here(), split(*weights))
    assert not isinstance(found, Refusal)
    (made,) = found.objects
    flags = made["spec"]["flagSpec"]["flags"]
    assert list(flags) == ["earlystop"]
    return dict(json.loads(json.dumps(flags["earlystop"])))


def settings_of(flag: dict[str, Any]) -> tuple[CollectorRegistry, Exporter, FlagSettings]:
    registry = CollectorRegistry()
    exporter = Exporter(registry, process="proc")
    return registry, exporter, FlagSettings(lambda key: evaluated(flag, key), "llm/qa", exporter)


@pytest.mark.parametrize("weights", [(5,), (25,), (10, 20), (0, 50, 30)])
def test_a_flag_has_the_fields_that_its_definition_asks_for_and_says_all_of_the_settings(
    weights: tuple[int, ...],
) -> None:
    flag = flag_of(*weights)
    assert flag["state"] == "ENABLED" and flag["defaultVariant"] == "baseline" in flag["variants"]
    ranges = flag["targeting"]["fractional"][1:]
    assert {variant for variant, _ in ranges} <= flag["variants"].keys()
    assert all(isinstance(weight, int) and weight > 0 for _, weight in ranges)
    document = document_of(flag["variants"])
    assert document.weights == tuple((each.variant, each.weight) for each in split(*weights).variants)
    assert MODE.proof(here(), split(*weights), MODE.render(here(), split(*weights))).digest == document.digest


@pytest.mark.parametrize(("weight", "variant"), [(0, "baseline"), (100, "candidate")])
def test_where_one_variant_gets_all_requests_no_rule_is_needed(weight: int, variant: str) -> None:
    flag = flag_of(weight)
    assert not flag["targeting"] and flag["defaultVariant"] == variant


def test_an_evaluation_gives_each_variant_its_share_and_counts_by_it() -> None:
    registry, exporter, settings = settings_of(flag_of(30))
    chosen = Counter[str]()
    for number in range(2000):
        choice = settings.choose(request=str(number))
        exporter.started(choice.assignment)
        chosen[choice.assignment.variant] += 1
        assert choice.values["window"] == {"baseline": "40", "candidate": "10"}[choice.assignment.variant]
    assert 500 < chosen["candidate"] < 700
    counted = {key.variant: tally.started for key, tally in read(registry, revision=split(30).revision).items()}
    assert counted == dict(chosen)


def test_a_process_without_requests_reports_its_settings_at_a_scrape() -> None:
    registry, _, _ = settings_of(flag := flag_of(30))
    (row,) = [each for each in scrape(registry) if each.labels["__name__"] == "earlystop_settings_info"]
    assert row.labels["digest"] == document_of(flag["variants"]).digest


@pytest.mark.parametrize(
    ("value", "fault"),
    [({}, "absent"), (None, "absent"), ("on", "malformed"), ({"kind": "FlagSettings"}, "malformed")],
)
def test_an_evaluation_that_gives_nothing_of_the_operators_leaves_the_servers_own_setting(
    value: object, fault: str
) -> None:
    registry = CollectorRegistry()
    exporter = Exporter(registry, process="proc")
    settings = FlagSettings(lambda _: value, "llm/qa", exporter)
    choice = settings.choose(user="anna")
    exporter.started(choice.assignment)
    assert dict(choice.values) == {} and unassigned(registry) == {"unassigned": 1.0}
    assert [each.labels["fault"] for each in scrape(registry) if "fault" in each.labels] == [fault]


def test_a_client_that_fails_fails_no_request() -> None:
    def evaluate(_: str) -> object:
        raise ConnectionError

    settings = FlagSettings(evaluate, "llm/qa", Exporter(CollectorRegistry()))
    assert not settings.choose().is_assigned


def test_the_settings_of_another_policy_are_not_served() -> None:
    _, _, settings = settings_of(flag_of(30))
    other = FlagSettings(lambda key: evaluated(flag_of(30), key), "llm/other", Exporter(CollectorRegistry()))
    assert settings.choose().is_assigned and not other.choose().is_assigned


def test_users_keep_their_variant_where_the_flag_says_so() -> None:
    flag = flag_of(50)
    for value in flag["variants"].values():
        value["drawnBy"] = "User"
    _, _, settings = settings_of(flag)
    chosen = {settings.choose(user="anna", request=str(number)).assignment for number in range(30)}
    assert len(chosen) == 1 and next(iter(chosen)).user == "anna"


@pytest.mark.parametrize("weights", [(5,), (95,), (100,), (0,), (10, 80)])
def test_where_users_are_drawn_who_is_not_known_gets_the_baseline_and_counts_as_unassigned(
    weights: tuple[int, ...],
) -> None:
    for number in range(20):
        revised = replace(document_of(flag_of(*weights)["variants"]), revision=f"r{number}", drawn_by="User", digest="")
        (flag,) = MODE.fields("earlystop", revised)["spec"]["flagSpec"]["flags"].values()
        _, _, settings = settings_of(json.loads(json.dumps(flag)))
        for user in (None, "", " "):
            choice = settings.choose(user=user)
            assert (choice.values["window"], choice.is_assigned) == ("40", False)
        assert settings.choose(user="anna").is_assigned


def test_a_rule_that_gives_a_candidate_to_who_is_not_known_is_not_followed() -> None:
    flag = flag_of(100)
    for value in flag["variants"].values():
        value["drawnBy"] = "User"
    _, _, settings = settings_of(flag)
    assert (dict(settings.choose().values), settings.choose().is_assigned) == ({}, False)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (
            replace(here(), objects=ClusterInputs("llm", "qa", "u", here().spec).with_objects([deployment()]).objects),
            "SettingsObjectNotFound",
        ),
        (here(labels={}), "SettingsNotAllowed"),
        (here({"earlystop": OTHER}), "SettingsKeyTaken"),
        (here({"earlystop": {"state": "ENABLED"}}), "SettingsKeyTaken"),
    ],
)
def test_what_is_not_the_policys_to_write_is_refused(inputs: ClusterInputs, reason: str) -> None:
    found = rendered_or_refusal(inputs, split(5))
    assert isinstance(found, Refusal) and found.reason == reason


def test_of_a_deleted_policy_all_requests_get_the_baseline_and_other_flags_are_not_touched() -> None:
    found = here({"earlystop": flag_of(30), "other": OTHER}).own("FeatureFlag", "qa-flags")
    assert found is not None
    part = MODE.without_candidates(found, "uid-1")
    assert part is not None and list(part["spec"]["flagSpec"]["flags"]) == ["earlystop"]
    flag = part["spec"]["flagSpec"]["flags"]["earlystop"]
    assert document_of(flag["variants"]).weights == (("baseline", 100), ("candidate", 0)) and not flag["targeting"]
    assert MODE.without_candidates({**found, **part}, "uid-1") is None
    assert MODE.without_candidates(found, "uid-2") is None
