"""A Job is what its CronJob's owner allows, restricted, and nothing that reaches its node or another namespace."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from earlystop.controller.cluster import Manifest
from earlystop.controller.hooks.channel import HookProblem
from earlystop.controller.hooks.job import LONGEST_VERDICT, RIGHTS_BY_ANNOTATION, job_from, job_name, outcome_of
from earlystop.rollout.hooks.outbox import JobResult
from tests.unit.controller.hooks.cron_jobs import cron_job, with_container
from tests.unit.every_row import every_row
from tests.unit.rollout.hooks.occurred import POLICY, occurred

CHART = Path(__file__).parents[4] / "charts" / "earlystop" / "templates" / "jobs.yaml"
VERDICT = {"metadata": {"name": "qa-r1"}, "spec": {"decision": "RollBack", "digest": "sha256:0f"}}
REFUSED: dict[str, Manifest] = {
    "not allowed by its owner": cron_job(labels={}),
    "the node's network": cron_job(hostNetwork=True),
    "the node's processes": cron_job(hostPID=True),
    "the node's memory": cron_job(hostIPC=True),
    "a path of the node": cron_job(volumes=[{"name": "node", "hostPath": {"path": "/"}}]),
    "a token by volume": cron_job(volumes=[{"name": "token", "projected": {"sources": []}}]),
    "the operator's own volume": cron_job(volumes=[{"name": "earlystop-occurrence", "emptyDir": {}}]),
    "a named node": cron_job(nodeName="control-plane"),
    "a priority": cron_job(priorityClassName="system-node-critical"),
    "another runtime": cron_job(runtimeClassName="kata"),
    "another scheduler": cron_job(schedulerName="mine"),
    "names of its own": cron_job(hostAliases=[{"ip": "192.0.2.1"}]),
    "its own resolver": cron_job(dnsPolicy="Default"),
    "a field that is not known": cron_job(someDay={"on": True}),
    "root": cron_job(securityContext={"runAsUser": 0}),
    "root that is asked for": cron_job(securityContext={"runAsNonRoot": False}),
    "system settings": cron_job(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
    "another SELinux type": cron_job(securityContext={"seLinuxOptions": {"type": "spc_t"}}),
    "a container's SELinux type": with_container(securityContext={"seLinuxOptions": {"type": "spc_t"}}),
    "privileges": with_container(securityContext={"privileged": True}),
    "more privileges": with_container(securityContext={"allowPrivilegeEscalation": True}),
    "a capability": with_container(securityContext={"capabilities": {"add": ["NET_ADMIN"]}}),
    "no filter of system calls": with_container(securityContext={"seccompProfile": {"type": "Unconfined"}}),
    "a container's root": with_container(securityContext={"runAsUser": 0}),
    "an unmasked /proc": with_container(securityContext={"procMount": "Unmasked"}),
    "a port of the node": with_container(ports=[{"containerPort": 1, "hostPort": 1}]),
    "a device of the node": with_container(volumeDevices=[{"name": "disk", "devicePath": "/dev/sda"}]),
    "a hook": with_container(lifecycle={"preStop": {"exec": {"command": ["sh"]}}}),
    "the occurrence's place": with_container(volumeMounts=[{"name": "mine", "mountPath": "/etc/earlystop"}]),
}


SPELT = (
    "/etc//earlystop",
    "//etc/earlystop",
    "etc/earlystop/",
    "/etc/./earlystop/x",
    "/etc/x/../earlystop/a.json",
)


def made(template: Manifest, verdict: Manifest | None = VERDICT) -> Manifest:
    return job_from(template, POLICY, "retrain", occurred(number=1), verdict)


def changed_job(**fields: Any) -> Manifest:
    template = cron_job()
    template["spec"]["jobTemplate"]["spec"] |= fields
    return template


@every_row("what", REFUSED)
def test_a_template_that_asks_for_more_than_a_job_may_have_is_refused_with_a_sentence(what: str) -> None:
    with pytest.raises(HookProblem) as refused:
        made(REFUSED[what])
    assert refused.value.reason == "JobTemplateRefused" and refused.value.message.startswith("CronJob retrain: ")


@pytest.mark.parametrize("path", SPELT)
def test_the_occurrences_place_is_refused_however_it_is_spelt(path: str) -> None:
    with pytest.raises(HookProblem, match="mount nothing else there"):
        made(with_container(volumeMounts=[{"name": "mine", "mountPath": path}]))


@pytest.mark.parametrize("prefix", RIGHTS_BY_ANNOTATION)
def test_no_annotation_gives_a_job_a_right_on_its_node_and_the_chart_says_the_same(prefix: str) -> None:
    template = cron_job()
    pods = template["spec"]["jobTemplate"]["spec"]["template"]
    pods["metadata"] = {"annotations": {f"{prefix}main": "unconfined"}}
    with pytest.raises(HookProblem, match=f"annotation {prefix}main, by which nodes give rights"):
        made(template)
    assert f"'{prefix}'" in CHART.read_text(encoding="utf-8")


def test_annotations_that_give_no_rights_are_kept() -> None:
    profile = "container.apparmor.security.beta.kubernetes.io/main"
    harmless = {"prometheus.io/scrape": "true", profile: "runtime/default"}
    template = cron_job()
    template["spec"]["jobTemplate"]["spec"]["template"]["metadata"] = {"annotations": harmless}
    assert made(template)["spec"]["template"]["metadata"]["annotations"].items() >= harmless.items()


def test_an_init_container_is_held_to_the_same() -> None:
    template = cron_job(initContainers=[{"name": "first", "image": "x", "securityContext": {"privileged": True}}])
    with pytest.raises(HookProblem, match="container first"):
        made(template)


@pytest.mark.parametrize("fields", [{"parallelism": 100}, {"completions": 9}, {"suspend": True}, {"managedBy": "x"}])
def test_a_job_is_one_pod_at_a_time(fields: dict[str, Any]) -> None:
    with pytest.raises(HookProblem, match="remove it"):
        made(changed_job(**fields))


def test_fields_that_say_what_holds_anyway_are_taken_and_left_out_of_the_job() -> None:
    """As charts write them. The admission policy of the chart knows none of them in a Pod."""
    template = cron_job(hostNetwork=False, hostPID=False, hostIPC=False, hostUsers=True, shareProcessNamespace=False)
    job = template["spec"]["jobTemplate"]["spec"]
    job |= {"parallelism": 1, "completions": 1, "completionMode": "NonIndexed", "suspend": False}
    job |= {"manualSelector": False, "podReplacementPolicy": "TerminatingOrFailed"}
    job["template"]["spec"] |= {"preemptionPolicy": "PreemptLowerPriority", "os": {"name": "linux"}}
    job["template"]["spec"]["containers"][0] |= {"tty": False, "stdin": False}
    before = copy.deepcopy(template)
    assert made(template)["spec"] == made(cron_job())["spec"] and template == before


def test_labels_that_the_api_server_gave_to_the_pods_of_a_copied_job_are_left_out() -> None:
    """It refuses a Job whose Pods say that they are another Job's."""
    template = cron_job()
    metadata = template["spec"]["jobTemplate"]["spec"]["template"].setdefault("metadata", {})
    generated = {"controller-uid": "1b4e", "job-name": "train-1", "batch.kubernetes.io/controller-uid": "1b4e"}
    metadata["labels"] = {**generated, "batch.kubernetes.io/job-name": "train-1", "app": "train"}
    labels = made(template)["spec"]["template"]["metadata"]["labels"]
    assert labels["app"] == "train" and not any("controller-uid" in each or "job-name" in each for each in labels)


