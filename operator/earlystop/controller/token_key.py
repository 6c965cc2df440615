"""The operator learns the key of campaigns' tokens before it reconciles a policy, or finds that they may go without.

One refusal is not believed, and none while a campaign under way has a token: without the key it would begin anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from earlystop.api.wire import commitment_in
from earlystop.controller.campaign_tokens import MISSING, CampaignTokens
from earlystop.controller.cluster import POLICIES, Cluster, ClusterError, Manifest
from earlystop.controller.cluster_errors import FORBIDDEN, UNAUTHORIZED
from earlystop.controller.counts.secrets import own_namespace
from earlystop.rollout.state import BETWEEN_TRIALS, ENDED, Phase

REFUSED = frozenset({UNAUTHORIZED, FORBIDDEN})
PATIENCE_SECONDS = 5.0
"""The rights of a new install do not hold at once: a refusal is not believed for so long. A right that comes later is
found by and by."""
NEEDS_NO_TOKEN = (ENDED | BETWEEN_TRIALS | {Phase.PENDING}) - {Phase.HELD}
"""Phases that nothing is counted in, so that users keep their setting under a revision without a commitment."""


log = logging.getLogger(__name__)


class TokenKey:
    """Learns the key, at the start and, where campaigns go without, once it comes.

    secret: name of the Secret, in the operator's own namespace, that keeps it. namespaces: those whose policies the
    operator reconciles, None standing for all. clock: Unix seconds.
    """

    def __init__(
        self,
        cluster: Cluster,
        tokens: CampaignTokens,
        secret: str,
        clock: Callable[[], float],
        namespaces: Sequence[str | None],
    ) -> None:
        self._cluster, self._tokens, self._secret = cluster, tokens, secret
        self._clock, self._namespaces = clock, namespaces
        self._asked_since: float | None = None

    async def learn(self) -> None:
        """Learn the key, or find that campaigns may go without. Raises ClusterError when it is to be tried again
        first."""
        since = self._asked_since = self._clock() if self._asked_since is None else self._asked_since
        try:
            await self._tokens.learn(self._cluster, own_namespace(), self._secret)
        except ClusterError as error:
            is_in_use = await has_tokens_in_use(self._cluster, self._namespaces)
            what = f"let the operator get and update Secret {self._secret} in namespace {own_namespace()}"
            if not may_go_without(error, self._clock() - since, is_in_use):
                if is_in_use:
                    log.error("no policy is reconciled, since campaigns under way need the key of tokens: %s", what)
                raise
            log.warning(
                "there is no key of tokens yet (%s), so new campaigns have none and servers cannot tell forged requests"
                " from others: %s, and create it empty where it is missing",
                error,
                what,
            )

    async def learn_late(self) -> None:
        """Ask once more for a key that the operator started without; campaigns that begin later have tokens then."""
        if self._tokens.has_key or self._asked_since is None:
            return
        try:
            await self._tokens.learn(self._cluster, own_namespace(), self._secret)
        except ClusterError:
            return  # what to do is in the log since the start
        log.info("the key of tokens has come: campaigns that begin from now on have tokens")


def may_go_without(error: ClusterError, waited: float, is_in_use: bool) -> bool:
    """Whether campaigns may begin without tokens until the key can be read.

    error: the last answer about the Secret; waited: seconds since it was first asked for; is_in_use: whether a campaign
    under way has a token, which would have to begin anew.
    """
    if is_in_use:
        return False
    return error.status == MISSING or (error.status in REFUSED and waited >= PATIENCE_SECONDS)


def has_token_in_use(policy: Manifest) -> bool:
    """Whether a stored policy has a campaign under way whose revision commits to a token."""
    status = policy.get("status") or {}
    needs_none = status.get("phase") in {None, *NEEDS_NO_TOKEN}
    return not needs_none and bool(commitment_in(str(status.get("revision", ""))))


async def has_tokens_in_use(cluster: Cluster, namespaces: Sequence[str | None]) -> bool:
    """Whether any stored policy of these namespaces has one, None standing for all. Raises ClusterError when the API
    fails."""
    for namespace in namespaces:
        async for page in cluster.pages(POLICIES, namespace):
            if any(map(has_token_in_use, page)):
                return True
    return False
