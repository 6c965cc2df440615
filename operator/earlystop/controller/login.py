"""How Kopf's watches find the API server and say who they are: as the operator's own requests do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import kopf
from kubernetes.aio.client.rest import RESTClientObject
from multidict import CIMultiDict

from earlystop.controller.api_login import ApiLogin

Credentials = kopf.ConnectionInfo | kopf.AiohttpSession


class WatchLogin:
    """Logs Kopf's watches in: as the service account of a Pod, else as the operator's own requests are by a kubeconfig.

    Kopf would read that by itself, and leave out whom it acts as, credentials that a plugin gives, and proxies of the
    environment: watches would list and follow with other rights than the operator writes with.
    """

    def __init__(self, environment: Mapping[str, str], known: ApiLogin | None) -> None:
        """environment: of the process. known: how the operator's own requests say who they are, None where nobody
        has to."""
        self._environment, self._known = environment, known
        self._used: tuple[int, object] | None = None

    async def __call__(self, **kwargs: Any) -> Credentials | None:
        """What Kopf's watches say who they are with; None where there is nothing, or nothing that was not refused.

        Kopf asks again when the API server has refused what it was given.
        """
        if self._known is None or not self._known.from_file:
            return _service_account(self._environment, **kwargs)
        known, before = self._known, self._used
        if before is not None:
            await known.renew(before[0])
        since, credentials = known.renewals_tried, await _said(known)
        self._used = since, credentials
        if before is not None and before[1] == credentials:
            return None
        return kopf.AiohttpSession(server=str(known.configuration.host), aiohttp_session=await _session(known))


def _service_account(environment: Mapping[str, str], **kwargs: Any) -> kopf.ConnectionInfo | None:
    """In a Pod the API server is asked at the address in `environment`, as the operator's own requests are. Kopf by
    itself goes by the name kubernetes.default.svc, so that its watches would die with the cluster's name server."""
    found = kopf.login_with_service_account(**kwargs)
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if found is None or not host:
        return found
    return replace(found, server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")


async def _authorization(known: ApiLogin) -> dict[str, str]:
    token = (await known.configuration.auth_settings()).get("BearerToken")
    return {"Authorization": str(token["value"])} if token is not None and token["value"] else {}


async def _said(known: ApiLogin) -> object:
    """Everything by which the API server knows who asks, to be compared."""
    configuration = known.configuration
    return configuration.host, configuration.cert_file, configuration.key_file, await _authorization(known)


async def _session(known: ApiLogin) -> aiohttp.ClientSession:
    """A session as that of the operator's own requests, but for the number of its connections: each kind that is
    watched has one that stays open. Kopf closes it."""
    configuration = known.configuration
    headers = CIMultiDict(known.acts_as)
    headers.extend(await _authorization(known))
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=RESTClientObject(configuration).ssl_context),
        headers=headers,
        proxy=configuration.proxy,
        trust_env=False,
    )
