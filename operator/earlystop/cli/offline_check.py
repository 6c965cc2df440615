"""Whether an API server would take a policy, and this release carry it out, without asking either.

The rules are those of the CustomResourceDefinition itself, written in CEL, so that the two never differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from earlystop.api.crds import definitions
from earlystop.api.policy import PolicySpec
from earlystop.api.wire import GROUP
from earlystop.rollout.unsupported import unbuilt

POLICY_CRD = f"{GROUP}_earlystoppolicies.yaml"


def problems_of(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with a policy's manifest, one sentence each with the field that it is about; none when all is well.

    Fields come first: rules between fields that cannot be read would only repeat it.
    """
    named = manifest.get("metadata") or {}
    if not isinstance(named, dict) or not named.get("name"):
        return ["metadata.name: write a name."]
    if not isinstance(manifest.get("spec"), dict):
        return ["spec: write what the policy tries and must prove."]
    try:
        spec = PolicySpec.model_validate(manifest["spec"])
    except ValidationError as error:
        return [_sentence(each) for each in error.errors()]
    written = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    broken = list(dict.fromkeys(_broken_rules(_schema(), written, "spec")))
    if broken:
        return broken
    refusal = unbuilt(spec)
    return [] if refusal is None else [refusal.message]


def _sentence(error: Any) -> str:
    where = ".".join(str(part) for part in ("spec", *error["loc"]))
    given = error.get("input")
    if error["type"] == "string_type" and isinstance(given, int | float):
        return f'{where}: numbers are written as text here; write "{given}", with the quotes.'
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no such field. Look for a typing error."
    if error["type"] == "missing":
        return f"{where}: this field is needed."
    return f"{where}: {error['msg']}."


def _schema() -> dict[str, Any]:
    version = definitions()[POLICY_CRD]["spec"]["versions"][0]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def _broken_rules(schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
    """The messages of the rules of a schema, and of what is below it, that a value breaks."""
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" not in rule["rule"] and not _holds(rule["rule"], value):
            yield f"{where}: {rule['message']}."
    if isinstance(value, dict):
        for name, below in schema.get("properties", {}).items():
            if name in value:
                yield from _broken_rules(below, value[name], f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            yield from _broken_rules(schema["items"], each, f"{where}.{number}")


def _holds(rule: str, value: Any) -> bool:
    import cel

    context = cel.Context({"self": value})
    # The functions that Kubernetes adds to the language, as far as the rules use them.
    context.add_function("lowerAscii", str.lower)
    context.add_function("isSorted", lambda numbers: list(numbers) == sorted(numbers))
    return cel.evaluate(rule, context) is True
