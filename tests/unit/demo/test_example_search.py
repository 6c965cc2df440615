"""The example of a search over two criteria fits the reference server: it can answer by each setting, and judge all."""

from __future__ import annotations

from pathlib import Path

import yaml

from earlystop.api.policy import PolicySpec
from earlystop.api.search_space import SearchSetting, settings_of
from earlystop.cli.files.offline_check import problems_of
from earlystop.delivery.headers import shadow_value
from earlystop.delivery.split import ShadowSetting
from earlystop.demo.knobs import KNOBS, stop_rule
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
    header = shadow_value(ShadowSetting(each.name, each.values) for each in settings())
    read = read_shadows([header], baseline)
    assert [each.variant for each in read] == [each.name for each in settings()]
    assert all(can_be_judged(each.rule, baseline, 40) for each in read)
