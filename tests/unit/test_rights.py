"""A right that the chart grants and no test used is found, and so is an explanation that is needed no more."""

from __future__ import annotations

import json
from typing import Any

from tests.cluster.rights import NOT_SEEN, OPERATOR, RARE, Right, granted, unexplained, used

GET = Right("earlystop.dev", "earlystoppolicies", "get")
WRITE = Right("earlystop.dev", "earlystoppolicies/status", "update")
READ_SECRET = Right("", "secrets", "get")


def line(right: Right, *, user: str = OPERATOR, code: int = 200) -> str:
    """A line of an audit log in which this right was used, or refused."""
    resource, _, subresource = right.resource.partition("/")
    target = {"resource": resource, "apiGroup": right.group, "subresource": subresource}
    event: dict[str, Any] = {"verb": right.verb, "user": {"username": user}, "objectRef": target}
    return json.dumps({**event, "responseStatus": {"code": code}})


def test_what_the_operator_asked_for_is_used_but_what_it_was_refused_or_others_asked_for_is_not() -> None:
    nothing = json.dumps({"verb": "get", "user": {"username": OPERATOR}, "requestURI": "/apis"})
    log = [line(GET), line(WRITE, code=409), line(READ_SECRET, code=403), line(READ_SECRET, user="admin"), nothing]
    assert used(log) == {GET, WRITE}


def test_a_superfluous_right_and_an_explanation_that_is_outdated_are_named() -> None:
    role = {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]}
    given = granted([role]) | NOT_SEEN.keys() | RARE.keys()
    assert unexplained(given, {READ_SECRET}) == [
        "list secrets is granted, and no test used it: take it out of the chart"
    ]
    seen, (explained, *_) = {READ_SECRET, Right("", "secrets", "list")}, sorted(NOT_SEEN)
    assert unexplained(given, seen) == []
    (outdated,) = unexplained(given, seen | {explained})
    assert f"{explained.verb} {explained.resource}.{explained.group} needs no explanation any more" in outdated
    (outdated,) = unexplained(given - {explained}, seen)
    assert "take it out of this module" in outdated
