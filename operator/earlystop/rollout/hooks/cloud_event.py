"""An occurrence as a CloudEvent 1.0 in structured JSON (https://github.com/cloudevents/spec, "JSON Event Format")."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from earlystop.api.wire import API_VERSION, GROUP
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity, occurrence_id

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_TYPE_PREFIX = ".".join(reversed(GROUP.split(".")))
_QUESTION = ".question"
"""A receiver that is told of gates, and is one itself, must not take what it is told for what it is asked."""


def cloud_event(identity: PolicyIdentity, occurrence: Occurrence) -> dict[str, Any]:
    """The event. Its id is the same at every attempt; `sequence` orders the events of one policy as text, too."""
    return {
        "specversion": "1.0",
        "id": occurrence_id(identity.uid, occurrence),
        "source": f"/apis/{API_VERSION}/namespaces/{identity.namespace}/earlystoppolicies/{identity.name}",
        "type": f"{_TYPE_PREFIX}.{occurrence.kind.value.lower()}{_QUESTION if occurrence.is_question else ''}",
        "subject": f"{identity.namespace}/{identity.name}",
        "time": rfc3339(occurrence.at),
        "sequence": f"{occurrence.number:012d}",
        "datacontenttype": "application/json",
        "data": event_data(identity, occurrence),
    }


def event_data(identity: PolicyIdentity, occurrence: Occurrence) -> dict[str, Any]:
    """What a program that receives the event goes by."""
    verdict = {name: value for name, value in asdict(occurrence.verdict).items() if value} if occurrence.verdict else {}
    if "requested_by" in verdict:
        verdict["requestedBy"] = verdict.pop("requested_by")
    return {
        "namespace": identity.namespace,
        "policy": identity.name,
        "policyUid": identity.uid,
        "campaign": occurrence.campaign,
        "revision": occurrence.revision,
        "kind": occurrence.kind.value,
        "reason": occurrence.reason,
        "message": occurrence.sentence,
        **({"verdict": verdict} if verdict else {}),
        **({"gate": occurrence.gate} if occurrence.gate else {}),
        **({"proposal": dict(occurrence.proposal)} if occurrence.proposal else {}),
    }
