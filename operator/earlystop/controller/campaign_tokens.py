"""The secret tokens of campaigns: all follow from one key, which a Secret of the operator's own namespace keeps.

A token is derived and never stored, so none can be lost between two writes, and the operator needs no right on any
other namespace's Secrets. The install makes the Secret empty and the operator may get and update this one name only; it
fills it at its first start. Whoever empties it and restarts the operator has every campaign begin anew.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from earlystop.api.wire import commitment_in, commitment_of, is_genuine
from earlystop.controller.cluster import Cluster, Manifest, NotFound
from earlystop.controller.counts.secrets import SECRETS
from earlystop.delivery.split import TrafficSplit
from earlystop.rollout.state import RolloutState

DEFAULT_SECRET = "earlystop-token-key"  # noqa: S105 - the name of an object
KEY_FIELD = "key"
KEY_BYTES = 32
DIGEST = "sha256"
MISSING = 404
OF_PROCESS = secrets.token_bytes(KEY_BYTES)
"""Seals while no key is known: what another process has sealed, this one does not know again."""
CAMPAIGNS_KEPT = 4096


class CampaignTokens:
    """Derives the token of each campaign. Without a key no campaign has one, as in earlier releases.

    A token is only ever handed to the overlay that is rendered with it; no repr holds the key.
    """

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    async def learn(
        self, cluster: Cluster, namespace: str, name: str, make: Callable[[], bytes] = secrets.token_bytes
    ) -> None:
        """Take the key from the Secret, and fill that first where it is empty. make: gives a new random key.

        Raises ClusterError when the API fails or refuses, when the Secret has just changed, and NotFound where there is
        none. No such answer is final, so the caller tries again.
        """
        self._key = await _key_of(cluster, namespace, name, make)

    @property
    def has_key(self) -> bool:
        """Whether the key was learned, so that new campaigns have tokens."""
        return bool(self._key)

    def commitment(self, policy: str, uid: str, entropy: str) -> str:
        """What the revision of a campaign with this random text says of its token, "" where it has none.

        policy: namespace/name.
        """
        token = self._token(uid, entropy)
        return commitment_of(policy, token) if token else ""

    def is_lost(self, policy: str, uid: str, state: RolloutState) -> bool:
        """Whether the campaign under way has a token that this key does not give."""
        return not _is_genuine(policy, state.revision, self._token(uid, state.entropy))

    def with_token(self, split: TrafficSplit, policy: str, uid: str, entropy: str) -> TrafficSplit:
        """The split with its campaign's token.

        Where the key does not give it, the split keeps only that part of the revision which commits to no token: users
        of a finished campaign keep its setting, and nothing counts as evidence.
        """
        if not commitment_in(split.revision):
            return split
        token = self._token(uid, entropy)
        if _is_genuine(policy, split.revision, token):
            return replace(split, token=token)
        return replace(split, revision=split.revision.partition("-")[0])

    def seal_of(self, text: str) -> str:
        """What only who has the key can write beside a text. No text of a seal is one that a token is derived from."""
        return hmac.digest(self._key or OF_PROCESS, f"seal/{text}".encode(), DIGEST).hex()

    def _token(self, uid: str, entropy: str) -> str:
        return _token_of(self._key, uid, entropy) if self._key and entropy else ""


# Every reconciliation asks, always for its policy's campaign under way.
@lru_cache(maxsize=CAMPAIGNS_KEPT)
def _token_of(key: bytes, uid: str, entropy: str) -> str:
    return hmac.digest(key, f"{uid}/{entropy}".encode(), DIGEST).hex()


_is_genuine = lru_cache(maxsize=CAMPAIGNS_KEPT)(is_genuine)


async def _key_of(cluster: Cluster, namespace: str, name: str, make: Callable[[], bytes]) -> bytes:
    """The key that a Secret holds, after it was filled if it was empty. Raises NotFound where there is no Secret."""
    secret = await cluster.get(SECRETS, namespace, name)
    if secret is None:
        raise NotFound(MISSING, f"there is no Secret {name} in namespace {namespace}")
    found = _key_in(secret)
    if found:
        return found
    key = make()
    data = {**(secret.get("data") or {}), KEY_FIELD: base64.b64encode(key).decode()}
    # With the resourceVersion that was read: of two operators that start at once one wins, and the other reads again.
    await cluster.replace(SECRETS, namespace, {**secret, "data": data})
    return key


def _key_in(secret: Manifest) -> bytes:
    """b"" for a Secret whose key is missing or too short to be one."""
    key = base64.b64decode((secret.get("data") or {}).get(KEY_FIELD, ""))
    return key if len(key) >= KEY_BYTES else b""
