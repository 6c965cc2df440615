"""A chain of verdicts, as the operator writes one, for tests of the record."""

from __future__ import annotations

import copy
import json
from typing import Any

from earlystop.api.checkpoint import RemovedVerdict
from earlystop.api.wire import DIGEST_ANNOTATION
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.campaign_start import start_campaign
from earlystop.rollout.record.retention import StoredVerdict
from earlystop.rollout.state import RolloutState
from earlystop.rollout.verdict import digest_of, verdict_object
from tests.unit.rollout.policies import NOW
from tests.unit.rollout.search.past_verdicts import window_policy
from tests.unit.rollout.traffic import Quality, Server, decided

Manifest = dict[str, Any]
WINDOWS = ("10", "5", "3", "8", "12")


def chain_of(number: int, *, name: str = "qa", uid: str = "uid-1", after: str = "", later: int = 0) -> list[Manifest]:
    """So many verdicts of a policy, each of another window, with the digest of the one before. after: digest that the
    first one follows. later: seconds."""
    verdicts: list[Manifest] = []
    for campaign in range(number):
        spec = window_policy(WINDOWS[campaign % len(WINDOWS)])
        before = RolloutState(campaign=campaign)
        begun = start_campaign(
            spec,
            "",
            before,
            NOW + later + 10_000 * campaign,
            CampaignInputs(uid=uid, entropy=f"{campaign}", previous_digest=after),
        )
        state = decided(spec, begun, Server(), Quality(mean_tokens=300))
        verdicts.append(as_stored(json.loads(json.dumps(verdict_object(name, "llm", uid, state)))))
        after = verdicts[-1]["spec"]["digest"]
    return verdicts


def resealed(verdict: Manifest, **changes: Any) -> Manifest:
    """A verdict that somebody changed who knows how digests are made."""
    found = copy.deepcopy(verdict)
    found["spec"].update(changes)
    found["spec"]["digest"] = digest_of(found["spec"])
    if DIGEST_ANNOTATION in found.get("metadata", {}).get("annotations", {}):
        found["metadata"]["annotations"][DIGEST_ANNOTATION] = found["spec"]["digest"]
    return found


def removed(*verdicts: Manifest) -> list[RemovedVerdict]:
    """What retention leaves of verdicts."""
    return [StoredVerdict.of(each).removed for each in verdicts]


def as_stored(verdict: Manifest, created: str = "2030-01-01T00:00:00Z") -> Manifest:
    """A verdict with what an API server adds."""
    metadata = {**verdict["metadata"], "uid": f"object-{verdict['metadata']['name']}", "creationTimestamp": created}
    return {**verdict, "metadata": metadata}


def long_chain(number: int) -> list[Manifest]:
    """So many verdicts of one campaign's looks, one after the other from 2020 on. Not each of them can be
    recomputed, since their moments are made up."""
    first = chain_of(1)[0]
    made: list[Manifest] = []
    for count in range(number):
        previous = made[-1]["spec"]["digest"] if made else ""
        each = resealed(first, previous=previous, at=f"2020-01-01T{count // 60:02d}:{count % 60:02d}:00Z")
        annotations = {DIGEST_ANNOTATION: each["spec"]["digest"]}
        own = {"name": f"qa-{count:03d}", "uid": f"object-{count}", "annotations": annotations}
        each["metadata"] = {**each["metadata"], **own}
        made.append(each)
    return made
