"""The reasons of policies whose candidates have Pods of their own, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from earlystop.api.reasons.traffic import PREFLIGHT, TRAFFIC, TRAFFIC_FAULT, VERDICT

_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "WorkloadsNotAllowed": "The operator may run no Deployments in this namespace; ask the cluster's admin to add "
        "it to the chart's workload.namespaces.",
        "SettingNotAllowed": "The target's owner does not let policies set this argument or variable; ask for the "
        "annotation that the message names.",
        "SettingNotFound": "The container has no such argument; write it there with the baseline's value.",
        "SettingNotDecimal": "The argument or variable has a value that is no plain decimal; write one in the "
        "Deployment.",
        "SettingElsewhere": "The variable comes from another object, as a ConfigMap; write its value in the "
        "Deployment.",
        "SettingInShell": "A shell runs the command, so its arguments cannot be told apart; write a list, or read "
        "the parameter from a variable.",
        "SettingUnclear": "The argument or variable is written in a way that cannot be changed safely; write it as the "
        "message says.",
        "ContainerNotFound": "The target's Pods have no such container; correct delivery.workload.container.",
        "BaselineDiffers": "The target has another value than baseline.values; write the same in both.",
        "TargetManaged": "Another controller writes the target, so a copy would not follow it; set the parameter in "
        "that controller's object, or name a Deployment of your own.",
        "VolumeNotShareable": "The target's Pods have a volume or device that cannot be used twice; use one that can "
        "be shared.",
        "HostPortTaken": "The target's Pods take a port of their node, which a candidate's would want too; remove "
        "hostPort and hostNetwork.",
    }
)

_SAID: Mapping[str, str] = MappingProxyType(
    {
        "CandidateStarting": "The candidate's Pods are not ready yet, so no request is led to them; nothing is to be "
        "done.",
        "CandidateRolling": "Pods of the candidate or of the target are being replaced, and the step waits; nothing is "
        "to be done.",
        "PromotedInTarget": "The target has the promoted values, so all requests go by your own route; nothing is to "
        "be done.",
    }
)

_FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "CandidateUnschedulable": "A candidate's Pod has no node, is over a quota or is refused, as by a LimitRange; "
        "make room for it, change what refuses it or write fewer replicas, before workload.readyDeadlineSeconds is "
        "over.",
        "PromotionConflict": "Another field manager has written what promote: Apply would change, so nothing was "
        "changed; change it where that manager has it, as in Git, or take the field out of there.",
        "CandidateNotReady": "A candidate's Pods do not become ready, or have ceased to be; look at their events and "
        "logs.",
    }
)

_VERDICTS: Mapping[str, str] = MappingProxyType(
    {
        "CandidateNeverReady": "The candidate's Pods were not ready within workload.readyDeadlineSeconds, so it was "
        "rolled back; find out why, then retry.",
    }
)

WORKLOAD_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (PREFLIGHT, _REFUSALS),
    (TRAFFIC, _SAID),
    (TRAFFIC_FAULT, _FAULTS),
    (VERDICT, _VERDICTS),
)
