"""Which queries a preset sends, and that neither a name nor a template can make them say something else."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.api.counts import Variant
from earlystop.metrics.convention.query import counts_query
from earlystop.metrics.templates.pod_names import PodOwner
from earlystop.metrics.templates.presets import (
    PresetRequest,
    TemplateError,
    checked_templates,
    field_queries,
    queries,
)

WORKLOADS = {Variant.BASELINE: PodOwner("qa"), Variant.CANDIDATE: PodOwner("qa-es.candidate", "StatefulSet")}
REQUEST = PresetRequest("llm/qa", "r1", 90, "namespace", WORKLOADS)


def test_the_early_stop_preset_sends_the_one_query_of_the_convention() -> None:
    assert queries("EarlyStop", REQUEST) == [counts_query(["llm/qa"], ["r1"], 90, "namespace")]


def test_vllm_counts_tokens_of_finished_requests_of_each_variants_pods_in_the_policys_namespace() -> None:
    by_place = {(one.variant, one.field): one.text for one in field_queries("VLLM", REQUEST)}
    assert by_place[Variant.BASELINE, "tokens"] == (
        'vllm:request_generation_tokens_sum{pod=~"qa-[bcdfghjklmnpqrstvwxz2456789]{1,10}-'
        '[bcdfghjklmnpqrstvwxz2456789]{5}",namespace="llm"}[90s]'
    )
    candidate = by_place[Variant.CANDIDATE, "completed"]
    assert candidate.startswith('vllm:request_generation_tokens_count{pod=~"qa-es\\\\.candidate-(0|[1-9][0-9]*)"')
    assert set(by_place) == {(variant, field) for variant in Variant for field in ("completed", "tokens")}


@pytest.mark.parametrize("preset", ["VLLM", "SGLang", "EnvoyAIGateway"])
def test_every_engine_preset_asks_for_start_times_and_scrapes_too(preset: str) -> None:
    texts = queries(preset, REQUEST)
    for metric in ("process_start_time_seconds{", "up{"):
        assert sum(text.startswith(metric) for text in texts) == 2
    assert all(text.endswith("[90s]") and 'namespace="llm"' in text for text in texts)


def test_an_engine_preset_without_the_variants_workloads_is_refused() -> None:
    with pytest.raises(ValueError, match="workload of each variant"):
        queries("VLLM", PresetRequest("llm/qa", "r1", 90))


def test_an_engine_preset_whose_variants_pods_can_have_the_same_names_is_refused() -> None:
    same = {Variant.BASELINE: PodOwner("qa", "LeaderWorkerSet"), Variant.CANDIDATE: PodOwner("qa-2", "StatefulSet")}
    with pytest.raises(ValueError, match="LeaderWorkerSet qa and of StatefulSet qa-2 can have the same names"):
        queries("VLLM", PresetRequest("llm/qa", "r1", 90, workloads=same))


def test_a_custom_template_is_filled_for_each_variant() -> None:
    custom = {"tokens": 'app_tokens_total{policy="{policy}",rev="{revision}",arm="{variant}",zone=~"a|b"}'}
    texts = [one.text for one in field_queries("Custom", PresetRequest("llm/qa", "r1", 60), custom)]
    assert texts == [
        f'app_tokens_total{{policy="llm/qa",rev="r1",arm="{variant}",zone=~"a|b"}}[60s]' for variant in Variant
    ]


def test_a_custom_template_is_filled_with_the_name_of_a_named_candidate() -> None:
    request = PresetRequest("llm/qa", "r1", 60, candidate="w10")
    texts = [one.text for one in field_queries("Custom", request, {"completed": 'm{arm="{variant}"}'})]
    assert texts == ['m{arm="baseline"}[60s]', 'm{arm="w10"}[60s]']


@pytest.mark.slow
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
@settings(max_examples=200, deadline=None)
def test_no_policy_name_can_leave_its_quotes(name: str) -> None:
    custom = {"completed": 'm{policy="{policy}",arm="{variant}"}'}
    text = field_queries("Custom", PresetRequest(name, "r1", 60), custom)[0].text
    prefix, suffix = 'm{policy="', '",arm="baseline"}[60s]'
    assert text.startswith(prefix) and text.endswith(suffix)
    assert unquoted(text[len(prefix) : -len(suffix)]) == name


def unquoted(text: str) -> str:
    """What PromQL reads between double quotes; fails on a quote that would end it."""
    result, position = "", 0
    while position < len(text):
        assert text[position] not in '"\n'
        if text[position] == "\\":
            result += {"\\": "\\", '"': '"', "n": "\n"}[text[position + 1]]
            position += 2
        else:
            result += text[position]
            position += 1
    return result


@pytest.mark.parametrize(
    "template",
    [
        "",
        "m",
        'm{arm="{variant}"}[5m]',
        'rate(m{arm="{variant}"}[5m])',
        'm{arm="{variant}"} or secret',
        'm{arm="{variant}"} # }',
        "m{arm='{variant}'}",
        "m{arm={variant}}",
        '{__name__="m",arm="{variant}"}',
        'm{arm=~"{variant}.*"}',
        'm{arm="{variant}",x="\\"}',
        '{variant}{arm="{variant}"}',
        'm{arm="{variant}"} offset 5m',
        'm{arm="{variant}" x="y"}',
        'm{arm="{variant}",,x="y"}',
        'm{policy="{policy}"}',
        'm{arm="{variant}",x="{namespace}"}',
        'm{arm="{variant}",x="' + "a" * 1100 + '"}',
    ],
)
def test_a_template_that_is_more_or_less_than_one_selector_with_a_variant_is_refused(template: str) -> None:
    with pytest.raises(TemplateError, match="template for tokens"):
        checked_templates({"tokens": template})


@pytest.mark.parametrize(
    "template",
    [
        "m{" + 'a="" ' * 30 + "!",
        "m{" + 'a="" ' * 200 + "!",
        "m{" + 'a="", ' * 170,
        'm{a=""' + " " * 1000 + "!",
        "m{" + "\t" * 1000 + "x",
        'm{a="' + "\\\\" * 500,
        "m" * 1024,
    ],
)
def test_a_template_that_is_refused_takes_no_longer_than_its_length(template: str) -> None:
    begun = time.process_time()
    with pytest.raises(TemplateError):
        checked_templates({"tokens": template})
    assert time.process_time() - begun < 1, "154 characters once took 8.5 s"


@pytest.mark.parametrize("inside", ["", ' a = "x" ,\n b=~"y" , ', 'a="\\"\\\\\\n"', 'a!="x",b!~"y"'])
def test_a_selector_may_hold_blanks_escapes_every_operator_and_a_last_comma(inside: str) -> None:
    template = f'm:x{{arm="{{variant}}",{inside}}}'
    assert checked_templates({"tokens": template}) == {"tokens": template}


def test_templates_for_no_field_or_an_unknown_one_are_refused() -> None:
    with pytest.raises(TemplateError, match="no templates"):
        checked_templates({})
    with pytest.raises(TemplateError, match="no field 'smiles'"):
        checked_templates({"smiles": 'm{arm="{variant}"}'})
