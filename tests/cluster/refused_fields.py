"""Values that no field of a policy takes, whatever the rest of it says."""

from __future__ import annotations

from typing import Any

FIELDS: dict[str, tuple[str, Any]] = {
    "text where a whole number belongs": ("spec.rollout.lookSeconds", "5"),
    "a fraction where a whole number belongs": ("spec.rollout.lookSeconds", 5.5),
    "a whole number with a decimal point": ("spec.rollout.lookSeconds", 5.0),
    "a truth value where a whole number belongs": ("spec.rollout.lookSeconds", True),
    "text where a truth value belongs": ("spec.suspend", "true"),
    "a truth value where text belongs": ("spec.objective.exactMatch.margin", True),
    "a whole number where text belongs": ("spec.baseline.values.0.value", 40),
    "text where a list belongs": ("spec.candidates", "w10"),
    "text where fields belong": ("spec.objective", "0.02"),
    "an item of a list that has no fields": ("spec.rollout.steps.0", 5),
    "null for what may be left out": ("spec.search", None),
    "null for what has a default": ("spec.rollout.lookSeconds", None),
    "an item of a list that is null": ("spec.rollout.steps.0", None),
    "null for a field that is not there": ("spec.serach", None),
    "null for what is needed": ("spec.targetRef.name", None),
    "an empty list": ("spec.candidates", []),
    "an empty name": ("spec.targetRef.name", ""),
    "a name that is too long": ("spec.candidates.0.name", "w" * 64),
    "a name in capitals": ("metadata.name", "QA"),
    "a name with a line break": ("spec.candidates.0.name", "w10\n"),
    "a margin in percent": ("spec.objective.exactMatch.margin", "2%"),
    "a margin with a decimal comma": ("spec.objective.exactMatch.margin", "0,02"),
    "a margin that ends in a line break": ("spec.objective.exactMatch.margin", "0.02\n"),
    "a field beside the spec": ("specs", {}),
    "two paths that are one": ("spec.delivery.paths", ["/a", "/a"]),
    "a path twice under another name": ("spec.delivery.paths", ["/v1/completions", "/v1/chat/completions"]),
    "a path with half an escape": ("spec.delivery.paths", ["/v1/%zz"]),
    "a policy that is right": ("spec.suspend", False),
}
"""Mistakes in the form of one field, and some that are none: the path that is changed, and its value."""
