"""Asking for each variant alone whether its requests come to the server, while users are led: a gateway that cannot
lead to a variant's Service answers with an error of its own, which no server counts and no statistics see.

One probe for each variant but the baseline, as long as each comes to the server; only where one does not are all of
them asked for several times, the baseline too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from earlystop.api.counts import Variant
from earlystop.delivery.probes.sending import ask, confirmed
from earlystop.delivery.proof import ProbeResult, ProbeTarget, Proof
from earlystop.delivery.split import TrafficSplit

# How often each variant is asked for at a time once a candidate's probe did not come to the server, and how many of
# these must be lost while none of the baseline's is. Where requests fail whatever the variant, each that fails is as
# often the baseline's: that the first 8 are all a candidate's happens in 1 of 256 cases. Where one request in four
# fails, that comes of the first 16 in 1 of 80 cases.
CONFIRMATIONS, LOST_ALONE = 16, 8
# Where fewer are lost, as behind one broken process of a gateway that has several, they are asked for again: with 4
# times as many, a candidate is found that fails one request in 8.
ROUNDS = 4

Answer = str | ProbeResult


@dataclass(frozen=True, slots=True)
class Fault:
    """What probes by variant found of a split. proof: `CANDIDATE_FAILS`, or `NOT_YET` where no variant is served.
    since: Unix time of the first of them that found so."""

    split: TrafficSplit
    proof: Proof
    message: str
    since: float


async def probe_variants(session: aiohttp.ClientSession, targets: Sequence[ProbeTarget]) -> ProbeResult:
    """Whether each variant is served; where candidates are judged on the baseline's requests, whether these are.

    targets: as `proof.Probes.by_variant` has them.
    """
    others = [each for each in targets if _variant(each) != Variant.BASELINE] or list(targets)
    first = await asyncio.gather(*(ask(session, each) for each in others))
    if all(_is_served(answer, target) for answer, target in zip(first, others, strict=True)):
        return ProbeResult(Proof.IN_FORCE, "Every variant's probe comes to the server.")
    by_target: dict[ProbeTarget, list[Answer]] = {each: [] for each in targets}
    for _ in range(ROUNDS):
        asked = [each for each in targets for _ in range(CONFIRMATIONS)]
        answers = await asyncio.gather(*(ask(session, each) for each in asked))
        for target, answer in zip(asked, answers, strict=True):
            by_target[target].append(answer)
        if not is_open(by_target):
            break
    return judge(by_target)


def is_open(answers: Mapping[ProbeTarget, Sequence[Answer]]) -> bool:
    """Whether some of a candidate's probes are lost, but too few to tell, and none of the baseline's."""
    lost = {target: sum(isinstance(each, ProbeResult) for each in got) for target, got in answers.items()}
    baselines = [count for target, count in lost.items() if _variant(target) == Variant.BASELINE]
    return bool(baselines) and not any(baselines) and 0 < max(lost.values()) < LOST_ALONE


def judge(answers: Mapping[ProbeTarget, Sequence[Answer]]) -> ProbeResult:
    """What the answers to as many probes of each variant mean. A candidate, or the incumbent, fails if LOST_ALONE of
    its probes or more do not come to the server while all of the baseline's do."""
    echoes = [(each, target) for target, got in answers.items() for each in got if isinstance(each, str)]
    if any(not _is_served(echo, target) for echo, target in echoes):
        return ProbeResult(Proof.STALE, "A probe of one variant came to the server as another's.")
    lost = {target: [each for each in got if isinstance(each, ProbeResult)] for target, got in answers.items()}
    if all(len(lost[target]) == len(got) for target, got in answers.items()):
        return _none_came([each for got in lost.values() for each in got])
    baseline_is_fine = all(not lost[target] for target in answers if _variant(target) == Variant.BASELINE)
    failing = [each for each in answers if len(lost[each]) >= LOST_ALONE]
    if not failing or not baseline_is_fine:
        return ProbeResult(Proof.UNREACHABLE, "Some probes of every variant do not come to the server.")
    words = "; ".join(f"{len(lost[each])} of {len(answers[each])} probes of {_variant(each)}" for each in failing)
    why = lost[failing[0]][0].message
    return ProbeResult(Proof.CANDIDATE_FAILS, f"{words} did not come to the server, and all of the baseline did. {why}")


def _none_came(lost: Sequence[ProbeResult]) -> ProbeResult:
    """No variant's probe came back. Where the gateway itself cannot be reached, or the server has ceased to echo,
    nothing is known of users."""
    answered = [each for each in lost if each.proof is Proof.NOT_YET]
    if not answered:
        return lost[0]
    return ProbeResult(Proof.NOT_YET, f"No variant's probe comes to the server. {answered[0].message}")


def _is_served(answer: Answer, target: ProbeTarget) -> bool:
    return isinstance(answer, str) and confirmed(answer, target) == _variant(target)


def _variant(target: ProbeTarget) -> str:
    """The one variant that a target can reach."""
    return next(variant for variant, weight in target.weights if weight > 0)
