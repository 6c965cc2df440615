"""`kubectl earlystop validate` refuses what a real API server refuses, by the same rules, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from earlystop.api.wire import GROUP, VERSION
from earlystop.cli.files.offline_check import problems_of
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS, Manifest, changed, policy
from tests.cluster.refused_fields import FIELDS
from tests.cluster.refused_policies import POLICIES
from tests.unit.cli.wrong_words import OBJECTS

RULE = re.compile(r'Invalid value: "(?:object|array|string)": (?!\S+ in body )(.*)', re.DOTALL)
UNTOLD = ("<nil>", "")
"""Fields of the API server's remark that some rules were not checked."""
METADATA = ("metadata.lables", "metadata.labels", "metadata.annotations", "metadata.name")


def causes(cluster: Cluster, manifest: Manifest) -> list[dict[str, str]]:
    """What the API server says against creating an object: a field and a message each; none when it takes it."""
    settings = client.Configuration()
    config.load_kube_config(config_file=str(cluster.access.kubeconfig), client_configuration=settings)
    settings.proxy = None  # it does not know the private network
    objects = client.CustomObjectsApi(client.ApiClient(settings))
    try:
        objects.create_namespaced_custom_object(
            GROUP, VERSION, "default", "earlystoppolicies", manifest, dry_run="All", field_validation="Strict"
        )
    except ApiException as error:
        answer: Any = json.loads(error.body or "{}")
        told = (answer.get("details") or {}).get("causes") or [{"field": "?", "message": answer["message"]}]
        return [each for each in told if each.get("field", "") not in UNTOLD]
    return []


def difference(online: list[dict[str, str]], offline: list[str]) -> str:
    """How the two answers differ; nothing where they say the same.

    Where the form of a field is wrong, the API server may also name rules that are broken by it: offline they wait.
    """
    if bool(online) != bool(offline):
        return "one refuses it, and the other does not"
    rules = {f"{each['field']}: {match[1]}." for each in online if (match := RULE.fullmatch(each["message"]))}
    if len(rules) == len(online):
        return "" if rules == set(offline) else "the rules differ"
    fields = {each.split(": ")[0] for each in offline}
    named = {each["field"] for each in online} | {
        word.strip('"') for each in online for word in each["message"].split()
    }
    return "" if fields <= named else f"{fields - named} are not what the API server names"


def test_every_mistake_is_found_offline_in_the_fields_and_by_the_rules_that_the_api_server_names(
    cluster: Cluster,
) -> None:
    cluster.access.install_crds(CRDS)
    differing = []
    for name, (path, value) in {**{name: row[:2] for name, row in POLICIES.items()}, **FIELDS}.items():
        manifest = changed(policy(), path, value)
        online, offline = causes(cluster, manifest), problems_of(manifest)
        if told := difference(online, offline):
            differing.append((name, told, online, offline))
    assert not differing, "\n".join(map(str, differing))


def test_metadata_that_is_refused_offline_is_refused_by_the_api_server(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)
    wrong = {name: row[:2] for name, row in OBJECTS.items() if row[0] in METADATA}
    assert len(wrong) > 8
    assert not [name for name, (path, value) in wrong.items() if not causes(cluster, changed(policy(), path, value))]
