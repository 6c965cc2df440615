"""The revision of a campaign, and whose it is. Pure."""

from __future__ import annotations

import hashlib

from earlystop.api.wire import commitment_in


def is_of_policy(uid: str, revision: str, campaign: int, entropy: str) -> bool:
    """Whether a campaign with this revision is one of the policy with this UID; so is none, whose revision is ""."""
    return not revision or revision == revision_of(uid, campaign, entropy, commitment_in(revision))


def revision_of(uid: str, campaign: int, entropy: str, commitment: str = "") -> str:
    """The label of a campaign in headers and metrics: short, and different for every campaign of every policy.

    entropy: random text, "" for campaigns of earlier releases. A revision that could be foretold would let anybody ask
    for the promotion of a campaign before it has begun.
    commitment: to the campaign's token, by which servers know requests that came by the overlay (`api.wire`); "" for
    campaigns without a token.
    """
    identity = "/".join([uid, str(campaign), *filter(None, (entropy, commitment))])
    name = hashlib.sha256(identity.encode()).hexdigest()[:10]
    return f"{name}-{commitment}" if commitment else name
