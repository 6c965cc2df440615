"""A knob that no gateway can write in whole is refused with what can be written of it instead."""

from __future__ import annotations

import pytest

from earlystop.api.gateway_body import GatewayBody
from earlystop.api.gateway_fields import gateway_refusal
from earlystop.api.parameters import Parameter

CHAT = "/v1/chat/completions"
EFFORT = {"name": "effort", "type": "Choice", "choices": ["low", "medium", "high"]}
KNOB = {"knob": "ReasoningEffort"}
ROOT = {"paths": [{"api": "ChatCompletions", "path": "reasoning_effort"}], "apply": "Always"}


def refused(body: object, gateway: str, **more: object) -> str:
    settings = GatewayBody.model_validate({"gateway": gateway, "engine": "VLLM", "routeRef": {"name": "qwen"}})
    found = gateway_refusal(settings, [Parameter.model_validate({**EFFORT, "body": body, **more})], (CHAT,))
    return "" if found is None else found.message


@pytest.mark.parametrize("gateway", ["AgentGateway", "EnvoyAIGateway"])
def test_an_effort_of_which_one_field_stands_deeper_is_offered_the_one_in_the_root_and_that_is_taken(
    gateway: str,
) -> None:
    told = refused(KNOB, gateway)
    assert "chat_template_kwargs.reasoning_effort stands deeper. Write delivery.mode RequestBody" in told
    assert "body: {paths: [{api: ChatCompletions, path: reasoning_effort}], apply: Always}" in told
    assert not refused(ROOT, gateway) and not refused(ROOT, gateway, stopsSooner="WhenLower")


def test_a_knob_without_a_field_in_the_root_is_offered_an_injector_alone() -> None:
    told = refused({"knob": "Thinking"}, "EnvoyAIGateway", type="Boolean", choices=None)
    assert told.endswith("Write delivery.mode RequestBody, whose injector writes any field.")
