"""The reasons of hooks; `reasons` has the others, and the page for users."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType
from earlystop.api.traffic_reasons import EVENT

_DELIVERED = ConditionType.HOOKS_DELIVERED.value

HOOK_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        (_DELIVERED,),
        {
            "HooksDelivered": "All that happened so far was told by every hook.",
            "HooksWaiting": "Something happened just now, and hooks are about to tell it; wait.",
        },
    ),
    (
        (_DELIVERED, EVENT),
        {
            "HookTargetNotFound": "A hook names a HookTarget that is not there; ask the cluster's admin to create it, "
            "or name another one.",
            "HookTargetForbidden": "A hook names a HookTarget that takes nothing from the policy's namespace; ask the "
            "cluster's admin to add it there.",
            "HookTargetUnusable": "The address, a key or a certificate of a HookTarget cannot be used, or not be read; "
            "ask the cluster's admin to fix what the message names.",
            "HookNotDelivered": "A receiver did not take what a hook tells, which is tried again in order; look at the "
            "receiver.",
            "HookGivenUp": "A receiver did not take what a hook tells for as long as its HookTarget says, so it is "
            "tried no more; look for it in the policy's status, events and verdicts.",
        },
    ),
)
