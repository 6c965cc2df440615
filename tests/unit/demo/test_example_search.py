"""The example of a search over two criteria fits the reference server: it can answer by each setting, and judge all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from multidict import CIMultiDict, CIMultiDictProxy

from earlystop.api.policy import PolicySpec
from earlystop.api.search_space import SearchSetting, settings_of
from earlystop.cli.files.offline_check import problems_of
from earlystop.delivery.headers import shadow_headers
from earlystop.delivery.split import ShadowSetting
from earlystop.demo.knobs import KNOBS, stop_rule
from earlystop.demo.placement import placement_of
from earlystop.demo.shadow import can_be_judged, read_shadows
from earlystop.demo.voting import StopRule

EXAMPLE = yaml.safe_load((Path(__file__).parents[3] / "manifests/examples/search-agreement.yaml").read_text())
SPEC = PolicySpec.model_validate(EXAMPLE["spec"])


def settings() -> tuple[SearchSetting, ...]:
    assert SPEC.search is not None
    return settings_of(SPEC.search, SPEC.parameters, tuple(SPEC.baseline_settings().items()))


def test_the_example_is_taken_by_an_api_server_and_by_this_release() -> None:
    assert problems_of(EXAMPLE) == []


def test_its_parameters_are_those_of_the_server_and_each_setting_makes_a_rule_of_its_own() -> None:
    assert {each.name for each in SPEC.parameters} <= KNOBS.keys()
    rules = [stop_rule(dict(each.values), StopRule()) for each in settings()]
    assert None not in rules
    assert len(set(rules)) == len(rules) == 9


def test_all_settings_fit_into_one_header_and_are_judged_on_the_baselines_samples() -> None:
    baseline = stop_rule(SPEC.baseline_settings(), StopRule())
    assert baseline == StopRule()
    (header,) = shadow_headers("x-", (ShadowSetting(each.name, each.values) for each in settings())).values()
    read = read_shadows([header], baseline)
    assert [each.variant for each in read] == [each.name for each in settings()]
    assert all(can_be_judged(each.rule, baseline, 40) for each in read)


ASSIGNED = {"policy": "llm/qa", "revision": "r1", "step": "0", "variant": "baseline", "param-window": "40"}
TWO_HUNDRED = [
    ShadowSetting(f"window-{window}-agreement-0-{part}", (("window", str(window)), ("agreement", f"0.{part}")))
    for window in range(1, 41)
    for part in range(51, 56)
]


def judged(headers: dict[str, str]) -> list[str]:
    sent = {f"x-early-stop-{name}": value for name, value in ASSIGNED.items()} | headers
    placement = placement_of(CIMultiDictProxy(CIMultiDict(sent)), "x-early-stop-", StopRule())
    assert placement.is_assigned
    return [each.variant for each in placement.shadows]


def test_a_list_that_one_header_has_no_room_for_goes_on_in_others_and_is_read_as_a_whole() -> None:
    headers = shadow_headers("x-early-stop-", TWO_HUNDRED)
    assert list(headers) == ["x-early-stop-shadow", "x-early-stop-shadow-2", "x-early-stop-shadow-3"]
    assert all(len(value) <= 4096 for value in headers.values()), "Gateway API takes no longer value"
    assert judged(headers) == [each.variant for each in TWO_HUNDRED]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_part_of_such_a_list_is_never_taken_for_the_whole(number: int) -> None:
    headers = shadow_headers("x-early-stop-", TWO_HUNDRED)
    assert judged({name: value for at, (name, value) in enumerate(headers.items(), 1) if at != number}) == []
    assert read_shadows([headers["x-early-stop-shadow"]]) == (), "nor by a server that knows of one header alone"


def test_a_further_header_that_nothing_leads_to_names_nobody() -> None:
    ours = shadow_headers("x-early-stop-", TWO_HUNDRED[:2])
    assert judged({**ours, "x-early-stop-shadow-2": "w5;window=5"}) == [each.variant for each in TWO_HUNDRED[:2]]
