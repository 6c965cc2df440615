"""What retention leaves of the verdicts that it removes: their digests, in a checkpoint that is stored first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earlystop.api.checkpoint import CheckpointSpec, RemovedVerdict
from earlystop.api.values import bounded
from earlystop.api.wire import API_VERSION, MANAGED_BY_LABEL, MANAGER, POLICY_LABEL
from earlystop.rollout.search.verdict_chain import Link
from earlystop.rollout.verdict import digest_of, policy_label

Manifest = Mapping[str, Any]
KIND = "EarlyStopCheckpoint"
LONGEST_POLICY = 200
"""Characters of the policy's name in that of a checkpoint."""


def checkpoint_object(policy: str, namespace: str, removed: Sequence[RemovedVerdict]) -> dict[str, Any]:
    """The checkpoint of verdicts of one policy. The same verdicts always have the same one."""
    in_order = tuple(sorted(removed, key=lambda each: (each.at, each.name)))
    record = CheckpointSpec(policy=policy, removed=in_order, digest="").wire()
    digest = digest_of(record)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": f"{bounded(policy, LONGEST_POLICY)}-{digest.removeprefix('sha256:')[:16]}",
            "namespace": namespace,
            "labels": {POLICY_LABEL: policy_label(policy), MANAGED_BY_LABEL: MANAGER},
        },
        "spec": {**record, "digest": digest},
    }


def record_in(checkpoint: Manifest) -> CheckpointSpec:
    """What a checkpoint tells. Raises ValueError (pydantic's is one) where it is none, or was changed after it was
    made."""
    name, spec = (checkpoint.get("metadata") or {}).get("name"), checkpoint.get("spec")
    record = CheckpointSpec.model_validate(spec)
    if not isinstance(spec, dict) or digest_of(spec) != record.digest:
        raise ValueError(f"the checkpoint {name} was changed after it was made")
    return record


def links_in(record: CheckpointSpec) -> tuple[Link, ...]:
    """Links of the verdicts that a checkpoint tells of."""
    return tuple(Link(each.policy_uid, each.name, each.digest, each.previous, True) for each in record.removed)


def links_of(checkpoints: Iterable[Manifest]) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """Links of all verdicts that checkpoints tell of, and a sentence about each checkpoint that tells of none."""
    links: dict[str, Link] = {}
    refused = []
    for each in checkpoints:
        try:
            links |= {link.digest: link for link in links_in(record_in(each))}
        except ValueError as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            name = (each.get("metadata") or {}).get("name", "(without a name)")
            refused.append(f"The checkpoint {name} tells of no verdict that was removed: {first}.")
    return tuple(links.values()), tuple(refused)
