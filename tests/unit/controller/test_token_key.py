"""No refusal at the start, however long it lasts, takes the tokens from campaigns or has one begin anew."""

from __future__ import annotations

import base64
import itertools

import pytest

from earlystop.api.wire import commitment_of
from earlystop.controller.campaign_tokens import DEFAULT_SECRET, CampaignTokens
from earlystop.controller.cluster import POLICIES, ClusterError, NotFound
from earlystop.controller.counts.secrets import SECRETS, own_namespace
from earlystop.controller.token_key import NEEDS_NO_TOKEN, PATIENCE_SECONDS, TokenKey, has_token_in_use, may_go_without
from earlystop.rollout.state import Phase
from tests.unit.controller.memory import Memory
from tests.unit.controller.tracked_policies import manifest

COMMITTED = f"0123456789-{commitment_of('llm/qa', 'token')}"
FORBIDDEN = ClusterError(403, "RBAC is not there yet")


class StartingOperator:
    """An operator that has just started, with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.api, self.tokens = Memory(), CampaignTokens()
        self.token_key = TokenKey(self.api, self.tokens, DEFAULT_SECRET, lambda: self.now, (None,))

    def install(self) -> None:
        metadata = {"name": DEFAULT_SECRET, "namespace": own_namespace()}
        self.api.put(SECRETS, {"metadata": metadata, "data": {"key": base64.b64encode(b"k" * 32).decode()}})

    def store(self, phase: Phase, revision: str) -> None:
        self.api.put(POLICIES, {**manifest(), "status": {"phase": phase.value, "revision": revision}})

    async def is_refused(self, *errors: ClusterError) -> bool:
        """Whether the operator is to ask again before it reconciles anything."""
        self.api.fail("GET", *errors)
        try:
            await self.token_key.learn()
        except ClusterError:
            return True
        return False


@pytest.fixture
def operator() -> StartingOperator:
    return StartingOperator()


async def test_one_refusal_at_the_start_takes_no_tokens(operator: StartingOperator) -> None:
    operator.install()
    assert await operator.is_refused(FORBIDDEN) and not operator.tokens.has_key
    assert not await operator.is_refused() and operator.tokens.has_key


@pytest.mark.parametrize("phase", sorted(set(Phase) - NEEDS_NO_TOKEN))
async def test_while_a_campaign_under_way_has_a_token_the_operator_asks_for_ever(
    operator: StartingOperator, phase: Phase, caplog: pytest.LogCaptureFixture
) -> None:
    operator.store(phase, COMMITTED)
    for error in (FORBIDDEN, NotFound(404, "gone")):
        operator.now += 100 * PATIENCE_SECONDS
        assert await operator.is_refused(error)
    assert "campaigns under way need the key" in caplog.text and DEFAULT_SECRET in caplog.text
    operator.install()
    assert not await operator.is_refused() and operator.tokens.has_key


async def test_a_lasting_refusal_lets_new_campaigns_begin_without_and_a_key_that_comes_later_is_learned(
    operator: StartingOperator, caplog: pytest.LogCaptureFixture
) -> None:
    operator.store(Phase.OBSERVING, "0123456789")
    assert await operator.is_refused(FORBIDDEN)
    operator.now += PATIENCE_SECONDS - 1
    assert await operator.is_refused(FORBIDDEN)
    operator.now += 1
    assert not await operator.is_refused(FORBIDDEN) and not operator.tokens.has_key
    assert f"Secret {DEFAULT_SECRET} in namespace {own_namespace()}" in caplog.text
    await operator.token_key.learn_late()
    assert not operator.tokens.has_key
    operator.install()
    await operator.token_key.learn_late()
    assert operator.tokens.has_key


async def test_an_operator_that_was_installed_without_the_secret_starts_at_once(operator: StartingOperator) -> None:
    operator.store(Phase.PROMOTED, COMMITTED)
    assert not await operator.is_refused() and not operator.tokens.has_key


async def test_where_policies_cannot_be_listed_nothing_is_concluded(operator: StartingOperator) -> None:
    assert await operator.is_refused(NotFound(404, "gone"), ClusterError(503, "starting"))


def test_only_refusals_that_last_and_a_missing_secret_are_believed_and_never_while_a_token_is_in_use() -> None:
    for status, waited, is_in_use in itertools.product(
        (0, 401, 403, 404, 409, 500, 503), (0.0, PATIENCE_SECONDS - 0.1, PATIENCE_SECONDS), (0, 1)
    ):
        believed = not is_in_use and (status == 404 or (status in (401, 403) and waited == PATIENCE_SECONDS))
        assert may_go_without(ClusterError(status, "an answer"), waited, bool(is_in_use)) == believed


def test_a_token_is_in_use_by_a_campaign_that_commits_to_one_and_has_not_ended() -> None:
    assert not has_token_in_use(manifest()) and not has_token_in_use({"status": None})
    for phase, revision in itertools.product(Phase, (COMMITTED, "0123456789", "")):
        stored = {"status": {"phase": phase.value, "revision": revision}}
        assert has_token_in_use(stored) == (revision == COMMITTED and phase not in NEEDS_NO_TOKEN)
