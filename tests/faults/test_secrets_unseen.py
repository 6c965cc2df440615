"""Whatever fails, no secret that a running operator holds stands in its log, in an object or in its metrics."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from earlystop.api.wire import API_VERSION
from earlystop.controller.cluster import EVENTS, POLICIES, SOURCES, VERDICTS
from earlystop.demo import manifests
from tests.cluster.access import Access
from tests.cluster.installed import OPERATOR_NAMESPACE, install_without_operator
from tests.cluster.kit import Cluster
from tests.cluster.objects import policy
from tests.cluster.packaging import ROOT
from tests.cluster.processes import Child, wait_until
from tests.e2e.stage import direct, status_of
from tests.faults.planted_secrets import Planted, answer, answers
from tests.unit.metrics.source.certificates import Authority
from tests.unit.metrics.source.faulty_server import FaultyServer, serving

HTTP_HOOKS = ("401", "500", "redirect", "slow", "cut", "page")
"""Bad answers to webhooks: those that differ in how the operator takes them."""
PORT = 18096
"""Of the first operator, in the tests' own network."""
HOOKS_AT_ONCE = 8
"""Of one policy."""


@pytest.fixture(scope="module", autouse=True)
def installed(cluster: Cluster) -> None:
    install_without_operator(cluster.access)


