"""The reasons of hooks; `every.py` gathers all reasons for the page for users."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType
from earlystop.api.reasons.traffic import EVENT

_DELIVERED = ConditionType.HOOKS_DELIVERED.value

HOOK_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        (ConditionType.JOBS_SUCCEEDED.value, EVENT),
        {
            "JobRunning": "A hook's Job runs; wait.",
            "JobSucceeded": "A hook's Job has succeeded; nothing is to be done.",
            "JobFailed": "A hook's Job has failed, which holds no rollout; look at its log.",
        },
    ),
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
            "JobTemplateRefused": "A hook's CronJob does not allow Jobs to be made from it, or asks for more than they "
            "may have; ask its owner to change what the message names.",
            "JobNotMade": "A hook's Job could not be made, which is tried again; ask the cluster's admin for what the "
            "message names.",
            "HookGivenUp": "A receiver did not take what a hook tells for as long as its HookTarget says, so it is "
            "tried no more; look for it in the policy's status, events and verdicts.",
        },
    ),
)
