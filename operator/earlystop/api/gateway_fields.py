"""Whether a gateway's own objects can write a policy's parameters into bodies (mode GatewayBody), and why not."""

from __future__ import annotations

from collections.abc import Iterable

from earlystop.api.body_knobs import ENDINGS, Api, BodySetting, ValueType, api_of
from earlystop.api.body_settings import body_settings, written_settings
from earlystop.api.conditions import Refusal
from earlystop.api.gateway_body import ENVOY_AI_GATEWAY, WRITABLE_APIS, GatewayBody
from earlystop.api.parameters import Parameter

INSTEAD = "Write delivery.mode RequestBody, whose injector writes any field"


def gateway_refusal(settings: GatewayBody, parameters: Iterable[Parameter], paths: tuple[str, ...]) -> Refusal | None:
    """Why the gateway cannot write these parameters into requests to these paths, or None. Raises ValueError for
    parameters that `body_settings.body_refusal` refuses."""
    if settings.gateway == "EnvoyAIGateway":
        return Refusal("GatewayCannotWrite", f"{ENVOY_AI_GATEWAY}.")
    api = api_of(paths[0])
    if len(paths) != 1 or api not in WRITABLE_APIS:
        known = " or ".join(f"/v1{ending}" for ending, each in ENDINGS.items() if each in WRITABLE_APIS)
        return Refusal(
            "GatewayCannotWrite",
            f"delivery.paths {', '.join(paths)}: an agentgateway writes the same fields into all requests of one "
            f"object, and knows the bodies of some APIs alone, so mode GatewayBody has one path. Write {known}.",
        )
    for name, setting in body_settings(written_settings(parameters, settings.engine)).items():
        problem = problem_of(setting, api)
        if problem:
            return Refusal("GatewayCannotWrite", f"parameter {name}: {problem}. {INSTEAD}.")
    return None


def problem_of(setting: BodySetting, api: Api) -> str:
    """Why an agentgateway cannot write a setting into bodies of this API, "" when it can."""
    nested = next((each.path for each in setting.fields.get(api, ()) if len(each.path) > 1), None)
    if nested is not None:
        return f"an agentgateway sets fields of the body's root alone, and {'.'.join(nested)} stands deeper"
    if setting.pattern or setting.type is ValueType.JSON:
        return "mode GatewayBody writes numbers, words and true or false, and the field holds an object"
    return ""