NOT_YET: dict[str, Manifest] = {
    "what to do when a Pod fails": changed_job(podFailurePolicy={"rules": [{"action": "Ignore"}]}),
    "one Pod for each index": changed_job(completionMode="Indexed", completions=1),
    "success by some indexes": changed_job(successPolicy={"rules": [{"succeededCount": 1}]}),
    "a number that is none": changed_job(parallelism=True),
    "Pods of its own choice": changed_job(manualSelector=True),
    "another Pod only once one has failed": changed_job(podReplacementPolicy="Failed"),
    "a place before others": cron_job(preemptionPolicy="Never"),
    "another operating system": cron_job(os={"name": "windows"}),
    "a user namespace": cron_job(hostUsers=False),
    "a container beside that goes on": cron_job(
        initContainers=[{"name": "log", "image": "x", "restartPolicy": "Always"}]
    ),
    "a volume of its own": cron_job(volumes=[{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}]),
    "a volume of a driver": cron_job(volumes=[{"name": "v", "csi": {"driver": "secrets-store.csi.k8s.io"}}]),
    "a share": cron_job(volumes=[{"name": "v", "nfs": {"server": "192.0.2.1", "path": "/"}}]),
    "an image as a volume": cron_job(volumes=[{"name": "v", "image": {"reference": "x"}}]),
    "a repository": cron_job(volumes=[{"name": "v", "gitRepo": {"repository": "https://example.com/x"}}]),
    "a disk": cron_job(volumes=[{"name": "v", "iscsi": {"targetPortal": "192.0.2.1", "iqn": "x", "lun": 0}}]),
    "a terminal": with_container(tty=True),
    "claims of devices": cron_job(resourceClaims=[{"name": "gpu", "resourceClaimName": "x"}]),
}


@every_row("what", NOT_YET)
def test_what_people_write_in_jobs_and_hooks_do_not_run_is_named_in_a_sentence(what: str) -> None:
    with pytest.raises(HookProblem, match=r"may not have \w+; remove it"):
        made(NOT_YET[what])