@pytest.fixture
def nothing_left(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Takes out afterwards what belongs to no namespace."""
    yield
    mine = f"--selector=test={namespace}"
    cluster.access.kubectl("delete", "metricsources,hooktargets", mine, "--ignore-not-found")
    cluster.access.kubectl("delete", "secrets", mine, f"--namespace={OPERATOR_NAMESPACE}", "--ignore-not-found")


class Scene:
    """Sources and receivers that fail in every way, each with secrets of its own."""

    def __init__(self, access: Access, namespace: str, plain: str, tls: str) -> None:
        self.access, self.namespace, self.plain, self.tls = access, namespace, plain, tls
        self.planted, self.sources, self.targets = Planted(), dict[str, dict[str, Any]](), dict[str, dict[str, Any]]()

    def reference(self, what: str, text: str | None = None) -> dict[str, str]:
        """A key of a Secret that holds a planted text; text: with {} where that stands."""
        name = f"{self.namespace}-{what}".lower()
        value = (text or "{}").format(self.planted.secret(what))
        metadata = {"name": name, "namespace": OPERATOR_NAMESPACE, "labels": {"test": self.namespace}}
        self.access.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"key": value}})
        return {"name": name, "key": "key"}

    def source(self, what: str, url: str, text: str | None = None, **more: Any) -> None:
        auth = {"type": "Basic" if text and ":" in text else "Bearer"}
        spec = {"url": url, "timeoutSeconds": 1, "auth": {**auth, "secretRef": self.reference(f"s-{what}", text)}}
        self.sources[what] = {**spec, **more}

    def target(self, what: str, url: str, key: str | None = None, **more: Any) -> None:
        """A receiver whose address is a secret too, unless `more` names one."""
        where = {} if "url" in more else {"urlRef": self.reference(f"u-{what}", f"{url}/{{}}")}
        plain = {"allowHttp": True, "allowNetworks": ["127.0.0.0/8"], "timeoutSeconds": 1, "retrySeconds": 3}
        signing = {"signingRef": self.reference(f"k-{what}", key or "a-key-of-24-bytes-or-more-{}")}
        self.targets[what] = {**plain, **where, **signing, **more}

    def make(self) -> None:
        """Write all down."""
        for answering in answers(self.planted):
            self.source(answering, f"{self.plain}/{answering}")
        self.source("basic", f"{self.plain}/401", "user:{}")
        self.source("no-password", f"{self.plain}/401", "{}:")
        self.source("two-lines", f"{self.plain}/401", "{}\nX-More: 1")
        self.source("no-ascii", f"{self.plain}/401", "{}\u2028\u00e9")
        self.source("unknown-authority", f"{self.tls}/json")
        self.source("no-certificate", f"{self.tls}/json", tls={"caRef": self.reference("ca", "no PEM {}")})
        pair = {
            "certificateRef": self.reference("crt", "-----BEGIN CERTIFICATE-----\n{}"),
            "keyRef": self.reference("pem"),
        }
        self.source("no-key", f"{self.tls}/json", tls=pair)
        self.source("no-tls", self.plain.replace("http:", "https:") + "/json")
        self.source("nobody", "http://127.0.0.1:9")
        self.source("no-name", "http://nobody.invalid:9")
        self.source("metadata", "http://169.254.169.254")
        for answering in HTTP_HOOKS:
            self.target(answering, f"{self.plain}/{answering}")
        self.target("unknown-authority", f"{self.tls}/json")
        self.target("nobody", "http://127.0.0.1:9")
        self.target("no-name", "https://nobody.invalid")
        self.target("inside", f"{self.plain}/401", allowNetworks=[])
        self.target("no-address", "no address at all")
        self.target("user", self.plain.replace("://", "://user:pass@") + "/401")
        self.target("plain", f"{self.plain}/401", allowHttp=False)
        self.target("short-key", f"{self.plain}/none", "{}"[:2], retrySeconds=3)
        self.target("odd-key", f"{self.plain}/none", "whsec_!!{}")
        self.target("chat", f"{self.plain}/500", template="Slack")
        labels = {"test": self.namespace}
        of_kind = (("MetricSource", self.sources), ("HookTarget", self.targets))
        for kind, made in of_kind:
            for what, spec in made.items():
                metadata = {"name": f"{self.namespace}-{what}", "labels": labels}
                self.access.apply({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})
        settings = {"name": "qa-settings", "namespace": self.namespace, "labels": {"earlystop.dev/settings": "true"}}
        self.access.apply(
            *manifests.service(self.namespace, 8080), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": settings}
        )
        names = sorted(self.targets)
        for first in range(0, len(names), HOOKS_AT_ONCE):
            self.access.apply(self.policy(f"qa-{first}", names[first : first + HOOKS_AT_ONCE]))

    def policy(self, name: str, hooked: list[str]) -> dict[str, Any]:
        """A policy that needs no gateway, asks its first receiver as a gate, and tells all of them of its rollback."""
        made = policy(self.namespace, name)
        settings = {"name": "qa-settings", "drawnBy": "Request"}
        if name != "qa-0":  # one policy alone has the target and its entry
            settings["name"] = f"settings-{name}"
            labels = {"earlystop.dev/settings": "true"}
            metadata = {"name": settings["name"], "namespace": self.namespace, "labels": labels}
            self.access.apply(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, *self.target_of(made, name)
            )
        made["spec"]["delivery"] = {"mode": "ConfigMap", "configMap": settings}
        made["spec"]["metrics"] = {"sourceRef": {"name": f"{self.namespace}-401"}}
        made["spec"]["hooks"] = [
            {"name": f"h-{each}", "targetRef": {"name": f"{self.namespace}-{each}"}, "on": ["RolledBack"]}
            for each in hooked
        ]
        return made

    def target_of(self, made: dict[str, Any], name: str) -> list[dict[str, Any]]:
        """A workload of the policy's own."""
        own = [dict(each) for each in manifests.service(self.namespace, 8080) if each["kind"] == "Deployment"]
        made["spec"]["targetRef"]["name"] = f"server-{name}"
        return [{**each, "metadata": {**each["metadata"], "name": f"server-{name}"}} for each in own]

    def shown(self) -> dict[str, list[dict[str, Any]]]:
        """Every object that the operator writes into, but Secrets."""
        of = self.access.items
        found = {
            "policies": of(POLICIES, self.namespace),
            "verdicts": of(VERDICTS, self.namespace),
            "events": [*of(EVENTS, self.namespace), *of(EVENTS, OPERATOR_NAMESPACE), *of(EVENTS, "default")],
            "sources": of(SOURCES),
        }
        for kind in ("hooktargets", "configmaps", "leases", "earlystopcheckpoints"):
            found[kind] = self.access.get(kind, "--all-namespaces")["items"]
        return found

    def unasked_sources(self) -> list[str]:
        """Sources of which it is not said yet how they fail."""
        told = {
            each["metadata"]["name"]: each.get("status", {}).get("conditions", [])
            for each in self.access.items(SOURCES)
        }
        return [
            what
            for what in self.sources
            if not any(each["status"] == "False" for each in told[f"{self.namespace}-{what}"])
        ]

    def untold_hooks(self) -> list[str]:
        """Policies of which no hook has been given up yet."""
        return [
            each["metadata"]["name"]
            for each in self.access.items(POLICIES, self.namespace)
            if "given up" not in json.dumps(each.get("status", {})).lower()
            and not any(
                event["reason"] == "HookGivenUp" and event["involvedObject"]["name"] == each["metadata"]["name"]
                for event in self.access.items(EVENTS, self.namespace)
            )
        ]


def start_operator(access: Access, name: str, environment: dict[str, str], port: int = 0) -> Child:
    paths = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
    common = {"PYTHONPATH": paths, "EARLYSTOP_NAMESPACE": OPERATOR_NAMESPACE}
    command = [sys.executable, "-m", "earlystop.controller", "--host=127.0.0.1", f"--port={port}"]
    command.append("--log-level=DEBUG")
    return Child(name, command, Path(access.directory), environment={**common, **environment})


def abort(access: Access, namespace: str, name: str) -> None:
    def status() -> dict[str, Any]:
        return dict(access.read(POLICIES, namespace, name).get("status", {}))

    wait_until(lambda: status().get("phase") in ("Applying", "Settling", "Observing"), 60, f"a campaign of {name}")
    annotation = f"earlystop.dev/abort={status()['revision']}"
    access.kubectl("annotate", f"esp/{name}", f"--namespace={namespace}", "--overwrite", annotation)


def asked_of(server: FaultyServer) -> set[str]:
    """The answers that it has been asked for."""
    return {path.split("/")[1] for path, _, _ in tuple(server.requests)}


def test_no_secret_of_an_operator_is_seen_however_sources_and_receivers_fail(
    cluster: Cluster, namespace: str, nothing_left: None, tmp_path: Path
) -> None:
    access, authority = cluster.access, Authority(tmp_path)
    pair = authority.issue("server", "IP:127.0.0.1")
    planted = Planted()
    with serving(answer(planted)) as plain, serving(answer(planted), pair.serving()) as tls:
        scene = Scene(access, namespace, plain.url, tls.url)
        scene.planted = planted
        scene.make()
        kubeconfig = access.service_account_kubeconfig(OPERATOR_NAMESPACE, "earlystop")
        proxy = f"http://{planted.secret('proxy-user')}:{planted.secret('proxy-password')}@127.0.0.1:9"
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), proxy)
        operator = start_operator(access, f"operator-{namespace}", {"KUBECONFIG": str(kubeconfig), **proxies}, PORT)
        behind = start_operator(
            access, f"proxied-{namespace}", {"KUBECONFIG": str(kubeconfig), "HTTPS_PROXY": proxy, "https_proxy": proxy}
        )
        try:
            operator.wait_ready(lambda: status_of(f"http://127.0.0.1:{PORT}/readyz") == 200, 60)
            names = [each["metadata"]["name"] for each in access.items(POLICIES, namespace)]
            for name in names:
                abort(access, namespace, name)
            wait_until(lambda: not scene.unasked_sources(), 90, "every source to fail")
            # A source may be said to fail by the operator behind a proxy, which reaches few, before the other asks it.
            wanted = answers(planted).keys() - {"none"}
            wait_until(lambda: wanted <= asked_of(plain), 90, "every answer to be given")
            wait_until(lambda: not scene.untold_hooks(), 90, "hooks to be given up")
            shown = scene.shown()
            with direct.open(f"http://127.0.0.1:{PORT}/metrics", timeout=5) as response:
                metrics = response.read().decode()
        finally:
            operator.stop()
            behind.stop()
    token = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
    key = access.get("secret/earlystop-token-key", f"--namespace={OPERATOR_NAMESPACE}").get("data", {})
    planted.planted |= {"the operator's token": token, **{f"{name} of campaigns": text for name, text in key.items()}}
    assert len(planted.planted) > 60
    told = {"log": operator.log.read_text(), "log behind a proxy": behind.log.read_text(), "metrics": metrics}
    told |= {kind: json.dumps(items) for kind, items in shown.items()}
    assert {where: found for where, text in told.items() if (found := planted.found_in(text))} == {}
    written = ("log", "log behind a proxy", "metrics", "policies", "verdicts", "events", "sources")
    assert [where for where in written if len(told[where]) <= 2] == []


def test_a_planted_secret_is_found_in_whatever_form_it_is_shown() -> None:
    planted = Planted()
    text = planted.secret("token")
    encoded = [base64.b64encode(each.encode()).decode() for each in (text, f"u:{text}", f"user:{text}")]
    for shown in (f"Bearer {text}", f"x%20{text}", *encoded, text.encode().hex()):
        assert planted.found_in(f"... {shown} ...") == ["token"], shown
    assert planted.found_in("nothing of it") == []
