"""What the evidence says, worked out once a look: its judgement, its conditions and its status all ask the same."""

from __future__ import annotations

from collections import OrderedDict

from earlystop.evidence.engine import Assessment, EvidenceState
from earlystop.evidence.engine import assess as assess_anew

KEPT = 256

_known: OrderedDict[int, tuple[EvidenceState, Assessment]] = OrderedDict()


def assess(state: EvidenceState) -> Assessment:
    """As `evidence.engine.assess`. Its intervals are found by bisection, and a visit asks for them many times; states
    and assessments are frozen values, so an answer can be kept. It is found by the state's identity, since hashing all
    of its numbers would cost as much again; the state is kept with it, so no other one can have that identity."""
    found = _known.get(id(state))
    if found is None:
        found = _known[id(state)] = state, assess_anew(state)
        if len(_known) > KEPT:
            _known.popitem(last=False)
    return found[1]
