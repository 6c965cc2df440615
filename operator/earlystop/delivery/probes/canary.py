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

# How often each variant is asked for once a candidate's probe did not come to the server. Where one request in four
# fails whatever the variant, all of the baseline's pass and half of the candidate's fail in 1 of 80 cases.
CONFIRMATIONS = 16

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
    asked = [each for each in targets for _ in range(CONFIRMATIONS)]
    answers = await asyncio.gather(*(ask(session, each) for each in asked))
    by_target: dict[ProbeTarget, list[Answer]] = {each: [] for each in targets}
    for target, answer in zip(asked, answers, strict=True):
        by_target[target].append(answer)
    return judge(by_target)


def judge(answers: Mapping[ProbeTarget, Sequence[Answer]]) -> ProbeResult:
    """What the answers to as many probes of each variant mean. A candidate, or the incumbent, fails if half of its
    probes or more do not come to the server while all of the baseline's do."""
    echoes = [(each, target) for target, got in answers.items() for each in got if isinstance(each, str)]
    if any(not _is_served(echo, target) for echo, target in echoes):
        return ProbeResult(Proof.STALE, "A probe of one variant came to the server as another's.")
    lost = {target: [each for each in got if isinstance(each, ProbeResult)] for target, got in answers.items()}
    if all(len(lost[target]) == len(got) for target, got in answers.items()):
        return _none_came([each for got in lost.values() for each in got])
    baseline_is_fine = all(not lost[target] for target in answers if _variant(target) == Variant.BASELINE)
    failing = [each for each, got in answers.items() if 2 * len(lost[each]) >= len(got)]
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