TAKEN: dict[str, Manifest] = {
    "settings from a ConfigMap and a Secret": with_container(
        envFrom=[{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "b", "optional": True}, "prefix": "B_"}],
        env=[{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
    ),
    "each volume of its namespace": cron_job(
        volumes=[
            {"name": "a", "configMap": {"name": "a", "items": [{"key": "x", "path": "x"}]}},
            {"name": "b", "secret": {"secretName": "b", "optional": True}},
            {"name": "c", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "d", "readOnly": True}},
            {"name": "e", "downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        ]
    ),
    "accelerators": with_container(resources={"limits": {"nvidia.com/gpu": "1"}}),
    "a place on nodes": cron_job(
        nodeSelector={"gpu": "a100"}, tolerations=[{"operator": "Exists"}], affinity={"nodeAffinity": {}}
    ),
    "first steps": cron_job(initContainers=[{"name": "fetch", "image": "x", "args": ["--all"]}]),
}


@every_row("what", TAKEN)
def test_what_people_write_in_jobs_and_what_touches_no_node_is_kept_as_it_is(what: str) -> None:
    written = TAKEN[what]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    job = made(TAKEN[what])["spec"]["template"]["spec"]
    for field in ("nodeSelector", "tolerations", "affinity"):
        assert job.get(field) == written.get(field)
    assert job["volumes"][:-1] == written.get("volumes", [])
    for kind in ("containers", "initContainers"):
        for own, container in zip(written.get(kind, []), job.get(kind, []), strict=True):
            assert {name: container[name] for name in own.keys() - {"volumeMounts"}} == own


def test_another_namespace_is_refused() -> None:
    template = cron_job()
    template["spec"]["jobTemplate"]["metadata"] = {"namespace": "kube-system"}
    with pytest.raises(HookProblem, match="own namespace"):
        made(template)


def test_a_job_is_restricted_and_finds_the_occurrence_and_its_verdict_in_files() -> None:
    template = cron_job(initContainers=[{"name": "first", "image": "x"}])
    before = copy.deepcopy(template)
    job = made(template)
    assert template == before
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    for each in (*pod["containers"], *pod["initContainers"]):
        assert each["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert each["volumeMounts"][-1] == {
            "name": "earlystop-occurrence",
            "mountPath": "/etc/earlystop",
            "readOnly": True,
        }
    told = spec["template"]["metadata"]["annotations"]
    assert json.loads(told["earlystop.dev/occurrence"])["data"]["kind"] == "RolledBack"
    assert json.loads(told["earlystop.dev/verdict"]) == VERDICT["spec"]
    (volume,) = pod["volumes"]
    assert [each["path"] for each in volume["downwardAPI"]["items"]] == ["occurrence.json", "verdict.json"]
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"], spec["backoffLimit"]) == (86_400, 86_400, 1)
    (owner,) = job["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], job["metadata"]["namespace"]) == ("EarlyStopPolicy", POLICY.uid, "llm")


def test_a_job_gets_the_token_of_an_account_that_its_template_names_and_no_other() -> None:
    assert made(cron_job(serviceAccountName="retrain"))["spec"]["template"]["spec"]["automountServiceAccountToken"]
    named = cron_job(serviceAccountName="default", automountServiceAccountToken=True)
    assert made(named)["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_a_time_that_a_template_says_is_kept_up_to_a_day() -> None:
    assert made(changed_job(activeDeadlineSeconds=60))["spec"]["activeDeadlineSeconds"] == 60
    assert made(changed_job(activeDeadlineSeconds=10**6))["spec"]["activeDeadlineSeconds"] == 86_400


def test_a_verdict_that_no_annotation_holds_is_left_out() -> None:
    long = {"metadata": {"name": "qa-r1"}, "spec": {"looks": "x" * LONGEST_VERDICT}}
    told = made(cron_job(), long)["spec"]["template"]["metadata"]["annotations"]
    assert list(told) == ["earlystop.dev/occurrence"]


def test_each_hook_has_a_job_of_its_own_for_each_occurrence_and_always_the_same() -> None:
    names = [job_name(POLICY, hook, occurred(number=number)) for hook in ("a", "b") for number in (1, 2)]
    assert len(set(names)) == 4 and names[0] == job_name(POLICY, "a", occurred(number=1))
    assert all(len(each) <= 63 for each in names)


@pytest.mark.parametrize(
    ("conditions", "result"),
    [
        ([], JobResult.RUNNING),
        ([{"type": "Complete", "status": "False"}], JobResult.RUNNING),
        ([{"type": "SuccessCriteriaMet", "status": "True"}], JobResult.RUNNING),
        ([{"type": "Complete", "status": "True"}], JobResult.SUCCEEDED),
        ([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}], JobResult.FAILED),
        (
            [
                {"type": "Complete", "status": "True"},
                {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"},
            ],
            JobResult.FAILED,
        ),
    ],
)
def test_the_result_of_a_job_is_what_its_conditions_say(conditions: list[dict[str, str]], result: JobResult) -> None:
    outcome = outcome_of({"metadata": {"name": "qa-1"}, "status": {"conditions": conditions}}, 3)
    assert (outcome.result, outcome.number, outcome.name) == (result, 3, "qa-1")
    assert ("BackoffLimitExceeded" in outcome.message) is (result is JobResult.FAILED)
