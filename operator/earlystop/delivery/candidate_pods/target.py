"""The target as a promotion finds it: whether it has a setting, and what would have to be changed in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from earlystop.api.delivery import Workload, WorkloadSetting
from earlystop.api.wire import MANAGER
from earlystop.delivery.candidate_pods.copying import template_of
from earlystop.delivery.candidate_pods.knobs import WORDS, found_value, with_value
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.rendered import FieldApply

Settings = Iterable[tuple[str, str]]
# Of a field manager's name, as the API server bounds it.
LONGEST_MANAGER = 128


def container_of(target: Manifest, name: str) -> dict[str, Any] | None:
    """A container of the target's Pods, None where it has none of this name."""
    containers = (template_of(target).get("spec") or {}).get("containers") or []
    return next((each for each in containers if each.get("name") == name), None)


def holds(target: Manifest, settings: Workload, before: Settings, values: Settings) -> bool:
    """Whether the target's Pod template has all of these values. before: the baseline's, which are those of variables
    that it does not have."""
    return container_of(target, settings.container) is not None and not _differing(target, settings, before, values)


def _differing(target: Manifest, settings: Workload, before: Settings, values: Settings) -> list[WorkloadSetting]:
    """The settings of which the target has another value than these."""
    container, old, wanted = container_of(target, settings.container), dict(before), dict(values)
    assert container is not None  # checked before
    differing = []
    for each in settings.settings:
        found = found_value(container, each)
        if (old[each.parameter] if found is None else found) != wanted[each.parameter]:
            differing.append(each)
    return differing


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


def promotion_applies(
    target: Manifest, settings: Workload, before: Settings, values: Settings
) -> tuple[FieldApply, ...]:
    """What to apply so that the target has these values, one field each; none of what it has already. before: as for
    `holds`."""
    container, wanted = container_of(target, settings.container), dict(values)
    assert container is not None  # checked before
    applies = []
    for each in _differing(target, settings, before, values):
        value = wanted[each.parameter]
        changed = with_value(container, each, value)
        if each.env is not None:
            part: dict[str, Any] = {"env": [{"name": each.env, "value": value}]}
        else:
            part = {words: changed[words] for words in WORDS if changed.get(words) != container.get(words)}
        manager = f"{MANAGER}/{settings.container}/{each.knob}"[:LONGEST_MANAGER]
        applies.append(FieldApply(manager, _with_one_container(target, {"name": settings.container, **part})))
    return tuple(applies)


def _with_one_container(target: Manifest, container: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {name: target["metadata"][name] for name in ("name", "namespace")},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
