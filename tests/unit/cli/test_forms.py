"""A text of the wrong form, and a field in the wrong place, are answered with what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.api.schema import structural_schema
from earlystop.api.values import DECIMAL_PATTERN, SETTING_PATTERN
from earlystop.cli.files.forms import FORMS, what_to_write
from earlystop.cli.files.offline_check import problems_of
from tests.cluster.objects import changed, policy

WORDED_ELSEWHERE = {DECIMAL_PATTERN, SETTING_PATTERN}
"""Patterns whose sentences `offline_check` makes from the number that was given."""


def patterns(schema: dict[str, Any]) -> Iterator[str]:
    if "pattern" in schema:
        yield schema["pattern"]
    for below in schema.get("properties", {}).values():
        yield from patterns(below)
    if "items" in schema:
        yield from patterns(schema["items"])


def test_no_field_of_a_policy_is_answered_with_a_regular_expression() -> None:
    assert set(patterns(structural_schema(PolicySpec))) == set(FORMS) | WORDED_ELSEWHERE


@pytest.mark.parametrize("pattern", sorted(FORMS))
def test_the_example_in_the_words_has_the_form(pattern: str) -> None:
    example = FORMS[pattern].words.rpartition(", as ")[2]
    assert re.fullmatch(pattern, example), example


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("spec.delivery.paths", ["v1/chat/completions"], 'write "/v1/chat/completions".'),
        ("spec.delivery.paths", ["/v1/chat/completions/"], 'write "/v1/chat/completions".'),
        ("spec.delivery.paths", ["/v1?x"], "write a path from its first slash on, as /v1/chat/completions."),
        ("spec.candidates.0.name", "Cap_1024", 'write "cap-1024".'),
        ("spec.candidates.0.name", "ä", "write small letters, digits and hyphens, as cap-512."),
        ("spec.candidates.0.values.0.name", "max_tokens", "write the name of a parameter."),
        ("spec.delivery.gatewayHeader.headerPrefix", "X-Stop", 'write "x-stop-".'),
        ("spec.delivery.gatewayHeader.routeRef.name", "llm/qa", "write the name alone,"),
        ("spec.savings", {"price": {"perMillionTokens": "1", "currency": "eur"}}, 'write "EUR".'),
    ],
)
def test_a_text_of_the_wrong_form_is_answered_with_the_right_one(path: str, value: Any, said: str) -> None:
    (problem,) = problems_of(changed(policy(), path, value))
    assert said in problem


def test_a_value_that_is_sent_to_a_server_is_never_guessed() -> None:
    sent = [pattern for pattern in FORMS if re.fullmatch(pattern, "Very.Low")]
    assert all(FORMS[pattern].mended is None for pattern in sent)


@pytest.mark.parametrize("text", ["", " ", "/", "-", "ä"])
@pytest.mark.parametrize("pattern", sorted(FORMS))
def test_what_is_offered_always_has_the_form(pattern: str, text: str) -> None:
    said = what_to_write(pattern, text)
    assert said == FORMS[pattern].words or re.fullmatch(pattern, said.strip('"'))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("spec.steps", "write it in rollout."),
        ("spec.deadlineSeconds", "write it in rollout."),
        ("spec.delivery.routeRef", "write it in gatewayHeader or headerCohort or requestBody or gatewayBody or shadow"),
        ("spec.rollout.deadline", "perhaps deadlineSeconds is meant."),
        ("spec.rollout.margin", "onNoMetrics"),
        ("spec.rollout.stepz", "perhaps steps is meant."),
        ("spec.metrics.longestAnswer", "there are sourceRef, preset, crossCheck; spec.objective.tokens has one."),
        ("spec.metrics.prometheus", "there are sourceRef, preset, crossCheck."),
    ],
)
def test_a_field_in_the_wrong_place_is_led_to_its_own(path: str, said: str) -> None:
    (problem,) = problems_of(changed(policy(), path, "x"))
    assert problem.startswith(f"{path}: there is no such field; ") and said in problem
