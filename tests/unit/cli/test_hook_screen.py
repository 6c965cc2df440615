"""`status` says whether hooks were told, and why not."""

from __future__ import annotations

from typing import Any

from earlystop.cli.screen.hook import hook_facts


def status(verdict: str, reason: str, message: str) -> dict[str, Any]:
    condition = {"type": "HooksDelivered", "status": verdict, "reason": reason, "message": message}
    return {"hooks": {"last": 3}, "conditions": [condition]}


def test_a_policy_without_hooks_has_no_row() -> None:
    assert list(hook_facts({"conditions": []})) == []


def test_what_could_not_be_told_is_said_with_its_reason() -> None:
    ((_, told),) = hook_facts(status("True", "HooksDelivered", "All was told."))
    ((_, untold),) = hook_facts(status("False", "HookGivenUp", "Hook ci: an occurrence was given up."))
    assert told == "all is told; occurrences so far: 3"
    assert untold == "HookGivenUp: Hook ci: an occurrence was given up."
