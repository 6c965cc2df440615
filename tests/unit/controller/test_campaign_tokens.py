"""Tokens follow from one key: the same after every start, lost with the key, and in no log line or repr."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace

import pytest

from earlystop.api.wire import commitment_in, is_genuine
from earlystop.controller.campaign_tokens import DEFAULT_SECRET, CampaignTokens
from earlystop.controller.cluster import ClusterError, Conflict, NotFound
from earlystop.controller.counts.secrets import SECRETS
from earlystop.rollout.revision import revision_of
from earlystop.rollout.state import RolloutState
from tests.unit.controller.memory import Memory
from tests.unit.delivery.cluster import split
from tests.unit.rollout.policies import UID

NAMESPACE, KEY, OTHER_KEY = "earlystop-system", b"k" * 32, b"o" * 32
LABEL, ENTROPY = "llm/qa", "random"


def install(api: Memory, **data: bytes) -> None:
    """The Secret as the install makes it, or with these data."""
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    metadata = {"name": DEFAULT_SECRET, "namespace": NAMESPACE, "labels": {"app": "earlystop"}}
    api.put(SECRETS, {"metadata": metadata, "type": "Opaque", **({"data": encoded} if data else {})})


def stored(api: Memory) -> dict[str, bytes]:
    data = api.at(SECRETS, NAMESPACE, DEFAULT_SECRET).get("data", {})
    return {name: base64.b64decode(value) for name, value in data.items()}


async def learned(api: Memory, key: bytes = KEY) -> CampaignTokens:
    """What an operator has learned that starts now, and would make this key."""
    tokens = CampaignTokens()
    await tokens.learn(api, NAMESPACE, DEFAULT_SECRET, lambda: key)
    return tokens


def campaign(tokens: CampaignTokens, entropy: str = ENTROPY) -> RolloutState:
    commitment = tokens.commitment(LABEL, UID, entropy)
    return RolloutState(revision=revision_of(UID, 1, entropy, commitment), entropy=entropy, campaign=1)


async def test_the_first_start_fills_the_secret_and_a_later_one_gives_the_same_tokens() -> None:
    api = Memory()
    install(api)
    first = await learned(api)
    assert stored(api) == {"key": KEY}
    later = await learned(api, OTHER_KEY)
    assert stored(api) == {"key": KEY} and [method for method, _ in api.calls] == ["PUT"]
    assert first.commitment(LABEL, UID, ENTROPY) == later.commitment(LABEL, UID, ENTROPY) != ""
    assert not later.is_lost(LABEL, UID, campaign(first))


@pytest.mark.parametrize("data", [{"key": b""}, {"key": b"too short"}, {"other": b"x" * 40}])
async def test_a_secret_without_a_usable_key_is_filled_and_keeps_what_else_it_has(data: dict[str, bytes]) -> None:
    api = Memory()
    install(api, **data)
    await learned(api)
    assert stored(api) == {**data, "key": KEY}


async def test_of_two_operators_that_start_at_once_both_have_the_key_that_was_stored() -> None:
    api = Memory()
    install(api)

    def slow() -> bytes:
        install(api, key=OTHER_KEY)  # the other one was faster
        return KEY

    tokens = CampaignTokens()
    with pytest.raises(Conflict):
        await tokens.learn(api, NAMESPACE, DEFAULT_SECRET, slow)
    await tokens.learn(api, NAMESPACE, DEFAULT_SECRET, slow)
    assert stored(api) == {"key": OTHER_KEY}
    assert not tokens.is_lost(LABEL, UID, campaign(CampaignTokens(OTHER_KEY)))


async def test_no_answer_about_the_secret_is_final_so_each_is_raised_and_a_later_one_gives_the_key() -> None:
    for error in (ClusterError(0, "no answer"), ClusterError(503, "starting"), ClusterError(403, "no right yet")):
        api = Memory()
        install(api, key=KEY)
        api.fail("GET", error)
        tokens = CampaignTokens()
        with pytest.raises(ClusterError):
            await tokens.learn(api, NAMESPACE, DEFAULT_SECRET)
        assert not tokens.has_key and campaign(tokens).revision == revision_of(UID, 1, ENTROPY)
        await tokens.learn(api, NAMESPACE, DEFAULT_SECRET)
        assert tokens.has_key
    with pytest.raises(NotFound, match=f"no Secret {DEFAULT_SECRET} in namespace {NAMESPACE}"):
        await learned(Memory())


async def test_every_campaign_of_every_policy_has_a_token_of_its_own() -> None:
    tokens = CampaignTokens(KEY)
    found = {
        tokens.commitment(label, uid, entropy)
        for label in (LABEL, "llm/other")
        for uid in (UID, "another")
        for entropy in ("a", "b", "c")
    }
    assert len(found) == 12


def test_a_split_of_a_campaign_gets_the_token_that_its_revision_commits_to() -> None:
    tokens, state = CampaignTokens(KEY), campaign(CampaignTokens(KEY))
    made = tokens.with_token(split(25, revision=state.revision), LABEL, UID, ENTROPY)
    assert made.revision == state.revision and is_genuine(LABEL, made.revision, made.token) and len(made.token) == 64
    old = split(25)
    assert tokens.with_token(old, LABEL, UID, ENTROPY) is old


def test_with_another_key_a_split_commits_to_no_token_so_that_users_keep_what_was_promoted() -> None:
    state, rotated = campaign(CampaignTokens(KEY)), CampaignTokens(OTHER_KEY)
    for tokens in (rotated, CampaignTokens()):
        assert tokens.is_lost(LABEL, UID, state)
        made = tokens.with_token(split(25, revision=state.revision), LABEL, UID, ENTROPY)
        assert (made.token, commitment_in(made.revision)) == ("", "") and is_genuine(LABEL, made.revision, "")
        assert replace(made, revision=state.revision) == split(25, revision=state.revision)
    assert not rotated.is_lost(LABEL, UID, RolloutState(revision="0123456789", entropy=ENTROPY))


async def test_neither_key_nor_token_is_in_a_log_line_or_a_repr(caplog: pytest.LogCaptureFixture) -> None:
    api = Memory()
    install(api)
    with caplog.at_level(logging.DEBUG):
        api.fail("PUT", Conflict(409, "changed"))
        with pytest.raises(Conflict):
            await learned(api)
        tokens = await learned(api)
    made = tokens.with_token(split(25, revision=campaign(tokens).revision), LABEL, UID, ENTROPY)
    said = f"{caplog.text} {tokens!r} {vars(tokens).keys()!r} {made!r}"
    assert all(secret not in said for secret in (KEY.decode(), base64.b64encode(KEY).decode(), made.token))
