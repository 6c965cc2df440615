"""Whether a gateway's own objects can write a policy's parameters into bodies (mode GatewayBody), and why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from earlystop.api.body_knobs import ENDINGS, Api, Apply, BodySetting, ValueType, api_of
from earlystop.api.body_settings import body_settings, written_settings
from earlystop.api.conditions import Refusal
from earlystop.api.gateway_body import APIS_OF_ENVOY, WRITABLE_APIS, GatewayBody
from earlystop.api.parameters import Parameter

INSTEAD = "Write delivery.mode RequestBody, whose injector writes any field"
MOST_FIELDS = 16
"""Fields that a bodyMutation of Envoy AI Gateway takes, of those that it sets and of those that it removes."""


def gateway_refusal(settings: GatewayBody, parameters: Iterable[Parameter], paths: tuple[str, ...]) -> Refusal | None:
    """Why the gateway cannot write these parameters into requests to these paths, or None. Raises ValueError for
    parameters that `body_settings.body_refusal` refuses."""
    parameters = tuple(parameters)
    by_envoy = settings.gateway == "EnvoyAIGateway"
    api, apis = api_of(paths[0]), APIS_OF_ENVOY if by_envoy else WRITABLE_APIS
    whole = {f"/v1{ending}": each for ending, each in ENDINGS.items() if each in apis}
    if len(paths) != 1 or api not in apis or (by_envoy and paths[0] not in whole):
        return Refusal(
            "GatewayCannotWrite",
            f"delivery.paths {', '.join(paths)}: an {_name(settings)} writes the same fields into all requests of one "
            "object, and knows the bodies of some APIs alone, so mode GatewayBody has one path. Write "
            f"{' or '.join(whole)}.",
        )
    found = body_settings(written_settings(parameters, settings.engine))
    for each in parameters:
        setting = found.get(each.name)
        problem = "" if setting is None else problem_of(setting, api)
        if not problem and by_envoy and setting is not None:
            problem = _overwriting(each, setting, api)
        if problem:
            return Refusal(
                "GatewayCannotWrite", f"parameter {each.name}: {problem}. {INSTEAD}{_root_alone(setting, api)}."
            )
    return _too_many(found, api) if by_envoy else None


def _name(settings: GatewayBody) -> str:
    return "Envoy AI Gateway" if settings.gateway == "EnvoyAIGateway" else "agentgateway"


def problem_of(setting: BodySetting, api: Api) -> str:
    """Why no gateway can write a setting into bodies of this API, "" when it can."""
    nested = next((each.path for each in setting.fields.get(api, ()) if len(each.path) > 1), None)
    if nested is not None:
        return f"gateways set fields of the body's root alone, and {'.'.join(nested)} stands deeper"
    if setting.pattern or setting.type is ValueType.JSON:
        return "mode GatewayBody writes numbers, words and true or false, and the field holds an object"
    return ""


def _root_alone(setting: BodySetting | None, api: Api) -> str:
    """The field of the body's root that a gateway can write where others of a setting stand deeper: the end of a
    sentence, or ""."""
    fields = () if setting is None else setting.fields.get(api, ())
    roots = [each.path[0] for each in fields if len(each.path) == 1]
    if not roots or len(roots) == len(fields):
        return ""
    return (
        f"; or, where {roots[0]} alone is enough for your model and its clients, write body: {{paths: [{{api: {api}, "
        f"path: {roots[0]}}}], apply: Always}} in place of the knob"
    )


def _overwriting(parameter: Parameter, setting: BodySetting, api: Api) -> str:
    """Why a gateway that overwrites what a client wrote, and compares nothing, cannot write a parameter, or ""."""
    told = parameter.body is not None and parameter.body.apply is not None
    overwrites = "the bodyMutation of Envoy AI Gateway overwrites a client's own value in all bodies, so one that asked"
    if setting.apply is not Apply.ALWAYS:
        return f"it says apply {setting.apply}, and {overwrites} for less would get more"
    if setting.type in (ValueType.INTEGER, ValueType.DECIMAL) and not told:
        return f"{overwrites} for less would get more; where that is meant, write body.apply: Always"
    fields = setting.fields.get(api, ())
    guard = next(iter(setting.guards.get(api, ())), None)
    if guard is not None:
        return (
            f"engines refuse some of its values beside a client's {'.'.join(guard.path)}, at which Envoy AI Gateway "
            "does not look. Where no client sends that, name the field in body.paths"
        )
    if setting.where is not None or any(each.only_if or each.off_where for each in fields):
        return "it is written into some bodies and not into others, and Envoy AI Gateway writes into all"
    if any(each.by_some_models for each in fields):
        return "which field counts depends on the model, and Envoy AI Gateway leaves one field for all"
    return ""


def _too_many(settings: Mapping[str, BodySetting], api: Api) -> Refusal | None:
    aliases = sum(max(len(each.fields.get(api, ())) - 1, 0) for each in settings.values())
    if aliases <= MOST_FIELDS:
        return None
    return Refusal(
        "GatewayCannotWrite",
        f"parameters: their fields have {aliases} aliases, and a bodyMutation of Envoy AI Gateway takes {MOST_FIELDS}. "
        f"{INSTEAD}.",
    )
