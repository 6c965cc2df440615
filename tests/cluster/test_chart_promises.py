"""What the chart's values promise, as Helm renders them: no cluster is asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.packaging import MANIFESTS, named, objects, template
from tests.cluster.scoring import findings

WRITING = {"create", "update", "patch", "delete", "deletecollection"}
WITHOUT_CRDS = "--set=crds.install=false"
NAMESPACED = {
    *("Deployment", "Service", "Secret", "ServiceAccount", "Role", "RoleBinding", "Lease"),
    *("NetworkPolicy", "PodDisruptionBudget"),
}
# What kube-score would have otherwise, and why it stays.
EXPLAINED = {
    "container-resources": "no CPU limit: a throttled operator looks late at the counts",
    "container-ephemeral-storage-request-and-limit": "nothing is written to disk, /tmp is memory",
    "pod-networkpolicy": "where the API server, sources and gateways are, only the admin knows: networkPolicy.egress",
    "container-image-pull-policy": "a registry that is away stops no restart; image.digest pins the image",
    "deployment-strategy": "Recreate: two operators would move the same traffic",
    "deployment-replicas": "one: traffic stays as it is while it is away, and the next one goes on from status",
}


@pytest.mark.parametrize(
    ("settings", "at"),
    [
        ("admissionPolicies.enabled=false", "/injector/enabled"),
        ("admissionPolicies.enabled=false,injector.enabled=false,workload.namespaces={llm}", "/workload/namespaces"),
        ("serviceAccount.create=false", "/serviceAccount/name"),
        ("serviceAccount.create=false,serviceAccount.name=own,serviceAccount.annotations.a=b", "/serviceAccount/ann"),
        ("watchNamespaces={llm,llm}", "/watchNamespaces"),
        ("watchNamespaces={LLM}", "/watchNamespaces/0"),
        ("extraArgs={verbose}", "/extraArgs/0"),
        ("extraEnv[0].nmae=A", "/extraEnv/0"),
        ("fullnameOverride=Early", "/fullnameOverride"),
        ("podSecurityContext.runAsUser=0", "/podSecurityContext/runAsUser"),
        ("podSecurityContext.runAsNonRoot=false", "/podSecurityContext/runAsNonRoot"),
        ("securityContext.privileged=true", "/securityContext"),
        ("securityContext.readOnlyRootFilesystem=false", "/securityContext/readOnlyRootFilesystem"),
        ("networkPolicy.enabled=yes", "/networkPolicy/enabled"),
        ("podDisruptionBudget.minAvailable=1", "/podDisruptionBudget"),
        ("service.type=LoadBalancer", "/service"),
        ("evaluator.enabled=true", "/evaluator/policy"),
        ("evaluator.policy=qa", "/evaluator/policy"),
        ("evaluator.extraArgs={repeat}", "/evaluator/extraArgs/0"),
        ("admissionPolicies.enabled=false,injector.enabled=false,jobs.namespaces={llm}", "/jobs/namespaces"),
        ("admissionPolicies.enabled=false,gatewayBody.enabled=true", "/gatewayBody/enabled"),
        ("gatewayBody.enabled=true,injector.enabled=false", "/gatewayBody/enabled"),
        ("inferencePools.enabled=true,injector.enabled=false", "/inferencePools/enabled"),
        ("extraArgs={--port=9999}", "/extraArgs/0"),
        ("evaluator.extraArgs={--url=http://other.example.com}", "/evaluator/extraArgs/0"),
        ("podLabels.app\\.kubernetes\\.io/name=other", "app.kubernetes.io/name"),
        ("service.labels.app\\.kubernetes\\.io/instance=other", "app.kubernetes.io/instance"),
        ("resources.limits.memory=-3", "/resources/limits/memory"),
        ("resources.requests.cpu=lots", "/resources/requests/cpu"),
        ("podSecurityContext.seccompProfile.type=Unconfined", "/podSecurityContext/seccompProfile/type"),
        ("securityContext.appArmorProfile.type=Unconfined", "/securityContext/appArmorProfile/type"),
    ],
)
def test_a_value_that_is_misspelt_out_of_range_or_contradictory_is_refused_where_it_stands(
    settings: str, at: str
) -> None:
    with pytest.raises(ClusterError, match="schema") as refused:
        template(f"--set={settings}")
    assert at in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("jobs.namespaces={other}", "/jobs/namespaces: the operator would have rights in namespace other"),
        ("workload.namespaces={llm,other}", "/workload/namespaces: the operator would have rights in namespace other"),
        ("evaluator.policy=other/qa", "/evaluator/policy: it would ask questions for policy other/qa"),
    ],
)
def test_rights_and_questions_for_namespaces_that_are_not_served_are_refused_with_the_reason(
    settings: str, says: str
) -> None:
    with pytest.raises(ClusterError) as refused:
        template(WITHOUT_CRDS, f"--set=watchNamespaces={{llm,search}},{settings}")
    assert says in str(refused.value)
    assert "watchNamespaces lets this release serve llm, search alone" in str(refused.value)


@pytest.mark.parametrize("watched", [[], ["--set=watchNamespaces={llm,other}"]])
def test_rights_and_questions_for_namespaces_that_are_served_are_given(watched: list[str]) -> None:
    settings = "jobs.namespaces={other},workload.namespaces={llm,other},evaluator.policy=other/qa"
    assert "Deployment" in template(WITHOUT_CRDS, f"--set={settings}", *watched)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("admissionPolicies.enabled=false", "write injector.enabled: false"),
        (
            "admissionPolicies.enabled=false,jobs.namespaces={a}",
            "the operator would run Jobs, which only",
        ),
        ("metrics.policies=false,metrics.alerts.enabled=true", "no alert about one would ever fire"),
        ("metrics.policies=false,metrics.dashboard.enabled=true", "the dashboard would be empty"),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_the_reason_and_what_to_write_instead(
    settings: str, reason: str
) -> None:
    with pytest.raises(ClusterError, match=reason):
        template(f"--set={settings}")


def test_all_contradictions_are_told_at_once() -> None:
    with pytest.raises(ClusterError) as refused:
        template("--set=watchNamespaces={a},jobs.namespaces={b},evaluator.policy=c/qa,admissionPolicies.enabled=false")
    assert str(refused.value).count("\n- at /") == 4


def test_bound_to_namespaces_the_operator_may_write_in_these_and_on_its_sources_alone() -> None:
    text = template(WITHOUT_CRDS, "--set=watchNamespaces={llm,search}")
    held = {each["roleRef"]["name"] for each in objects(text) if each["kind"] == "ClusterRoleBinding"}
    written = {
        resource
        for role in objects(text)
        if role["kind"] == "ClusterRole" and role["metadata"]["name"] in held
        for rule in role["rules"]
        if WRITING.intersection(rule["verbs"])
        for resource in rule["resources"]
    }
    assert written == {"metricsources/status"}
    roles = {each["metadata"]["namespace"]: each["rules"] for each in objects(text) if is_named(each, "Role")}
    everywhere = rules_of(named(template(WITHOUT_CRDS), "ClusterRole", "earlystop"))
    assert roles.keys() == {"llm", "search"}
    for rules in roles.values():
        assert rules_of({"rules": rules}) | rules_of(named(text, "ClusterRole", "earlystop")) == everywhere
    bound = [each for each in objects(text) if is_named(each, "RoleBinding")]
    assert {each["metadata"]["namespace"] for each in bound} == {"llm", "search"}
    assert [each for each in operator(text)["args"] if "namespace" in each] == ["--namespace=llm", "--namespace=search"]


@pytest.mark.parametrize("setting", ["fullnameOverride=es", "serviceAccount.name=joe"])
def test_rights_and_admission_policies_are_those_of_the_account_that_the_pod_has(setting: str) -> None:
    text = template(WITHOUT_CRDS, f"--set={setting}", "--set=workload.namespaces={llm}")
    deployment = next(each for each in objects(text) if each["kind"] == "Deployment")
    account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    assert account == setting.split("=")[1]
    subjects = {subject["name"] for each in objects(text) for subject in each.get("subjects", [])}
    assert subjects == {account} and text.count("system:serviceaccount:earlystop-system:") > 4
    assert text.count("system:serviceaccount:earlystop-system:") == text.count(f"earlystop-system:{account}'")


def test_whoever_may_write_a_kind_by_a_role_for_people_may_read_it_by_that_role_alone() -> None:
    people = [each for each in objects(template()) if each["kind"] == "ClusterRole" and "aggregate" in str(each)]
    written = [rule for role in people for rule in role["rules"] if WRITING.intersection(rule["verbs"])]
    assert len(written) >= 2
    assert all({"get", "list", "watch"} <= set(rule["verbs"]) for rule in written)


def test_names_are_the_releases_own_and_can_be_overridden_wholly() -> None:
    text = template(WITHOUT_CRDS, "--set=fullnameOverride=es")
    assert {each["metadata"]["name"].split("-")[0] for each in objects(text)} == {"es"}
    partly = objects(template(WITHOUT_CRDS, "--set=nameOverride=llm-settings"))
    assert all(each["metadata"]["name"].startswith("earlystop-llm-settings") for each in partly)


def test_every_object_has_the_labels_of_helms_conventions_and_says_its_namespace() -> None:
    text = template("--set=networkPolicy.enabled=true,podDisruptionBudget.enabled=true,watchNamespaces={llm}")
    for each in objects(text):
        labels = each["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == labels["app.kubernetes.io/instance"] == "earlystop"
        assert labels["app.kubernetes.io/managed-by"] == "Helm" and labels["helm.sh/chart"] == "earlystop-0.1.0"
        assert labels["app.kubernetes.io/version"] == "0.1.0"
        assert ("namespace" in each["metadata"]) is (each["kind"] in NAMESPACED)


def test_openshift_may_choose_the_user() -> None:
    text = template(WITHOUT_CRDS, "--set=podSecurityContext.runAsUser=null,podSecurityContext.runAsGroup=null")
    pod = named(text, "Deployment", "earlystop")["spec"]["template"]["spec"]
    chosen_there = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["securityContext"] == chosen_there
    given = "evaluator.enabled=true,evaluator.policy=llm/qa,evaluator.goldenConfigMap=golden,evaluator.url=http://a"
    unset = "podSecurityContext.runAsUser=null,podSecurityContext.runAsGroup=null"
    evaluator = named(template(WITHOUT_CRDS, f"--set={unset},{given}"), "Deployment", "earlystop-evaluator")
    assert evaluator["spec"]["template"]["spec"]["securityContext"] == chosen_there


def test_names_of_digits_are_still_names() -> None:
    """A template without quotes would give the API server numbers, which it refuses after half is installed."""
    values = "watchNamespaces={123,1e3,456,789},priorityClassName=123,serviceAccount.name=007,jobs.namespaces={456}"
    text = template(WITHOUT_CRDS, f"--set-string={values},workload.namespaces={{789}}")
    for each in objects(text):
        metadata = each["metadata"]
        assert all(isinstance(metadata[key], str) for key in ("name", "namespace") if key in metadata), metadata
    pod = named(text, "Deployment", "earlystop")["spec"]["template"]["spec"]
    assert (pod["priorityClassName"], pod["serviceAccountName"]) == ("123", "007")
    subjects = [subject for each in objects(text) for subject in each.get("subjects", ()) if "namespace" in subject]
    assert subjects and all(subject["name"] == "007" for subject in subjects)


def test_arguments_environment_and_scheduling_reach_the_pod() -> None:
    more = "extraArgs={--log-level=DEBUG},extraEnv[0].name=A,extraEnv[0].value=b,priorityClassName=high"
    where = "topologySpreadConstraints[0].topologyKey=zone,topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule"
    spread = f"{where},topologySpreadConstraints[0].maxSkew=1,service.annotations.a=b,serviceAccount.annotations.c=d"
    text = template(WITHOUT_CRDS, f"--set={more},{spread}")
    pod = named(text, "Deployment", "earlystop")["spec"]["template"]["spec"]
    assert operator(text)["args"][-1] == "--log-level=DEBUG" and {"name": "A", "value": "b"} in operator(text)["env"]
    assert pod["priorityClassName"] == "high"
    (spread_by,) = pod["topologySpreadConstraints"]
    assert spread_by == {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    assert named(text, "Service", "earlystop-metrics")["metadata"]["annotations"] == {"a": "b"}
    assert named(text, "ServiceAccount", "earlystop")["metadata"]["annotations"] == {"c": "d"}


def test_a_network_policy_lets_in_whom_it_names_and_helms_test_and_bounds_ways_out_only_where_some_are_named() -> None:
    bare = named(template(WITHOUT_CRDS, "--set=networkPolicy.enabled=true"), "NetworkPolicy", "earlystop")["spec"]
    assert bare["policyTypes"] == ["Ingress"] and bare["ingress"] == [{"ports": [{"port": "http"}]}]
    who = "networkPolicy.ingressFrom[0].namespaceSelector.matchLabels.name=monitoring"
    text = template(WITHOUT_CRDS, f"--set=networkPolicy.enabled=true,networkPolicy.egress[0].ports[0].port=6443,{who}")
    spec = named(text, "NetworkPolicy", "earlystop")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    (rule,) = spec["ingress"]
    assert [next(iter(each)) for each in rule["from"]] == ["namespaceSelector", "podSelector"]
    assert [port["port"] for each in spec["egress"] for port in each["ports"]] == [53, 53, 6443]


def test_an_evaluator_runs_as_the_example_does_and_the_operators_service_does_not_find_it() -> None:
    given = "evaluator.enabled=true,evaluator.policy=llm/qa,evaluator.goldenConfigMap=golden-questions"
    more = "evaluator.url=http://gateway.example.com/v1,evaluator.stateClaim=evaluator-state,evaluator.namespace=llm"
    text = template(WITHOUT_CRDS, f"--set={given},{more}")
    deployment = named(text, "Deployment", "earlystop-evaluator")
    example = named((MANIFESTS / "examples" / "evaluator.yaml").read_text(), "Deployment", "evaluator")
    pod, expected = (each["spec"]["template"]["spec"] for each in (deployment, example))
    (container,), (exemplary,) = pod["containers"], expected["containers"]
    assert set(container["args"]) < set(exemplary["args"]) and deployment["metadata"]["namespace"] == "llm"
    for key in ("image", "command", "ports", "securityContext", "resources", "volumeMounts"):
        assert container[key] == exemplary[key], key
    assert pod["volumes"] == expected["volumes"] and pod["automountServiceAccountToken"] is False
    assert pod["securityContext"].items() >= expected["securityContext"].items()
    service = named(text, "Service", "earlystop-metrics")["spec"]["selector"]
    assert not service.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_admission_policies_can_be_left_to_others_with_all_that_needs_them() -> None:
    text = template(WITHOUT_CRDS, "--set=admissionPolicies.enabled=false,injector.enabled=false")
    assert "ValidatingAdmissionPolicy" not in text
    # Nothing would keep a patch from what others wrote, so without them nobody gets one to apply answers by the server.
    for role, resource in (("earlystop-approve", "earlystopapprovals"), ("earlystop-propose", "earlystopproposals")):
        right = ("earlystop.dev", resource, "patch")
        assert right not in rules_of(named(text, "ClusterRole", role))
        assert right in rules_of(named(template(WITHOUT_CRDS), "ClusterRole", role))


def test_a_judge_of_manifests_finds_nothing_that_is_not_explained() -> None:
    text = template(WITHOUT_CRDS, "--set=networkPolicy.enabled=true,podDisruptionBudget.enabled=true")
    found = findings(text)
    assert [each for each in found if each.check not in EXPLAINED] == []
    assert EXPLAINED.keys() == {each.check for each in found}, "an explanation is needed no more"


def is_named(each: dict[str, Any], kind: str) -> bool:
    return (each["kind"], each["metadata"]["name"]) == (kind, "earlystop")


def rules_of(role: dict[str, Any]) -> set[tuple[str, str, str]]:
    """API group, resource and verb of everything that a role lets its holder do."""
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def operator(text: str) -> dict[str, Any]:
    """The operator's container."""
    (container,) = named(text, "Deployment", "earlystop")["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found
