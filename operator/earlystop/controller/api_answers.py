"""What answers of the Kubernetes API say beside objects."""

from __future__ import annotations

import json
from typing import Any

Manifest = dict[str, Any]


def preferred_first(group: Manifest) -> list[str]:
    """The versions of a group, the preferred one first."""
    preferred = group.get("preferredVersion", {}).get("version")
    return sorted((each["version"] for each in group["versions"]), key=lambda version: version != preferred)


def message_in(data: bytes) -> str:
    """The message of a Status object; some other text for an answer of a proxy on the way."""
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return "the answer was not a Kubernetes Status"
