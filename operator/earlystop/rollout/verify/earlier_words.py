"""Sentences of earlier releases, in which evidence that has reached its line had other words than now. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import log
from typing import Any

from earlystop.api.verdict import VerdictSpec
from earlystop.rollout.formatting import log_e_text
from earlystop.rollout.plan import Plan
from earlystop.rollout.promotion import EvidenceTurned, Missing, NotNonInferior, NotSaving
from earlystop.rollout.words.decision_messages import how_far, missing_phrases

PRESENT_WORD = "proven"
ANY_WORD = f"(?:{PRESENT_WORD}|shown|certified)"
ONE = re.compile(r"(?<![\w.,+@/=-])1 (?:point|answer|question|user|request|look|candidate)(?![\w@/=-]|\.\w)")
"""A number of one with its noun, which earlier releases wrote in the plural: "1 points of EM"."""

ZERO = re.compile(r"(?<![\w.,+@/=-])\+?0(?:\.0+(?![\w.@/=-])|(?= %))")
"""A number that was rounded to zero, before which earlier releases wrote a minus where it was below: "-0.0"."""

PERCENT = re.compile(r"(?<=[0-9]) %")
"""The sign of a percentage, which some earlier sentences wrote without a blank before it: "52%"."""

REWORDED = ONE, ZERO, PERCENT
"""What else than `PRESENT_WORD` earlier releases wrote otherwise."""


def sentence_pattern(sentence: str, given: Iterable[str] = ()) -> str:
    """A pattern of a sentence of this release that also fits it in the words of earlier ones. given: texts of users,
    such as names, in which each word stays as it is."""
    words = re.escape(PRESENT_WORD)
    texts = sorted(set(given), key=len, reverse=True)
    kept = [re.escape(each) for each in texts if any(re.search(ours, each) for ours in (PRESENT_WORD, *REWORDED))]
    word = rf"(?<![\w.@/=-]){words}(?![\w@/=-]|\.\w)"
    ours = re.compile("|".join([*(f"({each})" for each in kept), word, *(each.pattern for each in REWORDED)]))
    parts, rest = [], 0
    for found in ours.finditer(sentence):
        parts += [re.escape(sentence[rest : found.start()]), _in_any_release(found)]
        rest = found.end()
    return "".join([*parts, re.escape(sentence[rest:])])


def _in_any_release(found: re.Match[str]) -> str:
    """A pattern of what was found in a sentence: of a text of users as it is, of words of ours in any release."""
    if any(found.groups()):
        return re.escape(found[0])
    if found[0] == " %":
        return " ?%"
    if found[0].startswith(("0", "+0")):
        return rf"[-+]?{re.escape(found[0].lstrip('+'))}"
    return ANY_WORD if found[0] == PRESENT_WORD else f"{re.escape(found[0])}s?"


def earlier_missing_phrases(missing: Iterable[Missing], name: str) -> tuple[str, ...]:
    """What a promotion of candidate `name` still needed, as releases wrote it that told logarithms of e-values."""
    found = tuple(missing)
    return tuple(map(_with_logarithms, found, missing_phrases(found, name)))


def _with_logarithms(missing: Missing, phrase: str) -> str:
    match missing:
        case NotNonInferior() | NotSaving():
            said = f"log e-value {log_e_text(missing.log_e)} of {log_e_text(-log(missing.risk))}"
        case EvidenceTurned():
            said = f"log e-value {log_e_text(missing.log_e)} now; it was proven by {log_e_text(missing.largest)}"
        case _:
            return phrase
    return phrase.replace(how_far(missing), said)


def texts_of_users(record: VerdictSpec, plan: Plan) -> frozenset[str]:
    """All texts of users that a message may repeat: names and values of the policy, and who asked for something."""
    people = (record.requested_by, record.rejected_by)
    return frozenset([*_texts(plan.spec.wire()), *plan.names, *(each for each in people if each)])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from (name, *_texts(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
