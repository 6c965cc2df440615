"""What a policy's next campaign would begin with: random text of its own, made when it is needed and not at each
reconciliation."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from earlystop.api.source import SourceSpec
from earlystop.api.wire import commitment_in
from earlystop.controller.campaign_tokens import DEFAULT_SECRET, CampaignTokens
from earlystop.controller.cluster import POLICIES
from earlystop.controller.counts.secrets import SECRETS
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.new_campaign import NewCampaigns
from earlystop.rollout.revision import revision_of
from tests.unit.controller.memory import Memory
from tests.unit.controller.tracked_policies import manifest
from tests.unit.rollout.policies import NOW


async def test_the_random_text_of_a_campaign_is_made_once_and_never_serves_two() -> None:
    api, numbers = Memory(), count(1)
    tokens = CampaignTokens()
    campaigns = NewCampaigns(api, tokens, entropy=lambda: f"text{next(numbers)}")
    tracked = TrackedPolicy.load(api.put(POLICIES, manifest()), float(NOW))

    async def offered() -> tuple[str, str]:
        inputs = (await campaigns.next_of(tracked, NOW, lapse_read=False)).inputs
        return inputs.entropy, inputs.commitment

    assert [await offered() for _ in range(3)] == [("text1", "")] * 3
    tracked.state = replace(tracked.state, campaign=1, entropy="text1")
    assert [await offered() for _ in range(2)] == [("text2", "")] * 2
    api.put(SECRETS, {"metadata": {"name": DEFAULT_SECRET, "namespace": "system"}, "data": {}})
    await tokens.learn(api, "system", DEFAULT_SECRET)
    entropy, commitment = await offered()
    assert entropy == "text3" and commitment_in(revision_of(tracked.uid, 2, entropy, commitment))


async def test_a_campaign_would_begin_with_what_its_metric_source_says_of_answers_now() -> None:
    api = Memory()
    tracked = TrackedPolicy.load(api.put(POLICIES, manifest()), float(NOW))
    name = tracked.spec.metrics.source_ref.name
    sources: dict[str, SourceSpec] = {}
    campaigns = NewCampaigns(api, CampaignTokens(), sources=sources)
    for longest in (None, 32768, 512):
        sources[name] = SourceSpec(url="http://prometheus:9090", longest_answer=longest)
        new = await campaigns.next_of(tracked, NOW, lapse_read=False)
        assert new.inputs.longest_answer == longest
    del sources[name]
    assert (await campaigns.next_of(tracked, NOW, lapse_read=False)).inputs.longest_answer is None
