"""Routes of platforms that serve models to teams: each has its overlay, for the paths that clients ask for, or the
reason against one.
"""

from __future__ import annotations

import pytest

from earlystop.api.conditions import Refusal
from tests.unit.delivery.corpus_cases import cases

FILE = "platforms"


def below(prefix: str = "") -> set[str]:
    """The paths of completions below a prefix."""
    return {f"{prefix}/v1/chat/completions", f"{prefix}/v1/completions"}


REFUSED: dict[str, tuple[str, ...]] = {
    "RouteSplitsAlready": (
        "by-path-canary/canary-new",
        "by-path-canary/canary-old",
    ),
    "RouteOverlaps": (
        "front-door/model-list",
        "families/family-claude",
        "families/family-rest",
        "reserved/gateway-plugins",
        "azure/azure-old",
        "phases/frontend",
        "forgotten/forgotten",
        "tenants/tenant-big",
        "named/named-free",
        "named/named-pro",
    ),
    "RouteTooSpecific": (
        "protocols/iris-explainer",
        "tenants/tenants",
    ),
    "RouteWithoutPost": ("protocols/iris-predictor",),
}
"""Route and backend of policies that cannot be carried out, by reason."""
LED: dict[str, set[str]] = {
    "by-path/opt": below("/team-a/opt"),
    "by-long-path/qwen3": below("/team-a/vendor/qwen3-8b"),
    "token/token-api": {"/api/v1/token", "/maas-api/v1/chat/completions", "/maas-api/v1/completions"},
    "body-granite/granite": below(),
    "body-mistral/mistral": below(),
    "outside/to-provider": {
        "/llm/gpt-4o/v1/chat/completions",
        "/llm/gpt-4o/v1/completions",
        "/v1/chat/completions",
        "/v1/completions",
    },
    "families/family-gpt": {"/v1/chat/completions"},
    "llama-router/llama": below(),
    "provider-one/one": {"/one", "/one/v1/chat/completions", "/one/v1/completions"},
    "provider-two/two": {"/two", "/two/v1/chat/completions", "/two/v1/completions"},
    "provider-three/three": {"/three"},
    "provider-four/four": {"/four/chat/completions"},
    "mock/mock": below("/v1-mock"),
    "mock/mock-docs": below("/v1-mock/docs"),
    "azure/azure-qa": {"/openai/deployments/qa/chat/completions", "/openai/deployments/qa/completions"},
    "hf-runtime/texts": {"/v1/chat/completions", "/v1/completions", "/v2/v1/chat/completions", "/v2/v1/completions"},
    "protocols/iris-texts": below("/openai"),
    "both-requests/both": below(),
    "phases/decode": below("/decode"),
    "phases/prefill": {
        "/prefill/v1/chat/completions",
        "/prefill/v1/completions",
        "/v1/chat/completions",
        "/v1/completions",
    },
    "stack/stack-metrics": {"/metrics"},
    "stack/stack-router": below(),
    "secure/secure": below(),
    "page/page": {
        "/v1/chat/completions",
        "/v1/completions",
        "/ws/socket.io/v1/chat/completions",
        "/ws/socket.io/v1/completions",
    },
    "ollama-api/ollama": below("/api"),
    "ollama-openai/ollama": below("/ollama"),
    "mirrored/mirrored": below(),
    "adapters-by-header/base": below(),
    "named-guest/guest": {"/engine/v1/completions"},
}
"""Route and backend of the others, and the paths of the overlay."""


@pytest.mark.slow
def test_each_route_of_a_platform_has_its_overlay_for_what_clients_ask_or_the_reason_against_one() -> None:
    found: dict[str, set[str] | str] = {}
    for case in cases():
        if (case.cluster.name, case.inputs.spec.delivery.mode) == (FILE, "GatewayHeader"):
            outcome = case.outcome
            rules = [] if isinstance(outcome, Refusal) else outcome["spec"]["rules"]
            paths = {match["path"]["value"] for rule in rules for match in rule["matches"]}
            name = f"{case.route['metadata']['name']}/{case.inputs.spec.target_ref.name}"
            found[name] = outcome.reason if isinstance(outcome, Refusal) else paths
    assert found == LED | {name: reason for reason, names in REFUSED.items() for name in names}
