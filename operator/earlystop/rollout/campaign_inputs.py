"""What a new campaign is given from outside of the state, so that its beginning stays a pure function."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.trial import Belief
from earlystop.rollout.state import Attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignInputs:
    """What a campaign gets that would begin now.

    uid: of the policy's object. entropy: random text, by which nobody foretells the revision.
    commitment: to the new campaign's token, "" where it has none.
    token_lost: whether nobody knows the token of the campaign under way any more, so that servers would take all of its
    requests for forged: it begins anew.
    previous_digest: of the policy's latest verdict, "" where it has none.
    recorded: campaigns that verdicts tell of, where the policy itself has had none.
    belief: what earlier verdicts make likely of a search's settings, for a search that begins.
    waiting: what others have proposed to a search.
    longest_answer: the most output tokens that the MetricSource says of an answer, None where it says nothing.
    revalidates: whether the certified setting is to be tried anew, as what it was certified on has changed.
    """

    uid: str
    entropy: str
    commitment: str = ""
    token_lost: bool = False
    previous_digest: str = ""
    recorded: tuple[Attempts, ...] = ()
    belief: Belief | None = None
    waiting: tuple[WaitingOffer, ...] = ()
    longest_answer: int | None = None
    revalidates: bool = False
