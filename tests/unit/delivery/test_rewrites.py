"""A user's rule that rewrites paths: an overlay brings the server the same paths, and only those of completions."""

from __future__ import annotations

from typing import Any

import pytest

from earlystop.api.conditions import Refusal
from earlystop.delivery.overlay import rules_to_overlay
from earlystop.delivery.preflight import rendered_or_refusal
from earlystop.delivery.routes.rewrites import PathRewrite, path_rewrite, rewritten
from tests.unit.delivery.cluster import SHARE, inputs, overlay_in, prefix, rule, spec_in
from tests.unit.delivery.gateway_model import Asked, Entry, arriving_path
from tests.unit.every_row import every_row

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
PREFIX, FULL = "ReplacePrefixMatch", "ReplaceFullPath"


def rewriting(kind: str, value: str, **more: Any) -> dict[str, Any]:
    field = "replacePrefixMatch" if kind == PREFIX else "replaceFullPath"
    return {"type": "URLRewrite", "urlRewrite": {**more, "path": {"type": kind, field: value}}}


# Of the specification: a request's path, the prefix of the match, what takes its place, and the path that comes of it.
TABLE = (
    ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
    ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
    ("/foo", "/foo", "/xyz", "/xyz"),
    ("/foo/", "/foo", "/xyz", "/xyz/"),
    ("/foo/bar", "/foo", "", "/bar"),
    ("/foo/", "/foo", "", "/"),
    ("/foo", "/foo", "", "/"),
    ("/foo/", "/foo", "/", "/"),
    ("/foo", "/foo", "/", "/"),
)


@every_row(("path", "value", "instead", "comes"), TABLE)
def test_what_comes_of_a_path_is_as_the_specifications_table_says(
    path: str, value: str, instead: str, comes: str
) -> None:
    assert rewritten(path, value, instead) == comes
    users = rule(prefix(value), filters=[rewriting(PREFIX, instead)])
    assert arriving_path(Asked(("", "", 80), "", path), Entry((), prefix(value), users, {})) == comes


# Prefix of the user's match, kind and value of its rewrite, and the paths of the overlay with what comes of each.
CARRIED: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "a name before all": ("/qa", PREFIX, "/", {f"/qa{CHAT}": CHAT, f"/qa{TEXT}": TEXT}),
    "a slash at the end": ("/smart/", PREFIX, "/", {f"/smart{CHAT}": CHAT, f"/smart{TEXT}": TEXT}),
    "nothing instead": ("/qa", PREFIX, "", {f"/qa{CHAT}": CHAT, f"/qa{TEXT}": TEXT}),
    "a name for the version": ("/qa", PREFIX, "/v1", {"/qa/chat/completions": CHAT, "/qa/completions": TEXT}),
    "a name before the version": ("/llm/v1", PREFIX, "/v1", {f"/llm{CHAT}": CHAT, f"/llm{TEXT}": TEXT}),
    "a root before all": ("/", PREFIX, "/llm", {CHAT: f"/llm{CHAT}", TEXT: f"/llm{TEXT}"}),
    "one path for another": ("/ask", PREFIX, CHAT, {"/ask": CHAT}),
    "a slash that is kept or not": ("/ask", PREFIX, f"{CHAT}/", {}),
    "another endpoint": ("/embed", PREFIX, "/v1/embeddings", {}),
    "one path for all": ("/ask", FULL, CHAT, {"/ask": CHAT, f"/ask{CHAT}": CHAT, f"/ask{TEXT}": CHAT}),
    "one path of another endpoint for all": ("/embed", FULL, "/v1/embeddings", {}),
}


@every_row("name", CARRIED)
def test_each_path_of_an_overlay_comes_to_the_server_as_by_the_users_own_rule(name: str) -> None:
    value, kind, instead, expected = CARRIED[name]
    users = rule(prefix(value), filters=[rewriting(kind, instead, hostname="engine.internal")])
    found = rendered_or_refusal(inputs(users), SHARE)
    if not expected:
        assert isinstance(found, Refusal) and found.reason == "RouteWithoutPost"
        return
    assert not isinstance(found, Refusal), found
    made: dict[str, str] = {}
    for each in overlay_in(found)["spec"]["rules"]:
        assert [one["urlRewrite"]["hostname"] for one in each["filters"] if "urlRewrite" in one] == ["engine.internal"]
        assert path_rewrite(each) is not None and path_rewrite(each)[0] == FULL  # type: ignore[index]
        for match in each["matches"]:
            asked = Asked(("", "", 80), "", match["path"]["value"])
            assert match["path"]["type"] == "Exact"
            made[asked.path] = arriving_path(asked, Entry((), match, each, {}))
            assert made[asked.path] == arriving_path(asked, Entry((), prefix(value), users, {}))
    assert made == expected


@pytest.mark.parametrize("mode", ["GatewayHeader", "HeaderCohort", "Shadow", "RequestBody", "Workload"])
def test_every_mode_with_an_overlay_carries_a_replaced_prefix(mode: str) -> None:
    here = inputs(rule(prefix("/qa"), filters=[rewriting(PREFIX, "/v1")]), spec=spec_in(mode))
    assert [path_rewrite(each.rule) for each in rules_to_overlay(here)] == [
        PathRewrite(FULL, CHAT),
        PathRewrite(FULL, TEXT),
    ]
    assert not isinstance(found := rendered_or_refusal(here, SHARE), Refusal), found


def test_one_filter_makes_other_paths_of_two_prefixes_so_the_overlay_leaves_the_longer_one_what_it_has() -> None:
    """By the rule of /qa alone, /qa/v1/chat/completions would come to the server as /v1/v1/chat/completions."""
    same = [rewriting(PREFIX, "/v1")]
    here = inputs(rule(prefix("/qa"), filters=same), rule(prefix("/qa/v1"), filters=same))
    made = {
        match["path"]["value"]: path_rewrite(each.rule)
        for each in rules_to_overlay(here)
        if isinstance(each.matches, list)
        for match in each.matches
    }
    assert made == {
        "/qa/chat/completions": PathRewrite(FULL, CHAT),
        "/qa/completions": PathRewrite(FULL, TEXT),
        f"/qa{CHAT}": PathRewrite(FULL, CHAT),
        f"/qa{TEXT}": PathRewrite(FULL, TEXT),
    }


@pytest.mark.parametrize("matches", [[prefix("/a"), prefix("/b")], [{"path": {"type": "Exact", "value": "/a"}}]])
def test_a_replaced_prefix_that_is_not_one_is_refused_as_gateway_api_does(matches: list[dict[str, Any]]) -> None:
    found = rendered_or_refusal(inputs(rule(*matches, filters=[rewriting(PREFIX, "/")])), SHARE)
    assert isinstance(found, Refusal) and found.reason == "RouteRewritesPrefix"
