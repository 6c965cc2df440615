"""Settings of delivery mode GatewayBody: a gateway writes into bodies, by objects of its own. All are pinned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from earlystop.api.body_knobs import Api, Engine
from earlystop.api.by_headers import ByRoute
from earlystop.api.injector import InjectorSpec
from earlystop.api.values import rules

GATEWAY_PATHS = ("/v1/chat/completions",)
"""What a setting is for in this mode where a policy names no paths: a gateway's object is for requests of one API."""

WRITABLE_APIS = (Api.CHAT_COMPLETIONS, Api.RESPONSES, Api.MESSAGES)
"""APIs whose bodies agentgateway reads. Of OpenAI's old completions it knows nothing, and would take them for chat."""

ENVOY_AI_GATEWAY = (
    "gatewayBody.gateway EnvoyAIGateway: its bodyMutation overwrites a client's own value, so one that asked for less "
    "would get more, and it splits by AIGatewayRoutes of its own, which no overlay can lead to; write delivery.mode "
    "RequestBody, on an HTTPRoute to the engine's Service"
)
"""Why that gateway is refused, without a full stop."""


class GatewayBody(ByRoute):
    """A setting in the JSON body of each request, written by the gateway. An injector behind it counts by variant, and
    writes only what the gateway left out, of which it tells."""

    model_config = rules({"rule": "self.gateway != 'EnvoyAIGateway'", "message": ENVOY_AI_GATEWAY})

    gateway: Literal["AgentGateway", "EnvoyAIGateway"] = Field(
        description="Whose objects are written. AgentGateway: an AgentgatewayBackend for each variant. EnvoyAIGateway "
        "is refused, and the refusal says why."
    )
    engine: Engine = Field(
        description="Whose fields are meant: VLLM, SGLang, LlamaCpp, or OpenAI for what its API names."
    )
    injector: InjectorSpec = Field(InjectorSpec(), description="The Pods that count behind the gateway.")
