"""Taking every candidate off an overlay route, whatever has become of what it was rendered from."""

from __future__ import annotations

from typing import Any

from earlystop.api.counts import Variant
from earlystop.api.wire import PARAMETERS, SETTING, VARIANT
from earlystop.delivery.headers import Modifier, changed, named_parameters, without_shadows
from earlystop.delivery.inputs import ClusterInputs, Manifest
from earlystop.delivery.overlay import with_rules


def all_to_baseline(inputs: ClusterInputs, route: Manifest) -> Manifest:
    """An overlay route, of any mode, that gives all requests the baseline's settings and is otherwise the same."""
    prefix = inputs.spec.delivery.header_prefix
    return with_rules(
        route, [without_shadows(_to_baseline(rule, inputs), prefix) for rule in route["spec"].get("rules", [])]
    )


def _to_baseline(rule: dict[str, Any], inputs: ClusterInputs) -> dict[str, Any]:
    """Where each backend sets headers of its own the first gets everything, since it is the baseline's; else the
    rule's headers become the baseline's."""
    backends = rule.get("backendRefs", [])
    if any("filters" in each for each in backends):
        weighed = [{**each, "weight": 0 if index else 100} for index, each in enumerate(backends)]
        return {**rule, "backendRefs": weighed}
    prefix = inputs.spec.delivery.header_prefix
    baseline = inputs.spec.baseline_settings()
    values = {f"{prefix}{SETTING}{name}": value for name, value in baseline.items()}
    unset = [name for each in inputs.spec.parameters if (name := f"{prefix}{SETTING}{each.name}") not in values]
    values |= {f"{prefix}{VARIANT}": Variant.BASELINE.value, f"{prefix}{PARAMETERS}": named_parameters(baseline)}

    def with_baseline(content: Modifier) -> Modifier:
        kept = [each for each in content.get("set", []) if each["name"] not in unset]
        removed = content.get("remove", [])
        forged = [name for name in unset if name not in removed]
        return {
            **content,
            "set": [{**each, "value": values.get(each["name"], each["value"])} for each in kept],
            **({"remove": [*removed, *forged]} if removed or forged else {}),
        }

    return changed(rule, with_baseline)
