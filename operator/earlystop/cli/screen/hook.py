"""What `status` says of a policy's hooks and gates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def hook_facts(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """A row for each gate that was asked, and one that says whether everybody was told; none for a policy without
    either."""
    for gate in (status.get("gates") or {}).get("gates", []):
        yield f"gate {gate['name']}", ": ".join(filter(None, (gate["state"], gate.get("message"))))
    steps = status.get("stepGates") or {}
    for gate in steps.get("gates", []):
        said = ": ".join(filter(None, (gate["state"], gate.get("message"))))
        yield f"gate {gate['name']} before step {steps['step'] + 1}", said
    hooks = status.get("hooks")
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    delivered = conditions.get("HooksDelivered")
    if hooks is None or delivered is None:
        return
    if delivered["status"] == "True":
        yield "hooks", f"all is told; occurrences so far: {hooks['last']}"
    else:
        yield "hooks", f"{delivered['reason']}: {delivered['message']}"
