"""Policies have as many series as there is room for, in turns, and what is left out is told."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from earlystop.controller.policy_metrics.collector import LEFT_OUT, PolicyCollector
from earlystop.controller.policy_metrics.limits import expose
from earlystop.controller.policy_metrics.samples import PolicyView, Sample, samples_of
from earlystop.controller.policy_metrics.served import page_of
from tests.unit.controller.policy_metrics.views import value_of, view
from tests.unit.rollout.states import REACHED

CANARY = len(list(samples_of(view(REACHED["observing"])))) + 1


def policies(**numbers: int) -> list[PolicyView]:
    """As many policies under way in each namespace."""
    return [
        view(REACHED["observing"], namespace=namespace, name=f"p{number:03d}")
        for namespace, count in numbers.items()
        for number in range(count)
    ]


def shown(views: list[PolicyView], most_in_all: int) -> set[tuple[str, ...]]:
    samples: list[Sample] = []
    expose(views, samples.append, most_in_all=most_in_all)
    return {each.labels[:2] for each in samples}


def test_a_canary_has_some_seventy_series() -> None:
    assert 50 < CANARY < 90


def test_a_policy_keeps_its_first_series_and_says_how_many_are_left_out() -> None:
    whole = list(samples_of(view(REACHED["observing"])))
    found: list[Sample] = []
    left_out = expose(policies(a=1), found.append, most_of_one=20)
    assert [each.metric for each in found[:20]] == [each.metric for each in whole[:20]]
    assert value_of(found, "earlystop_policy_series_left_out") == len(whole) - 20
    assert left_out == 0


def test_a_namespace_with_many_policies_takes_no_room_from_another() -> None:
    found = shown(policies(crowd=50, quiet=2), most_in_all=6 * CANARY)
    assert {("quiet", "p000"), ("quiet", "p001")} <= found
    assert len(found) == 6


def test_policies_under_way_come_before_those_that_are_over() -> None:
    over = [view(REACHED["promoted"], namespace="a", name=f"old{number}") for number in range(20)]
    assert ("b", "p000") in shown([*over, *policies(b=1)], most_in_all=CANARY)


def test_a_promotion_that_a_guard_watches_comes_before_policies_that_are_over() -> None:
    over = [view(REACHED["rolled back"], namespace="a", name=f"old{number}") for number in range(20)]
    guarded = view(REACHED["promoted and guarded"], namespace="z", name="qa")
    assert shown([*over, guarded], most_in_all=len(list(samples_of(guarded))) + 1) == {("z", "qa")}


def test_what_is_left_out_is_a_metric_and_one_line_of_the_log_until_there_is_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry, collector = CollectorRegistry(), PolicyCollector(most_in_all=2 * CANARY)
    registry.register(collector)
    views = policies(a=5)
    collector.show(lambda: views)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert f"{LEFT_OUT} 3.0" in bytes(page_of(registry)).decode()
        views = policies(a=2)
        assert f"{LEFT_OUT} 0.0" in bytes(page_of(registry)).decode()
    assert [each.levelname for each in caplog.records] == ["WARNING", "INFO"]
    assert "3 policies have no metrics" in caplog.text


def test_a_policy_that_provokes_an_error_takes_its_own_metrics_away_and_no_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry, collector = CollectorRegistry(), PolicyCollector()
    registry.register(collector)
    sound, plan = view(REACHED["observing"]), REACHED["observing"].plan
    broken = replace(sound, name="broken", state=replace(REACHED["promoted"], comparisons=(), plan=plan))
    collector.show(lambda: [sound, broken])
    for _ in range(3):
        text = bytes(page_of(registry)).decode()
        assert f"{LEFT_OUT} 1.0" in text
        assert 'policy="qa"' in text and 'policy="broken"' not in text
    assert [each.levelname for each in caplog.records] == ["ERROR", "WARNING"]


def test_names_that_tenants_choose_cannot_break_the_page() -> None:
    registry, collector = CollectorRegistry(), PolicyCollector()
    registry.register(collector)
    collector.show(lambda: [view(REACHED["observing"], name='qa"} 1\nup{x="\\')])
    text = bytes(page_of(registry)).decode()
    assert 'policy="qa\\"} 1\\nup{x=\\"\\\\"' in text
    assert all(line.startswith(("#", "earlystop_")) for line in text.splitlines())
