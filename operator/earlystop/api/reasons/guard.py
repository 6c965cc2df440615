"""The reasons of guards, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType as Type
from earlystop.api.reasons.traffic import EVENT, VERDICT

_GUARDED = (Type.GUARDED.value,)
_LOAD = Type.LOAD_FOLLOWED.value

GUARD_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        (*VERDICT, *_GUARDED, Type.COMPLETED.value, EVENT),
        {
            "GuardAlarm": "After a promotion the guard showed harm, and all requests went back to the baseline; the "
            "message names what was harmed. Find out what has changed, and retry the policy to try again.",
        },
    ),
    (
        VERDICT,
        {
            "SteppedBack": "After a guard's alarm the next more careful setting that the campaign has proven "
            "serves; find out what has changed, and retry the policy to try bolder ones again.",
        },
    ),
    (
        (*_GUARDED, EVENT),
        {
            "Watching": "A guard watches over the promoted setting; nothing is to be done.",
            "GuardEnds": "The guard is taken off, as spec.guard was removed; write it again to be watched over.",
        },
    ),
    (
        (*_GUARDED, EVENT),
        {
            "GuardBlind": "The guard would not see harm, as counts cannot be read or one variant gives no answers that "
            "can be compared although requests arrive; the promoted setting stays. Put right what the message names, "
            "or the condition MetricsAvailable, or abort the campaign.",
        },
    ),
    (
        _GUARDED,
        {
            "GuardBegins": "The guard's share of requests is put in force, or answers to older ones are waited for; "
            "nothing is to be done.",
            "GuardSuspended": "The policy is suspended, so nobody watches over the promoted setting; set spec.suspend "
            "to false.",
        },
    ),
    (
        (_LOAD, EVENT),
        {
            "Busy": "The load is high, or was last, and the promoted setting serves; nothing is to be done.",
            "Quiet": "There is little load, so the next more careful proven setting serves; nothing is to be done.",
            "LoadUnknown": "How busy the servers are cannot be read, so the setting that serves goes on serving; put "
            "right the load of the MetricSource, or what the message names.",
        },
    ),
    (
        (_LOAD,),
        {
            "NothingMoreCareful": "No more careful setting is proven beside the promoted one, so that one serves "
            "whatever the load is; retry the policy with more candidates, or remove guard.whenBusy.",
            "NotCertified": "The promoted setting is not proven by this campaign, as after a promotion that a "
            "person asked for, so the load changes nothing; retry the policy.",
            "NeedsConsent": "People, or a gate, must agree to each setting before it is promoted, so the load changes "
            "nothing; remove guard.whenBusy, or what asks them.",
            "Lapsed": "The certificate has lapsed, so nothing bolder serves whatever the load is; retry the policy to "
            "have it proven anew.",
        },
    ),
    (
        (Type.ACCEPTED.value, Type.READY.value, Type.COMPLETED.value, EVENT),
        {
            "GuardUnusable": "Nothing can be compared after a promotion of this policy; remove spec.guard, or write "
            "what the message names.",
        },
    ),
)
