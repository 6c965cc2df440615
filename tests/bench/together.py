"""How many requests it takes to choose among windows 10, 5, 2 and 1, side by side and in shadow: `make bench-together`.

Offline: recorded answers are drawn with replacement, as live traffic is, and the kernel of the operator looks at the
counts on its own grid. Margin 2 points, 10 % of the tokens, risks of 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from earlystop.api.counts import Tally
from earlystop.api.policy import PolicySpec
from earlystop.api.wire import MATCH
from earlystop.demo.recordings import Recording
from earlystop.demo.replay import Replay
from earlystop.rollout.exposure import weights
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.look_schedule import next_look
from earlystop.rollout.look_taken import take_look
from earlystop.rollout.plan import StageKind
from earlystop.rollout.state import TRYING, Phase, RolloutState, Totals
from earlystop.rollout.transitions import weights_in_force
from tests.unit.demo.recorded import real_source, recordings
from tests.unit.rollout.policies import policy, started

BASELINE, WINDOWS = 40, (10, 5, 2, 1)
REQUESTS_A_SECOND = 100
ORDERS = 20
NAMES = tuple(f"w{window}" for window in WINDOWS)
CANDIDATES = [{"name": name, "values": [{"name": "window", "value": name[1:]}]} for name in NAMES]
COMMON = {
    "candidates": CANDIDATES,
    "objective": {"exactMatch": {"margin": "0.02", "assumeIndependent": True}, "tokens": {"minimumSaving": "0.10"}},
}
TIMES = {"lookSeconds": 1, "settleSeconds": 1, "deadlineSeconds": 500_000}
SIDE_BY_SIDE = policy({**COMMON, "rollout": {**TIMES, "strategy": "ABTest", "steps": [{"weight": 19}]}})
IN_SHADOW = policy(
    {
        **COMMON,
        "delivery": {"mode": "Shadow", "gatewayHeader": None, "shadow": {"routeRef": {"name": "qa"}}},
        "rollout": {**TIMES, "steps": []},
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Requests until the decision and until each candidate was dropped or certified; who was chosen, "" for none."""

    requests: int
    chosen: str
    dropped: dict[str, int]
    certified: dict[str, int]


class RecordedAnswers:
    """Score and tokens of every recorded question at the baseline's window and each candidate's."""

    def __init__(self, recorded: Sequence[Recording]) -> None:
        replay = Replay(recorded)
        replies = [[replay.reply(each.question, window) for each in recorded] for window in (BASELINE, *WINDOWS)]
        self.right = np.array([[reply is not None and reply.result == MATCH for reply in row] for row in replies])
        self.tokens = np.array([[0 if reply is None else reply.vote.words for reply in row] for row in replies])
        self.questions = len(recorded)

    def tally(self, place: int, drawn: np.ndarray) -> Tally:
        """What the setting at a place makes of these questions."""
        right, tokens = self.right[place, drawn], self.tokens[place, drawn]
        count, match = len(drawn), int(right.sum())
        return Tally(count, count, 0, match, count - match, 0, int(tokens.sum()), int((tokens**2).sum()))

    def shadow(self, place: int, drawn: np.ndarray) -> Tally:
        """The same, with pairs against the baseline's answers."""
        full, early = self.right[0, drawn], self.right[place, drawn]
        both, only, mine = int((full & early).sum()), int((full & ~early).sum()), int((~full & early).sum())
        pairs = Tally(
            pairs_both=both,
            pairs_baseline_only=only,
            pairs_candidate_only=mine,
            pairs_neither=len(drawn) - both - only - mine,
        )
        return self.tally(place, drawn) + pairs


def choose(answers: RecordedAnswers, spec: PolicySpec, seed: int) -> Choice:
    """One rollout from its first request to its decision."""
    random = np.random.default_rng(seed)
    state, requests = started(spec), 0
    dropped: dict[str, int] = {}
    certified: dict[str, int] = {}
    while state.phase in TRYING:
        if state.phase is Phase.APPLYING:
            last = max(
                [state.campaign_started_at, *(look.at for each in state.comparisons for look in each.looks[-1:])]
            )
            state = weights_in_force(state, last + 1)
        at = next_look(LiveTimes.of(spec), state)
        assert at is not None and state.step_started_at is not None
        seconds = at - (state.last_look_at or state.step_started_at)
        requests += seconds * REQUESTS_A_SECOND
        totals = _totals(answers, state, random, seconds * REQUESTS_A_SECOND)
        state = take_look(LiveTimes.of(spec), state, at, *totals)
        for name, each in zip(NAMES, state.comparisons, strict=True):
            if each.dropped is not None:
                dropped.setdefault(name, requests)
            if each.certified_at is not None:
                certified.setdefault(name, requests)
    assert state.decision is not None
    favourable = state.decision.verdict.value in ("Promote", "Recommend")
    return Choice(requests, state.decision.candidate if favourable else "", dropped, certified)


def _totals(answers: RecordedAnswers, state: RolloutState, random: np.random.Generator, requests: int) -> list[Totals]:
    """The totals of each candidate after more requests; before the snapshot they are no evidence."""
    marks = [each.mark for each in state.comparisons]
    if state.phase is Phase.SETTLING:
        return marks
    shares = weights(state)
    assert shares is not None
    if state.pinned_plan.stage(state.step).kind is StageKind.SHADOW:
        drawn = random.integers(answers.questions, size=requests)
        new = [Totals(answers.tally(0, drawn), answers.shadow(place, drawn)) for place in range(1, len(shares))]
    else:
        drawn_by = [random.integers(answers.questions, size=requests * share // 100) for share in shares]
        full = answers.tally(0, drawn_by[0])
        new = [Totals(full, answers.tally(place, drawn_by[place])) for place in range(1, len(shares))]
    return [
        Totals(mark.baseline + more.baseline, mark.candidate + more.candidate)
        for mark, more in zip(marks, new, strict=True)
    ]


def main() -> None:
    """Print who was chosen and how many requests each way needed."""
    source = real_source() or "builtin"
    answers = RecordedAnswers(recordings(source))
    table = Table(title=f"requests to choose among windows {WINDOWS}, {ORDERS} orders of {source.rsplit('/', 1)[-1]}")
    for column in ("way", "chosen", "w1 dropped", "decided: median", "least", "most"):
        table.add_column(column, justify="right")
    for way, spec in (("ABTest", SIDE_BY_SIDE), ("Shadow", IN_SHADOW)):
        ended = [choose(answers, spec, seed) for seed in range(ORDERS)]
        chosen = {name: sum(1 for each in ended if each.chosen == name) for name in (*NAMES, "")}
        told = ", ".join(f"{name or 'none'} {count}" for name, count in chosen.items() if count)
        needed = sorted(each.requests for each in ended)
        harm = [each.dropped["w1"] for each in ended if "w1" in each.dropped]
        shown = f"{len(harm)} of {ORDERS}, median {median(harm):,.0f}" if harm else "never"
        table.add_row(way, told, shown, f"{median(needed):,.0f}", f"{needed[0]:,}", f"{needed[-1]:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
