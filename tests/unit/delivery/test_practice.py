"""Routes in the forms of later reports, and of what charts and controllers of model servers write: each has the right
answer, an overlay or the reason against one.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from earlystop.api.conditions import Refusal
from earlystop.delivery.routes.precedence import beginning_of_expression, may_take_post
from tests.unit.delivery.corpus_cases import cases
from tests.unit.every_row import every_row

FILE = "practice"
REFUSED: dict[str, tuple[str, ...]] = {
    "RouteTooSpecific": ("profiles", "perform-all", "perform-v1", "either-case", "single-path", "llama-predictor"),
    "RouteOverlaps": ("first-come", "second-come", "upper-case", "cookies", "rest-of-both", "adapter-law", "adapters"),
    "RouteMissesTarget": ("outside",),
    "RouteWithoutPost": ("verbs-stream",),
    "RouteDrained": ("shared-canary", "smart-canary", "drained-a", "drained-b"),
    "RouteSplitsAlready": (
        "shared-other",
        "shared-stable",
        "exp-baseline",
        "exp-canary",
        "exp-stable",
        "filters-one",
        "filters-two",
    ),
    "RouteManaged": ("owned-app", "owned-app-canary", "derived"),
    "SessionPersistence": ("retried",),
}
"""Names of the backends whose policies cannot be carried out on these routes, by reason."""
LED = (
    "stripped",
    "smart-stable",
    "granite",
    "users",
    "named-target",
    "at-443",
    "exact-slash",
    "slash-only",
    "verbs",
    "verbs-ui",
    "both-ways",
    "cookies-canary",
    "long-answers",
    "behind-https",
    "llama2-7b",
    "qwen",
    "awake",
    "tools",
    "path-or-header",
    "maas-api",
    "chat-page",
    "ollama",
    "ollama-native",
    "generate",
    "engine",
    "engine-status",
    "llama-transformer",
    "streaming",
    "two-gateways",
    "sticky-node",
)
"""Names of the backends before which an overlay may stand."""


@pytest.mark.slow
def test_each_route_in_the_form_of_a_report_has_its_overlay_or_the_reason_against_one() -> None:
    outcomes = {
        case.inputs.spec.target_ref.name: case.outcome
        for case in cases()
        if case.cluster.name == FILE and case.inputs.spec.delivery.mode == "GatewayHeader"
    }
    found = {name: each.reason if isinstance(each, Refusal) else "" for name, each in outcomes.items()}
    expected = {name: reason for reason, names in REFUSED.items() for name in names} | dict.fromkeys(LED, "")
    assert found == expected


CHAT = "/v1/chat/completions"
EXPRESSIONS: dict[str, tuple[str, bool]] = {
    "/user/[0-9]+": ("/user/", False),
    "^/openai/.*$": ("/openai/", False),
    "/.*": ("/", True),
    "/v1.*": ("/v1", True),
    "/V1/.*": ("/V1/", True),
    "/v1/chatx?/.*": ("/v1/chat", True),
    "/v1/chatx*/.*": ("/v1/chat", True),
    "/v1/audio{0,1}/.*": ("/v1/audi", False),
    "/x+v1": ("/", True),
    "chat": ("chat", True),
    "[/]v1": ("", True),
    "/a|/v1": ("", True),
    "(?i)/USER": ("", True),
    "/user\\.json": ("/user", False),
    "": ("", True),
    "~/v2": ("", True),
    "/:version/chat/completions": ("/", True),
    "/v1/%63hat": ("/v1/", True),
    "^^/v2": ("", True),
    "/v2{0}/.*": ("/v", True),
    "/v1//?chat": ("/v1/", True),
    "\\Q/v2\\E": ("", True),
}
"""Expressions of paths, how what they are found in begins, and whether chat completions may be among it."""


@every_row("name", EXPRESSIONS)
def test_an_expression_takes_no_completions_where_their_path_lacks_what_it_begins_with(name: str) -> None:
    begins, takes = EXPRESSIONS[name]
    assert beginning_of_expression(name) == begins
    assert may_take_post({"path": {"type": "RegularExpression", "value": name}}, CHAT) is takes


PARTS = ("/", "v1", "V1", "chat", "s", "-", "*", "+", "?", "{0}", "{,2}", "|", "(", ")", "(?:", "[", "]", "^", "$", ".")
MORE_PARTS = ("\\", "\\d", "\\b", "{", "}", "#", " ", "(?i)", "(?x)")
PATHS = (CHAT, CHAT.upper(), "/v1", "chat", "/v1/-/s", "")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@given(st.lists(st.sampled_from(PARTS + MORE_PARTS), max_size=7).map("".join))
@settings(max_examples=300)
def test_whatever_an_expression_is_found_in_holds_what_it_begins_with(expression: str) -> None:
    try:
        found = re.compile(expression, re.IGNORECASE)
    except re.error:
        assume(False)
    for path in PATHS:
        assert not found.search(path) or beginning_of_expression(expression).lower() in path.lower()
