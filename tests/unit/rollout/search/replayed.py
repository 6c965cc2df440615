"""Searches of each strategy from their beginning, as one digest: `python -m tests.unit.rollout.search.replayed`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping

from earlystop.rollout.search.bandit import Arm, shares
from earlystop.rollout.search.history import Subject, read_history
from earlystop.rollout.search.offers import Offer
from earlystop.rollout.search.trial import Estimate, Setting
from earlystop.rollout.search.warm_start import warm_start
from earlystop.rollout.state import TRYING
from earlystop.rollout.verdict import verdict_spec
from tests.unit.rollout.policies import UID, started
from tests.unit.rollout.search.past_verdicts import past_verdict, two_verdicts, window_policy
from tests.unit.rollout.searching import SAFE_BUT_LAST, World, searched
from tests.unit.rollout.several import observe
from tests.unit.rollout.strategies.searches import CURVE, search

OFFERS = tuple(
    Offer(f"2026-01-01T00:00:{second:02}Z", f"p{second}", proposer, (("window", window),))
    for second, (proposer, window) in enumerate((("ana", "20"), ("eve", "5"), ("ben", "10"), ("ana", "30")))
)
RUNGS = tuple(
    Setting(f"window-{each}", (("window", each),), (at / 3,)) for at, each in enumerate(("20", "10", "5", "2"))
)
BANDIT = search("Bandit", {"steps": [{"weight": 80, "minimumSeconds": 60}]})


def replayed() -> Iterator[tuple[str, object]]:
    """What each strategy did, by name: verdicts and statuses, shares and beliefs."""
    for strategy, offers in (("Ladder", ()), ("Bayesian", ()), ("External", OFFERS)):
        world = World(searched({"strategy": strategy}), SAFE_BUT_LAST, offers=offers)
        world.run()
        yield strategy, [world.verdicts, world.written]
    state = started(BANDIT)
    while state.phase in TRYING:
        state = observe(BANDIT, state, CURVE, requests=1200)
    yield "Bandit", verdict_spec("qa", UID, state)
    arms = [Arm(Estimate(at / 100, 0.02), Estimate(at / 10, 0.02)) for at in range(6)]
    yield "shares", [shares(arms, 80, 0.02, seed) for seed in ("", "a", "revision/3")]
    spec = window_policy()
    verdicts = [past_verdict("20", 0.0, 0.2), past_verdict("2", 0.3, 0.8, name="bold"), *two_verdicts()]
    yield "history", repr(warm_start(spec, RUNGS, read_history(Subject.of(spec), verdicts)))


def digests() -> Mapping[str, str]:
    """A digest of each."""
    return {
        name: hashlib.sha256(json.dumps(each, default=dict).encode()).hexdigest()  # keys in the order as they came
        for name, each in replayed()
    }


if __name__ == "__main__":
    print(json.dumps(digests()))
