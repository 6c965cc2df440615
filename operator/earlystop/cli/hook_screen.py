"""What `status` says of a policy's hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def hook_facts(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Whether everybody was told, in a row; nothing for a policy without hooks."""
    hooks = status.get("hooks")
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    delivered = conditions.get("HooksDelivered")
    if hooks is None or delivered is None:
        return
    if delivered["status"] == "True":
        yield "hooks", f"all is told; occurrences so far: {hooks['last']}"
    else:
        yield "hooks", f"{delivered['reason']}: {delivered['message']}"
