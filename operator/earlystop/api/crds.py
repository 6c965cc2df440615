"""The CustomResourceDefinitions, generated from the typed kinds. `make crds` writes them to `crds/`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from earlystop import __version__
from earlystop.api.approval_kind import COUNTED, ApprovalSpec, ApprovalStatus
from earlystop.api.checkpoint import CheckpointSpec
from earlystop.api.hook_target import HookTargetSpec
from earlystop.api.policy import PolicySpec
from earlystop.api.proposal import ACCEPTED, TRIED, ProposalSpec, ProposalStatus
from earlystop.api.schema import structural_schema
from earlystop.api.source import REACHABLE, SourceSpec, SourceStatus
from earlystop.api.status.policy import PolicyStatus
from earlystop.api.unbuilt import refusing
from earlystop.api.verdict import VerdictSpec
from earlystop.api.wire import GROUP, VERSION

# The chart compares the version with its own before it changes anything.
LABELS = {"app.kubernetes.io/part-of": "earlystop", "app.kubernetes.io/version": __version__}
AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def definitions() -> dict[str, dict[str, Any]]:
    """Every CRD, by file name."""
    kinds = (_policy(), _source(), _verdict(), _checkpoint(), _proposal(), _approval(), _hook_target())
    return {f"{GROUP}_{crd['spec']['names']['plural']}.yaml": crd for crd in kinds}


def _policy() -> dict[str, Any]:
    return _definition(
        kind="EarlyStopPolicy",
        plural="earlystoppolicies",
        short="esp",
        scope="Namespaced",
        description="Tries bolder early-stop settings on a share of live LLM traffic and keeps what is proven.",
        spec=refusing(structural_schema(PolicySpec)),
        status=_status(PolicyStatus, "Ready", "Waiting for the early-stop operator to see this policy"),
        columns=[
            _column("Mode", ".spec.delivery.mode"),
            _column("Target", ".spec.targetRef.name"),
            _column("Phase", ".status.phase"),
            _column("Step", ".status.progress"),
            _column("Weight", ".status.weight", "integer"),
            _column("Variant", ".status.variant"),
            _column("EM difference", ".status.evidence.effect"),
            _column("Saving", ".status.evidence.saving"),
            _column("Verdict", ".status.decision.verdict"),
            _column("Awaiting", ".status.awaiting.decision"),
            _column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            AGE,
        ],
    )


def _source() -> dict[str, Any]:
    return _definition(
        kind="MetricSource",
        plural="metricsources",
        short="ess",
        scope="Cluster",
        description="Where counts are read. Written by the cluster's admin.",
        spec=structural_schema(SourceSpec),
        status=_status(SourceStatus, REACHABLE, "Waiting for the early-stop operator to ask this source"),
        columns=[
            _column("URL", ".spec.url"),
            _column("Flavour", ".spec.flavour"),
            _column("Reachable", f".status.conditions[?(@.type=='{REACHABLE}')].status"),
            _column("Reason", f".status.conditions[?(@.type=='{REACHABLE}')].reason"),
            AGE,
        ],
    )


def _verdict() -> dict[str, Any]:
    return _definition(
        kind="EarlyStopVerdict",
        plural="earlystopverdicts",
        short="esv",
        scope="Namespaced",
        description="An immutable record of one decision, from which anyone can recompute it.",
        spec=structural_schema(VerdictSpec),
        columns=[
            _column("Policy", ".spec.policy"),
            _column("Candidate", ".spec.candidate"),
            _column("Campaign", ".spec.campaign", "integer"),
            _column("Decision", ".spec.decision"),
            _column("Reason", ".spec.reason"),
            _column("Looks", ".spec.numberOfLooks", "integer"),
            _column("EM difference", ".spec.effect"),
            _column("Saving", ".spec.saving"),
            _column("By", ".spec.requestedBy"),
            _column("At", ".spec.at"),
            _wide(_column("Approved by", ".spec.approvedBy[0]")),
            _wide(AGE),
        ],
    )


def _checkpoint() -> dict[str, Any]:
    return _definition(
        kind="EarlyStopCheckpoint",
        plural="earlystopcheckpoints",
        short="esc",
        scope="Namespaced",
        description="What is left of verdicts that retention removed: their digests, by which their chain is followed.",
        spec=structural_schema(CheckpointSpec),
        columns=[_column("Policy", ".spec.policy"), _column("Oldest removed", ".spec.removed[0].name"), AGE],
    )


def _proposal() -> dict[str, Any]:
    return _definition(
        kind="EarlyStopProposal",
        plural="earlystopproposals",
        short="espr",
        scope="Namespaced",
        description="A setting that somebody asks a search of strategy External to try. It moves no traffic itself.",
        spec=structural_schema(ProposalSpec),
        status=_status(ProposalStatus, ACCEPTED, "Waiting for the early-stop operator to see this proposal"),
        columns=[
            _column("Policy", ".spec.policyRef.name"),
            _column("Proposer", ".spec.proposer"),
            _column("Accepted", f".status.conditions[?(@.type=='{ACCEPTED}')].status"),
            _column("Reason", f".status.conditions[?(@.type=='{ACCEPTED}')].reason"),
            _column("Tried", f".status.conditions[?(@.type=='{TRIED}')].reason"),
            AGE,
        ],
    )


def _hook_target() -> dict[str, Any]:
    return _definition(
        kind="HookTarget",
        plural="hooktargets",
        short="esh",
        scope="Cluster",
        description="A receiver outside to which hooks of policies may send. Written by the cluster's admin.",
        spec=structural_schema(HookTargetSpec),
        columns=[
            _column("Template", ".spec.template"),
            _column("URL", ".spec.url"),
            _column("URL secret", ".spec.urlRef.name"),
            _column("Signing secret", ".spec.signingRef.name"),
            AGE,
        ],
    )


def _approval() -> dict[str, Any]:
    return _definition(
        kind="EarlyStopApproval",
        plural="earlystopapprovals",
        short="esa",
        scope="Namespaced",
        description="A person's answer to a decision of a policy that waits. Nothing is promoted by it alone.",
        spec=structural_schema(ApprovalSpec),
        status=_status(ApprovalStatus, COUNTED, "Waiting for the early-stop operator to see this approval"),
        columns=[
            _column("Policy", ".spec.policy"),
            _column("Answer", ".spec.answer"),
            _column("By", ".spec.by"),
            _column("Counted", f".status.conditions[?(@.type=='{COUNTED}')].status"),
            _column("Reason", f".status.conditions[?(@.type=='{COUNTED}')].reason"),
            AGE,
        ],
    )


def _status(model: type[BaseModel], condition: str, message: str) -> dict[str, Any]:
    """The schema of a status, with a default for one condition: the API server itself writes it as Unknown.

    Without the default a new object would have no conditions until the operator has read it, and a tool that waits for
    conditions might take that for success.
    """
    pending = {
        "type": condition,
        "status": "Unknown",
        "reason": "Pending",
        "message": message,
        "lastTransitionTime": "1970-01-01T00:00:00Z",
    }
    return {**structural_schema(model), "default": {"conditions": [pending]}}


def _column(name: str, path: str, kind: str = "string") -> dict[str, str]:
    return {"name": name, "type": kind, "jsonPath": path}


def _wide(column: dict[str, Any]) -> dict[str, Any]:
    """The column where it is shown with `-o wide` alone."""
    return {**column, "priority": 1}


def _definition(
    *,
    kind: str,
    plural: str,
    short: str,
    scope: str,
    description: str,
    spec: dict[str, Any],
    columns: Sequence[Mapping[str, Any]],
    status: dict[str, Any] | None = None,
) -> dict[str, Any]:
    properties: dict[str, Any] = {"spec": spec}
    if status is not None:
        properties["status"] = status
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": list(columns),
        "schema": {
            "openAPIV3Schema": {
                "type": "object",
                "description": description,
                "required": ["spec"],
                "properties": {
                    "apiVersion": {"type": "string"},
                    "kind": {"type": "string"},
                    "metadata": {"type": "object"},
                    **properties,
                },
            }
        },
    }
    if status is not None:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}", "labels": LABELS},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["earlystop"],
            },
            "versions": [version],
        },
    }


class _PlainDumper(yaml.SafeDumper):
    """Writes a repeated part again instead of pointing back to it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def render(definition: dict[str, Any]) -> str:
    """The YAML text of a CRD, stable from run to run."""
    return "# Generated by `make crds` from operator/earlystop/api; edit the kinds there.\n" + yaml.dump(
        definition, Dumper=_PlainDumper, sort_keys=False, width=120
    )


def main() -> None:
    """Write every CRD into the directory named by the first argument."""
    directory = Path(sys.argv[1])
    directory.mkdir(exist_ok=True)
    for name, definition in definitions().items():
        (directory / name).write_text(render(definition))


if __name__ == "__main__":
    main()
