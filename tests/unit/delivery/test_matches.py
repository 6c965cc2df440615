"""Matches of the overlay: stricter than the user's, and only for what the user's route sends to the target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from earlystop.api.conditions import Refusal
from earlystop.delivery.gateway_header import render
from earlystop.delivery.preflight import preflight
from earlystop.delivery.routes.matches import narrowed
from tests.unit.delivery.cluster import SHARE, exact, header, inputs, overlay_in, prefix, rule
from tests.unit.delivery.gateway_api import Request, winner
from tests.unit.delivery.route_rules import BETA, CHAT, PLAIN, REQUESTS, rules_of_routes
from tests.unit.rollout.policies import examples

JSON = header("content-type", "application/json")


def post(path: str, **more: Any) -> dict[str, Any]:
    return {"path": {"type": "Exact", "value": path}, "method": "POST", **more}


TABLE: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "everything": ({}, [post(CHAT), post(PLAIN)]),
    "no path": (rule({"headers": [BETA]}), [post(CHAT, headers=[BETA]), post(PLAIN, headers=[BETA])]),
    "root": (rule(prefix("/")), [post(CHAT), post(PLAIN)]),
    "version": (rule(prefix("/v1")), [post(CHAT), post(PLAIN)]),
    "version with slash": (rule(prefix("/v1/")), [post(CHAT), post(PLAIN)]),
    "chat": (rule(prefix("/v1/chat")), [post(CHAT)]),
    "completions": (rule(prefix(PLAIN)), [post(PLAIN)]),
    "base path": (rule(prefix("/qa")), [post("/qa" + CHAT), post("/qa" + PLAIN)]),
    "base path with version": (rule(prefix("/qa/v1")), [post("/qa" + CHAT), post("/qa" + PLAIN)]),
    "base path with chat": (rule(prefix("/qa/v1/chat")), [post("/qa" + CHAT)]),
    "a path that only begins alike": (rule(prefix("/v1/c")), [post("/v1/c" + CHAT), post("/v1/c" + PLAIN)]),
    "exact": (rule(exact(CHAT)), [post(CHAT)]),
    "exact of a path of its own": (rule(exact("/ask")), [post("/ask")]),
    "exact with method": (rule(exact(CHAT, method="POST")), [post(CHAT, headers=[JSON])]),
    "exact with method and header": (
        rule(exact(CHAT, method="POST", headers=[BETA])),
        [post(CHAT, headers=[BETA, JSON])],
    ),
    "get": (rule(prefix("/", method="GET")), []),
    "get and the rest": (rule(prefix("/", method="GET"), exact(PLAIN)), [post(PLAIN)]),
    "query": (
        rule(exact(PLAIN, queryParams=[header("v", "2")])),
        [post(PLAIN, queryParams=[header("v", "2")])],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_users_rule_is_narrowed_to_its_completion_requests(name: str) -> None:
    users, expected = TABLE[name]
    assert narrowed(users) == expected


@pytest.mark.parametrize("name", sorted(name for name, (_, expected) in TABLE.items() if expected))
def test_an_overlay_wins_over_the_older_route_that_it_was_made_from(name: str) -> None:
    users, overlay = TABLE[name]
    for match in overlay:
        asked = {each["name"]: each["value"] for each in match.get("headers", [])}
        query = {each["name"]: each["value"] for each in match.get("queryParams", [])}
        request = Request(match["path"]["value"], headers={"content-type": "application/json", **asked}, query=query)
        assert winner(request, [users]) is users
        stricter = {"matches": overlay}
        assert winner(request, [users], [stricter]) is stricter


@pytest.mark.parametrize(
    "match",
    [
        {"path": {"type": "RegularExpression", "value": "/v./.*"}},
        exact(CHAT, method="POST", headers=[JSON]),
        exact(CHAT, method="POST", headers=[header("Content-Type", "text/.*", "RegularExpression")]),
    ],
)
def test_a_match_that_cannot_be_made_stricter_is_refused_with_what_to_write(match: dict[str, Any]) -> None:
    found = narrowed(rule(match))
    assert isinstance(found, Refusal)
    assert found.reason == "RouteTooSpecific" and "Write it as" in found.message


# Requests that the user's route sends elsewhere stay there.

OVERLAPS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "two prefixes whose order depends on whether a slash at the end counts": (
        [rule(prefix("/v1/", headers=[BETA]), timeouts={"request": "9s"}), rule(prefix("/v1", method="POST"))],
        "refused",
    ),
    "a longer path that goes elsewhere": ([rule(), rule(prefix(PLAIN), to="other")], "kept"),
    "an exact path that goes elsewhere": ([rule(prefix("/v1")), rule(exact(CHAT), to="other")], "kept"),
    "a header that goes elsewhere": ([rule(), rule(prefix("/", headers=[BETA]), to="other")], "refused"),
    "a method that goes elsewhere": ([rule(), rule(prefix("/", method="POST"), to="other")], "refused"),
    "a regular expression that goes elsewhere": (
        [rule(), rule({"path": {"type": "RegularExpression", "value": "/v1/c.*"}}, to="other")],
        "refused",
    ),
    "headers that tell tenants apart": (
        [
            rule(prefix("/", headers=[header("tenant", "a")])),
            rule(prefix("/", headers=[header("Tenant", "b")]), to="other"),
        ],
        "kept",
    ),
    "a header of the target alone": ([rule(prefix("/", headers=[BETA])), rule(to="other")], "kept"),
    "another path": ([rule(), rule(prefix("/metrics"), to="other")], "kept"),
    "the same match later": ([rule(), rule(to="other")], "kept"),
    "two rules of the target": ([rule(), rule(prefix("/v1/chat"), timeouts={"request": "9s"})], "kept"),
    "a query that goes elsewhere": (
        [rule(), rule(prefix("/v1", queryParams=[header("v", "2")]), to="other")],
        "refused",
    ),
    "gets that go elsewhere": ([rule(), rule(prefix("/v1", method="GET"), to="other")], "kept"),
}


@pytest.mark.parametrize("name", OVERLAPS)
def test_requests_of_other_rules_stay_theirs_or_the_route_is_refused(name: str) -> None:
    rules, expected = OVERLAPS[name]
    here = inputs(*rules)
    refusal = preflight(here, SHARE)
    if expected == "refused":
        assert refusal is not None
        assert refusal.reason in ("RouteOverlaps", "RouteTooSpecific", "RouteWithoutPost")
        return
    assert refusal is None
    _stays_where_it_went(rules, overlay_in(render(here, SHARE))["spec"]["rules"])


def _stays_where_it_went(users: list[dict[str, Any]], overlay: list[dict[str, Any]]) -> None:
    for request in REQUESTS:
        before, after = winner(request, users), winner(request, users, overlay)
        if before is not after:
            assert before is not None and after is not None
            assert after["backendRefs"][0]["name"] == before["backendRefs"][0]["name"] == "qa"
            assert after.get("timeouts") == before.get("timeouts")


@pytest.mark.slow
@examples
@given(rules_of_routes)
def test_whatever_the_users_rules_no_request_is_led_elsewhere(rules: list[dict[str, Any]]) -> None:
    here = inputs(*rules)
    if preflight(here, SHARE) is not None:
        return
    overlay = overlay_in(render(here, SHARE))["spec"]["rules"]
    for request in REQUESTS:
        before, after = winner(request, rules), winner(request, rules, overlay)
        names = [found and found["backendRefs"][0]["name"] for found in (before, after)]
        assert names[0] == names[1], request
