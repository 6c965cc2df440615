"""With the rights that the chart gives it, the operator serves a report to whoever a real API server lets read it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from kubernetes.aio.config import kube_config

from earlystop.controller.cluster import Cluster as Connection
from earlystop.controller.health import Health, serve
from earlystop.controller.reports.service import Reports
from tests.cluster.errors import ClusterError
from tests.cluster.kit import Cluster
from tests.cluster.objects import policy, verdict
from tests.cluster.packaging import named, template
from tests.cluster.processes import wait_until

REVIEWS = {"tokenreviews": "authentication", "subjectaccessreviews": "authorization"}
OPERATOR, READER, HALF, STRANGER = "report-operator", "reader", "half", "stranger"


@pytest.fixture(name="accounts")
def _accounts(cluster: Cluster, namespace: str) -> Iterator[None]:
    """The operator with its role, who may read policies and verdicts, who may read policies alone, and who neither."""
    where = f"--namespace={namespace}"
    for each in (OPERATOR, READER, HALF, STRANGER):
        cluster.access.kubectl("create", "serviceaccount", each, where)
    role = named(template("--set=report.enabled=true"), "ClusterRole", "earlystop")
    cluster.access.apply({**role, "metadata": {"name": OPERATOR}})
    bound = f"--serviceaccount={namespace}:{OPERATOR}"
    cluster.access.kubectl("create", "clusterrolebinding", OPERATOR, f"--clusterrole={OPERATOR}", bound)
    for account, kinds in ((READER, ["earlystoppolicies", "earlystopverdicts"]), (HALF, ["earlystoppolicies"])):
        rights = [f"--resource={kind}.earlystop.dev" for kind in kinds]
        cluster.access.kubectl("create", "role", account, where, "--verb=get,list", *rights)
        to = f"--serviceaccount={namespace}:{account}"
        cluster.access.kubectl("create", "rolebinding", account, where, f"--role={account}", to)
    wait_until(lambda: is_in_force(cluster, namespace), 30, "both roles")
    yield
    cluster.access.kubectl("delete", f"clusterrolebinding/{OPERATOR}", f"clusterrole/{OPERATOR}")


def is_in_force(cluster: Cluster, namespace: str) -> bool:
    """Whether the authorizer has learned of the reader's and the operator's role, a moment after they were made."""
    reading = ("list", "earlystopverdicts.earlystop.dev", f"--namespace={namespace}")
    asking = [("create", f"{kind}.{group}.k8s.io") for kind, group in REVIEWS.items()]
    try:
        return all(
            "yes" in cluster.access.kubectl("auth", "can-i", *asked, f"--as=system:serviceaccount:{namespace}:{who}")
            for who, asked in ((READER, reading), *((OPERATOR, each) for each in asking))
        )
    except ClusterError:
        return False


@asynccontextmanager
async def served(cluster: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of an operator that serves reports with its own account."""
    path = cluster.access.service_account_kubeconfig(namespace, OPERATOR)
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    async with await Connection.connect() as connection:
        routes = Reports(connection, lambda: 1_760_000_000.0).routes()
        runner = await serve(Health(lambda: 0.0, lambda: 0.0, list, ready=True), "127.0.0.1", 0, routes)
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def test_a_report_is_served_to_whoever_may_read_policy_and_verdicts_and_to_nobody_else(
    cluster: Cluster, namespace: str, accounts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.access.apply(policy(namespace))
    uid = cluster.access.get("earlystoppolicy/qa", f"--namespace={namespace}")["metadata"]["uid"]
    stored = verdict(namespace, uid)
    cluster.access.apply(stored)

    async def ask(address: str, account: str) -> tuple[int, str]:
        token = cluster.access.kubectl("create", "token", account, f"--namespace={namespace}").strip()
        headers = {"Authorization": f"Bearer {token}"}
        path = f"{address}/report/{namespace}/qa"
        async with aiohttp.ClientSession() as session, session.get(path, headers=headers) as response:
            return response.status, await response.text()

    async with served(cluster, namespace, monkeypatch) as address:
        status, page = await ask(address, READER)
        assert status == 200 and stored["spec"]["digest"] in page and "does not verify</h2>" not in page
        assert [(await ask(address, account))[0] for account in (HALF, STRANGER)] == [403, 403]
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": "Bearer made.up.token"}
            async with session.get(f"{address}/report/{namespace}/qa", headers=headers) as response:
                assert response.status == 401
