"""Which rights the operator used in a run of all tests, as the API servers' audit logs show it, and which it never did.

Each worker keeps what its own API server logged (`keep`). `python -m tests.cluster.rights` unites them after a whole
run: it fails for a right that the chart grants, that no test used, and that NOT_SEEN and RARE do not explain.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from earlystop.delivery.routes.policy_kinds import POLICY_KINDS
from tests.cluster.cache import CACHE
from tests.cluster.packaging import objects, template

OPERATOR = "system:serviceaccount:earlystop-system:earlystop"
"""Its user name wherever a test runs it by `manifests/install.yaml`."""
_FOLDER = CACHE / "rights"
_FORBIDDEN = 403


class Right(NamedTuple):
    """A verb on a resource, `plural` or `plural/subresource`, of an API group."""

    group: str
    resource: str
    verb: str


NOT_SEEN: Mapping[Right, str] = {
    **{
        Right(kind.group, kind.plural, verb): "policies of gateways that the tests' cluster does not have"
        for kind in POLICY_KINDS
        for verb in ("list", "watch")
        if kind.name != "backendtlspolicies.gateway.networking.k8s.io"
    },
    Right("core.openfeature.dev", "featureflags", "patch"): "the tests' cluster has no FeatureFlags",
}


_AFTER_AN_EDIT = "an object of an injector is written anew when somebody edits it, or what it serves changes"
_UNCERTAIN = (
    "an object that no watch has shown yet, or that was changed meanwhile, is read: that is a matter of moments"
)
_EXTERNAL = "searches of strategy External, which are tested without an API server"
RARE: Mapping[Right, str] = {
    Right("", "configmaps", "create"): "an apply that makes an object wants this right, and the log calls it a patch",
    Right("", "events", "patch"): "an event that is told again within minutes is counted up",
    Right("apps", "deployments", "update"): _AFTER_AN_EDIT,
    Right("policy", "poddisruptionbudgets", "update"): _AFTER_AN_EDIT,
    Right("networking.k8s.io", "networkpolicies", "update"): _AFTER_AN_EDIT,
    Right("gateway.networking.k8s.io", "gateways", "get"): _UNCERTAIN,
    Right("gateway.networking.k8s.io", "gatewayclasses", "get"): _UNCERTAIN,
    Right("earlystop.dev", "earlystopproposals", "get"): _EXTERNAL,
    Right("earlystop.dev", "earlystopproposals/status", "update"): _EXTERNAL,
    Right("earlystop.dev", "earlystopverdicts", "get"): "a verdict whose name is taken is compared with the one there",
    Right("earlystop.dev", "earlystopverdicts", "list"): "policies that share their risks, or that start from history",
}
"""Rights that a run may use or not, and when they are used. Unit tests show each of them."""


def used(events: Iterable[str]) -> set[Right]:
    """What the operator asked for in lines of an audit log, and was not refused for want of a right."""
    found = set()
    for line in events:
        event = json.loads(line)
        target = event.get("objectRef")
        is_allowed = event.get("responseStatus", {}).get("code") != _FORBIDDEN
        if target and is_allowed and event["user"]["username"] == OPERATOR:
            resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
            found.add(Right(target.get("apiGroup", ""), resource, event["verb"]))
    return found


def granted(roles: Iterable[Mapping[str, Any]]) -> set[Right]:
    """What these roles let their holder do."""
    return {
        Right(group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def unexplained(given: set[Right], seen: set[Right]) -> list[str]:
    """One sentence for each right that is neither used nor explained, and for each explanation that is not needed."""
    superfluous = given - seen - NOT_SEEN.keys() - RARE.keys()
    outdated = {each for each in NOT_SEEN if each in seen} | ({*NOT_SEEN, *RARE} - given)
    return [
        *(f"{_text(each)} is granted, and no test used it: take it out of the chart" for each in sorted(superfluous)),
        *(f"{_text(each)} needs no explanation any more: take it out of this module" for each in sorted(outdated)),
    ]


def operator_roles() -> list[dict[str, Any]]:
    """The roles that the chart, as it is rendered by default, binds to the operator's account."""
    rendered = objects(template("--set=crds.install=false"))
    bound = {
        (each["roleRef"]["kind"], each["roleRef"]["name"])
        for each in rendered
        if each["kind"].endswith("Binding") and "roleRef" in each
    }
    return [each for each in rendered if (each["kind"], each["metadata"]["name"]) in bound]


def keep(audit_log: Path, worker: str) -> None:
    """Add what this log shows to what this worker has kept."""
    with audit_log.open() as stream:
        rights = used(stream)
    _FOLDER.mkdir(parents=True, exist_ok=True)
    path = _FOLDER / f"{worker}.json"
    before = {Right(*each) for each in json.loads(path.read_text())} if path.exists() else set()
    path.write_text(json.dumps(sorted(rights | before)))


def kept() -> set[Right]:
    """What all workers have kept."""
    return {Right(*each) for path in _FOLDER.glob("*.json") for each in json.loads(path.read_text())}


def _text(right: Right) -> str:
    return f"{right.verb} {'.'.join(filter(None, (right.resource, right.group)))}"


def main(arguments: list[str]) -> int:
    """Forget what was kept (`forget`), or judge it. Returns the exit code."""
    if arguments == ["forget"]:
        shutil.rmtree(_FOLDER, ignore_errors=True)
        return 0
    seen = kept()
    if not seen:
        print("NOT CHECKED: which rights the operator used, since no API server of these tests kept an audit log")
        return 0
    found = unexplained(granted(operator_roles()), seen)
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
