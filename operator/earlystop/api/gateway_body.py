"""Settings of delivery mode GatewayBody: a gateway writes into bodies, by objects of its own. All are pinned."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from earlystop.api.body_knobs import Api, Engine
from earlystop.api.by_headers import ByRoute
from earlystop.api.injector import InjectorSpec

GATEWAY_PATHS = ("/v1/chat/completions",)
"""What a setting is for in this mode where a policy names no paths: a gateway's object is for requests of one API."""

WRITABLE_APIS = (Api.CHAT_COMPLETIONS, Api.RESPONSES, Api.MESSAGES)
"""APIs whose bodies agentgateway reads. Of OpenAI's old completions it knows nothing, and would take them for chat."""

APIS_OF_ENVOY = (Api.CHAT_COMPLETIONS, Api.COMPLETIONS, Api.RESPONSES)
"""APIs whose bodies Envoy AI Gateway reads at the path that an engine has. For Messages it has a path of its own."""


class GatewayBody(ByRoute):
    """A setting in the JSON body of each request, written by the gateway. An injector behind it counts by variant, and
    writes only what the gateway left out, of which it tells."""

    gateway: Literal["AgentGateway", "EnvoyAIGateway"] = Field(
        description="Whose objects are written. AgentGateway: an AgentgatewayBackend for each variant. EnvoyAIGateway: "
        "an AIServiceBackend for each variant, with an AIGatewayRoute that leads to it; it overwrites what a client "
        "wrote, so a parameter that is a number needs body.apply: Always."
    )
    engine: Engine = Field(
        description="Whose fields are meant: VLLM, SGLang, LlamaCpp, or OpenAI for what its API names."
    )
    injector: InjectorSpec = Field(InjectorSpec(), description="The Pods that count behind the gateway.")
