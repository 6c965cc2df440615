"""The target as a promotion finds it: whether it has a setting, and what would have to be changed in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from earlystop.api.delivery import Workload
from earlystop.delivery.candidate_pods.copying import template_of
from earlystop.delivery.candidate_pods.knobs import found_value, with_value
from earlystop.delivery.inputs import Manifest

Settings = Iterable[tuple[str, str]]


def container_of(target: Manifest, name: str) -> dict[str, Any] | None:
    """A container of the target's Pods, None where it has none of this name."""
    containers = (template_of(target).get("spec") or {}).get("containers") or []
    return next((each for each in containers if each.get("name") == name), None)


def holds(target: Manifest, settings: Workload, values: Settings) -> bool:
    """Whether the target's Pod template has all of these values. A variable that it does not have is none of them."""
    container, wanted = container_of(target, settings.container), dict(values)
    return container is not None and all(
        found_value(container, each) == wanted.get(each.parameter) for each in settings.settings
    )


def promotion_message(target: str, settings: Workload, before: Settings, after: Settings) -> str:
    """What a person changes in the target's manifest so that it has the promoted values."""
    old, new = dict(before), dict(after)
    changes = [
        f"{each.knob} from {old[each.parameter]} to {new[each.parameter]}"
        for each in settings.settings
        if old[each.parameter] != new[each.parameter]
    ]
    return (
        f"To keep what was promoted, change in container {settings.container} of Deployment {target}: "
        f"{', '.join(changes)}. Then its Pods are replaced, and all requests go by your own route."
    )


def promotion_patch(target: Manifest, settings: Workload, values: Mapping[str, str]) -> Manifest:
    """A strategic merge patch of the Deployment that gives it these values; args and command are replaced whole."""
    container = container_of(target, settings.container)
    assert container is not None  # checked before
    changed = container
    for each in settings.settings:
        changed = with_value(changed, each, values[each.parameter])
    names = {each.env for each in settings.settings if each.env is not None}
    part: dict[str, Any] = {"name": settings.container}
    for words in ("command", "args"):
        if changed.get(words) != container.get(words):
            part[words] = changed[words]
    variables = [
        each for each in changed.get("env") or [] if each["name"] in names and each not in (container.get("env") or [])
    ]
    if variables:
        part["env"] = variables
    return {"spec": {"template": {"spec": {"containers": [part]}}}}
