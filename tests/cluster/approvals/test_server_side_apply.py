"""Who approves or proposes does so by server-side apply, and nobody changes by it what another wrote."""

from __future__ import annotations

import json
from typing import Any

from earlystop.api.wire import API_VERSION
from tests.cluster.approvals.scene import WAIT_SECONDS, Scene
from tests.cluster.processes import wait_until

BY_SERVER = ("--server-side", "--field-manager=git")
NOBODY = {"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "5a1d8c0e-0000-4000-8000-000000000001"}
"""An owner that does not exist: what it owns is collected as garbage."""
ITEM = json.dumps([{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}])
REFUSED = ("never changed", "of erin, of which", "forbidden")


def applied(scene: Scene, user: str, manifest: dict[str, Any], *more: str) -> str:
    """What the API server says against a server-side apply, "" when it is done."""
    return scene.refusal(user, "apply", manifest, *BY_SERVER, *more, dry=False)


def with_metadata(manifest: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def stored(scene: Scene, what: str) -> dict[str, Any]:
    """An object as the API server has it, but for who manages which field, and how often that was written."""
    found: dict[str, Any] = scene.access.get(what, f"--namespace={scene.namespace}")
    for name in ("managedFields", "resourceVersion"):
        found["metadata"].pop(name, None)
    return found


def ensure_own(scene: Scene, what: str, right: dict[str, Any], in_names: dict[str, Any]) -> None:
    """Erin, who has the chart's role alone, applies this object as often as she likes, and frank, who has the same
    role, changes nothing of it by any patch. in_names: what frank would write into its spec to have it in his name."""
    wait_until(lambda: not applied(scene, "erin", right), WAIT_SECONDS, f"erin's {what} by server-side apply")
    first = stored(scene, what)
    assert applied(scene, "erin", right) == "" and stored(scene, what) == first
    of_frank = {**right, "spec": {**right["spec"], **in_names}}
    metadata = (
        {"labels": {"a": "b"}},
        {"annotations": {"a": "b"}},
        {"finalizers": ["a/b"]},
        {"ownerReferences": [NOBODY]},
    )
    patches = [*({"metadata": each} for each in metadata), {"spec": in_names}]
    where = f"--namespace={scene.namespace}"
    said = {
        "applied as it is": applied(scene, "frank", right),
        "taken over": applied(scene, "frank", of_frank, "--force-conflicts"),
        "applied with an owner": applied(scene, "frank", with_metadata(right, ownerReferences=[NOBODY])),
        "applied by another's manager": applied(scene, "frank", with_metadata(right, labels={"a": "b"})),
        "patched by items": scene.failure("patch", what, where, "--type=json", "--as=frank", f"--patch={ITEM}"),
        "its status": scene.patched("frank", what, {"status": {"conditions": []}}, "--subresource=status"),
        **{str(patch): scene.patched("frank", what, patch) for patch in patches},
    }
    assert {how: answer for how, answer in said.items() if not any(each in answer for each in REFUSED)} == {}
    assert stored(scene, what) == first
    # Of her own she may say more about it, and change no answer.
    assert "never changed" in applied(scene, "erin", of_frank, "--force-conflicts")
    assert applied(scene, "erin", with_metadata(right, labels={"team": "qa"})) == ""
    # Who may update what others wrote did so before, and still does, but for what was said.
    assert scene.patched("admin", what, {"metadata": {"labels": {"a": "b"}, "finalizers": ["a/b"]}}) == ""
    assert "never changed" in scene.patched("admin", what, {"spec": in_names})


def test_an_approval_comes_by_server_side_apply_and_nobody_else_changes_takes_or_removes_it(scene: Scene) -> None:
    ensure_own(scene, "esa/erin", scene.approval("erin", by="erin"), {"by": "frank"})
    assert "nobody answers in another name" in applied(scene, "frank", scene.approval("frank", by="erin"))
    for metadata in ({"ownerReferences": [NOBODY]}, {"finalizers": ["a/b"]}):
        assert "an answer stays for the record" in scene.patched("erin", "esa/erin", {"metadata": metadata})
        vanishing = with_metadata(scene.approval("vanishing", by="erin"), **metadata)
        for verb, more in (("create", ()), ("apply", BY_SERVER)):
            assert "an answer stays for the record" in scene.refusal("erin", verb, vanishing, *more)
    assert "forbidden" in scene.failure("delete", "esa/erin", f"--namespace={scene.namespace}", "--as=erin")
    # As the command makes it, an answer goes with its policy, and with no other object.
    owner = {"apiVersion": API_VERSION, "kind": "EarlyStopPolicy", "name": "qa", "uid": scene.uid}
    of_policy = with_metadata(scene.approval("owned", by="erin"), ownerReferences=[owner])
    assert scene.refusal("erin", "create", of_policy) == ""
    for other in ({**owner, "uid": NOBODY["uid"]}, {**owner, "name": "other"}, {**owner, "apiVersion": "other.dev/v1"}):
        of_other = with_metadata(of_policy, ownerReferences=[owner, other])
        assert "an answer stays for the record" in scene.refusal("erin", "create", of_other), other


def test_a_proposal_comes_by_server_side_apply_and_nobody_else_changes_or_takes_it(scene: Scene) -> None:
    spec = {"policyRef": {"name": "qa"}, "proposer": "erin", "values": [{"name": "window", "value": "12"}]}
    metadata = {"name": "erin", "namespace": scene.namespace}
    right = {"apiVersion": API_VERSION, "kind": "EarlyStopProposal", "metadata": metadata, "spec": spec}
    ensure_own(scene, "espr/erin", right, {"proposer": "frank"})
    assert "nobody proposes in another name" in applied(scene, "frank", with_metadata(right, name="frank"))


def test_a_rival_takes_away_no_proposal_and_whoever_may_delete_the_policy_takes_away_any(scene: Scene) -> None:
    where = f"--namespace={scene.namespace}"
    spec = {"policyRef": {"name": "qa"}, "proposer": "erin", "values": [{"name": "window", "value": "12"}]}
    of_erin = {"apiVersion": API_VERSION, "kind": "EarlyStopProposal", "spec": spec}

    def propose(name: str) -> None:
        named = {**of_erin, "metadata": {"name": name, "namespace": scene.namespace}}
        wait_until(lambda: not scene.refusal("erin", "create", named, dry=False), WAIT_SECONDS, "erin's proposal")

    propose("first")
    refused = "this is the proposal of erin; who may not delete the policy qa takes away none but their own"
    for how in (("espr/first",), ("espr", "--all"), ("espr/first", "--grace-period=0", "--force")):
        assert refused in scene.failure("delete", *how, where, "--as=frank")
    assert scene.failure("delete", "espr/first", where, "--as=erin") == ""
    propose("second")
    assert scene.failure("delete", "espr/second", where, "--as=carol") == ""
