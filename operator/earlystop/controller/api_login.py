"""How the API server is reached, and as whom: as the Pod's service account, else as KUBECONFIG says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

from kubernetes.aio import client, config
from multidict import CIMultiDict

from earlystop.controller.environment_proxy import environment_proxy
from earlystop.controller.impersonation import impersonation_headers
from earlystop.controller.resources import Manifest
from earlystop.own_variables import hidden_from_children

PLUGIN_SECONDS = 30.0


@dataclass(slots=True)
class _Renewals:
    """How many were tried, one at a time, and whether the last one gave anything."""

    tried: int = 0
    has_renewed: bool = False
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class ApiLogin:
    """configuration: of the client library, which holds the credentials. context: of the kubeconfig, also where it was
    the current one: that may be another by the time of a renewal, and lead to another cluster. from_file: whether they
    are KUBECONFIG's; those of a service account the library renews itself. acts_as: headers that say whose rights its
    requests have, none where they are those of who logs in."""

    configuration: client.Configuration
    context: str | None
    from_file: bool
    acts_as: tuple[tuple[str, str], ...] = ()
    _renewals: _Renewals = field(default_factory=_Renewals, repr=False, compare=False)

    @classmethod
    async def find(cls, context: str | None, kubeconfig: Manifest | None = None) -> Self:
        """The credentials of the Pod's service account, else those of KUBECONFIG; with `context`, the latter's alone.
        kubeconfig: what KUBECONFIG says, where that is known; files in it have absolute names.

        Raises ConfigException when there is neither, and when it does not say clearly whom the latter acts as.
        """
        configuration = client.Configuration()
        from_file, acts_as = context is not None, tuple[tuple[str, str], ...]()
        if not from_file:
            try:
                config.load_incluster_config(client_configuration=configuration)
            except config.ConfigException:
                from_file = True
        if from_file:
            with hidden_from_children():
                if kubeconfig is None:
                    loaded = await config.load_kube_config(context=context, client_configuration=configuration)
                else:
                    loaded = await config.load_kube_config_from_dict(kubeconfig, context, configuration)
            context = str(loaded.current_context["name"])
            user = vars(loaded)["_user"]  # as the library has merged it from all files
            acts_as = impersonation_headers(user.value if user is not None else {})
        # A retried write that had succeeded would come back as a conflict; the scheduler repeats the reconciliation.
        configuration.retries = None
        # The library's session would read .netrc and the proxies anew, in another thread, for every request.
        configuration.client_session_kwargs = {"trust_env": False, "headers": CIMultiDict(acts_as)}
        configuration.proxy = configuration.proxy or environment_proxy(configuration.host)
        return cls(configuration, context, from_file, acts_as)

    @property
    def renewals_tried(self) -> int:
        """How often credentials were learnt anew, or could not be: what a request was sent after."""
        return self._renewals.tried

    async def renew(self, since: int) -> bool:
        """Learn KUBECONFIG's credentials anew: a cloud's plugin gives tokens that last some minutes, and a command may
        follow a rollout for days. since: `renewals_tried` when the request was sent that was refused; of several that
        are refused together, one asks the plugin for all. False where there is nothing to learn, or nobody gives it."""
        if not self.from_file:
            return False
        async with self._renewals.one_at_a_time:
            if self._renewals.tried == since:
                self._renewals.has_renewed = await self._learn()
                self._renewals.tried += 1
            return self._renewals.has_renewed

    async def _learn(self) -> bool:
        try:
            with hidden_from_children():
                async with asyncio.timeout(PLUGIN_SECONDS):
                    await config.load_kube_config(context=self.context, client_configuration=self.configuration)
        except (config.ConfigException, OSError, ValueError):  # TimeoutError is an OSError
            return False
        return True
