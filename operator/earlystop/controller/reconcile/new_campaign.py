"""What a campaign would begin with that began now: read before the spec and people's requests are followed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from earlystop.api.source import SourceSpec
from earlystop.controller.campaign_tokens import CampaignTokens
from earlystop.controller.cluster import Cluster
from earlystop.controller.memory.next_identity import NextIdentity
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.store.past_verdicts import PastVerdicts
from earlystop.controller.store.verdict_store import NO_EARLIER_POLICY, earlier_policy
from earlystop.rollout.campaign_inputs import CampaignInputs
from earlystop.rollout.search.external import WaitingOffer

NO_SOURCES: Mapping[str, SourceSpec] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What a campaign gets that would begin now, all of it made at the edge.

    inputs: what its beginning is given, but for what depends on requests that are followed before it.
    earlier_digest: of the latest verdict of a policy that had the name before, "" where there is none.
    history_notes: sentences for people about what its search learned from earlier verdicts; none where it did not.
    lapse_read: whether what a lapsed certificate depends on was read just now.
    """

    inputs: CampaignInputs
    earlier_digest: str = ""
    history_notes: tuple[str, ...] = ()
    lapse_read: bool = False


class NewCampaigns:
    """Reads what a policy's next campaign would begin with."""

    def __init__(
        self,
        cluster: Cluster,
        tokens: CampaignTokens,
        proposed: Callable[[tuple[str, str]], tuple[WaitingOffer, ...]] = lambda _: (),
        sources: Mapping[str, SourceSpec] = NO_SOURCES,
        entropy: Callable[[], str] = secrets.token_hex,
    ) -> None:
        """tokens: of campaigns. proposed: what others have proposed to the search of the policy of a namespace and
        name. sources: MetricSources by their names, as they are now. entropy: gives a new random text at each call, for
        the revisions of campaigns; each is for one campaign.
        """
        self.tokens = tokens
        self._cluster = cluster
        self._proposed = proposed
        self._sources = sources
        self._entropy = entropy
        self._past = PastVerdicts(cluster)

    async def next_of(self, tracked: TrackedPolicy, now: int, *, lapse_read: bool) -> NewCampaign:
        """What a campaign of this policy would begin with at Unix second `now`.

        lapse_read: see NewCampaign. Raises ClusterError when the Kubernetes API fails.
        """
        entropy, commitment = self._next_identity(tracked)
        source = self._sources.get(tracked.spec.metrics.source_ref.name)
        earlier, history, spec = NO_EARLIER_POLICY, None, tracked.spec
        if tracked.state.plan is None and not spec.suspend and tracked.observations.refusal is None:
            earlier = await earlier_policy(self._cluster, tracked)  # before its first campaign, and never again
        if spec.search is not None and spec.search.warm_start == "History":
            history = await self._past.history_for(tracked, now)
        inputs = CampaignInputs(
            uid=tracked.uid,
            entropy=entropy,
            commitment=commitment,
            token_lost=self.tokens.is_lost(tracked.label, tracked.uid, tracked.state),
            recorded=earlier.attempts,
            belief=None if history is None else history.belief,
            waiting=self._proposed(tracked.key),
            longest_answer=None if source is None else source.longest_answer,
        )
        return NewCampaign(inputs, earlier.digest, () if history is None else history.told, lapse_read)

    def _next_identity(self, tracked: TrackedPolicy) -> tuple[str, str]:
        """The random text of the policy's next campaign and its commitment. They are made once and kept until a
        campaign has begun with them, since a policy is reconciled thousands of times before its next campaign."""
        known, has_key = tracked.next_identity, self.tokens.has_key
        if known is None or known.entropy == tracked.state.entropy or known.has_key != has_key:
            entropy = self._entropy()
            commitment = self.tokens.commitment(tracked.label, tracked.uid, entropy)
            known = tracked.next_identity = NextIdentity(entropy, commitment, has_key)
        return known.entropy, known.commitment
