"""The operator's own client, connected as the cluster's admin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubernetes.aio import client, config

from earlystop.controller.cluster import Cluster as Api
from tests.cluster.kit import Cluster


@asynccontextmanager
async def connected(cluster: Cluster) -> AsyncIterator[Api]:
    settings = client.Configuration()
    await config.load_kube_config(config_file=str(cluster.access.kubeconfig), client_configuration=settings)
    async with Api(client.ApiClient(settings)) as api:
        yield api
