"""What an attempt to put a split in force has come to."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.delivery.decisions import SplitStatus
from earlystop.delivery.proof import SplitProof
from earlystop.rollout.observations import Observation


@dataclass(frozen=True, slots=True)
class SplitResult:
    """How far a split has got, and what to say about it.

    changed: objects that had to be written for it. followed: whether they follow an edit of users' objects, None when
    it is not known. proof: how the split is proven, None where nothing is written. unfinished: whether something has to
    be done later though nobody edits anything: Pods become ready, or end once they are drained.
    """

    status: SplitStatus
    observation: Observation
    changed: tuple[str, ...] = ()
    followed: bool | None = None
    proof: SplitProof | None = None
    unfinished: bool = False
