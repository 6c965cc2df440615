"""An overlay is for the paths that a policy names, and for none that nobody asks for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from earlystop.api.policy import PolicySpec
from earlystop.delivery.gateway_header import render
from earlystop.delivery.overlay import rules_to_overlay
from earlystop.delivery.preflight import preflight
from earlystop.delivery.routes.matches import JSON_CONTENT_TYPES, narrowed
from tests.unit.delivery.cluster import SHARE, backend, exact, inputs, overlay_in, prefix, route, rule
from tests.unit.rollout.policies import policy

ELSEWHERE = [
    "/v1/responses",
    "/v1/messages",
    "/v1/embeddings",
    "/qa/v1/embeddings",
    "/v1/audio/speech",
    "/v2/rerank",
    "/v1beta/models",
    "/openai/deployments/qa",
    "/openai/deployments/qa/",
    "/api/generate",
    "/api/chat",
    "/anthropic/messages",
    "/models/gemini:generateContent",
    "/invocations",
]


def with_paths(*paths: str) -> PolicySpec:
    return policy({"delivery": {**policy().delivery.wire(), "paths": list(paths)}})


@pytest.mark.parametrize("value", ELSEWHERE)
def test_below_another_endpoint_no_path_is_made_up_and_the_policy_is_refused_with_what_to_write(value: str) -> None:
    assert narrowed(rule(prefix(value))) == []
    refusal = preflight(inputs(rule(prefix(value))), SHARE)
    assert refusal is not None and refusal.reason == "RouteWithoutPost"
    assert "another endpoint" in refusal.message and "spec.delivery.paths" in refusal.message


@pytest.mark.parametrize("value", ["/", "/v1", "/qa", "/team-a/llm", "/v1/chat", "/qa/v1", "/models/qa", "/v2"])
def test_below_a_server_its_completion_paths_are_found(value: str) -> None:
    assert narrowed(rule(prefix(value)))


def test_a_rule_for_another_endpoint_leaves_the_rules_for_completions_alone() -> None:
    here = inputs(rule(prefix("/v1/embeddings")), rule(prefix("/v1/chat")))
    assert preflight(here, SHARE) is None
    assert [each.matches for each in rules_to_overlay(here)] == [narrowed(rule(prefix("/v1/chat")))]


@pytest.mark.parametrize(
    ("value", "paths", "expected"),
    [
        ("/v1/responses", ["/v1/responses"], ["/v1/responses"]),
        ("/", ["/v1/responses", "/v1/messages"], ["/v1/responses", "/v1/messages"]),
        ("/qa", ["/v1/responses"], ["/qa/v1/responses"]),
        ("/openai/deployments/qa", ["/openai/deployments/qa/chat/completions"], None),
        ("/v1/embeddings", ["/v1/responses"], []),
    ],
)
def test_paths_that_a_policy_names_are_matched(value: str, paths: list[str], expected: list[str] | None) -> None:
    found = narrowed(rule(prefix(value)), paths=with_paths(*paths).delivery.request_paths)
    assert isinstance(found, list)
    assert [each["path"]["value"] for each in found] == (paths if expected is None else expected)


def test_the_overlay_of_a_policy_that_names_a_path_is_for_that_path_alone() -> None:
    here = inputs(spec=with_paths("/v1/responses"))
    rules = overlay_in(render(here, SHARE))["spec"]["rules"]
    assert {match["path"]["value"] for each in rules for match in each["matches"]} == {"/v1/responses"}


@pytest.mark.parametrize("path", ["v1/responses", "/", "/v1/", "//v1", "/v1?x=1", "/v1/a b", "/v1#a", "/é", ""])
def test_a_path_that_no_client_asks_for_is_refused_by_the_api(path: str) -> None:
    with pytest.raises(ValidationError):
        with_paths(path)


def test_clients_that_say_their_charset_meet_the_overlay_as_well() -> None:
    here = inputs(rule(exact("/v1/chat/completions", method="POST")))
    (found,) = rules_to_overlay(here)
    assert isinstance(found.matches, list)
    assert tuple(each["headers"][0]["value"] for each in found.matches) == JSON_CONTENT_TYPES
    assert preflight(here, SHARE) is None


def test_a_long_route_is_not_refused_for_the_charsets_of_its_clients() -> None:
    matches = [exact(f"/ask{number}", method="POST") for number in range(40)]
    assert preflight(inputs(rule(*matches)), SHARE) is None


# Drained backends


def to(*backends: dict[str, Any]) -> dict[str, Any]:
    return {"matches": [prefix("/")], "backendRefs": list(backends)}


def test_a_drained_backend_gets_no_request_from_an_overlay() -> None:
    refusal = preflight(inputs(to(backend(weight=0))), SHARE)
    assert refusal is not None and refusal.reason == "RouteDrained" and "weight 0" in refusal.message
    both = preflight(inputs(route=route(to(backend(weight=0), backend("other")))), SHARE)
    assert both is not None and both.reason == "RouteDrained"


@pytest.mark.parametrize("drained", [True, False])
def test_a_rule_that_sends_all_requests_to_the_target_splits_nothing(drained: bool) -> None:
    other = backend("other", weight=0 if drained else 1)
    for rules in ([to(backend(), other)], [to(other, backend())]):
        here = inputs(*rules)
        refusal = preflight(here, SHARE)
        assert (refusal and refusal.reason) == (None if drained else "RouteSplitsAlready")
        if drained:
            served = overlay_in(render(here, SHARE))["spec"]["rules"][-1]["backendRefs"]
            assert [each["name"] for each in served] == ["qa", "qa-es-candidate"]
