"""What holds a policy, or else what it waits for: from its conditions and from the campaign behind its status."""

from __future__ import annotations

import re
from dataclasses import dataclass

from earlystop.cli.screen.class_map import map_waits
from earlystop.cli.screen.view import View
from earlystop.cli.screen.waiting_words import promotion_waits, step_waits
from earlystop.rollout.settling import answers_are_outstanding, outstanding
from earlystop.rollout.state import ENDED, TRYING, Phase, RolloutState
from earlystop.rollout.strategy import strategy_of
from earlystop.rollout.words.floor_words import floor_above_baseline
from earlystop.rollout.words.step_messages import waiting_sentence
from earlystop.rollout.words.summary import summary

WORD = re.compile(r"[A-Za-z]{4,}")
STEM = 4
ALIKE = 0.75
"""The part of the longer words of a sentence that a message has where it says the same."""
MOST_WAITS = 3
"""Things that a line names; `explain` has all of them."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a policy does not go on, or not by itself. meaning: what such a reason means, and what to do; "" where this
    release does not know it."""

    reason: str
    message: str
    meaning: str

    @property
    def news(self) -> str:
        """What of the meaning the message does not say itself."""
        return news_in(self.meaning, self.message)


def hold_of(view: View) -> Hold | None:
    """What holds a policy; None where it goes on by itself, or is over."""
    ready, progressing = view.conditions.get("Ready"), view.conditions.get("Progressing")
    if ready is not None and ready["status"] == "False":
        return _hold(str(ready["reason"]), str(ready["message"]))
    phase = view.state.phase
    if phase in (Phase.SUSPENDED, Phase.HELD):
        return _hold(phase.value, f"{summary(view.state)} {view.waiting_edit}".strip())
    if phase in ENDED or progressing is None or progressing["reason"] == phase.value:
        return None
    if progressing["status"] == "False":
        return _hold(str(progressing["reason"]), str(progressing["message"]))
    if phase in TRYING:
        return _hold(str(progressing["reason"]), _wait_of(view.state, str(progressing["message"])))
    return None


def _wait_of(state: RolloutState, message: str) -> str:
    """What is waited for, without where the rollout stands, which the rest of a screen says."""
    if answers_are_outstanding(state):
        return outstanding(state)
    return (state.plan is not None and waiting_sentence(state.plan, state)) or message


def _hold(reason: str, message: str) -> Hold:
    return Hold(reason, message, meaning_of(reason))


def meaning_of(reason: str) -> str:
    """What a reason means, and what to do; "" where this release does not know it."""
    from earlystop.api.reasons.every import REASONS  # here, since a screen of what goes on well needs none of them

    known = REASONS.get(reason)
    return "" if known is None else known.sentence


def news_in(sentence: str, message: str) -> str:
    """The parts of a sentence, between semicolons, that a message does not say already: a screen repeats nothing. ""
    where it says all of them."""
    parts = [part.strip().rstrip(".") for part in sentence.split(";")]
    new = "; ".join(part for part in parts if not _says(message, part))
    return f"{new[:1].upper()}{new[1:]}." if new else ""


def _says(message: str, part: str) -> bool:
    """Whether a message has nearly all words of a part; endings of words do not matter, nor do short words."""
    words, known = _stems(part), _stems(message)
    return len(words & known) >= ALIKE * len(words)


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:STEM].lower() for word in WORD.findall(text))


def outlook_of(view: View) -> str:
    """Where a policy stands that nothing holds, in a sentence or two."""
    return f"{_outlook(view)} {view.waiting_edit}".strip()


def _outlook(view: View) -> str:
    state, plan = view.state, view.state.plan
    if plan is None:
        ready = view.conditions.get("Ready")
        return "The operator has not looked at it yet; see whether it runs." if ready is None else str(ready["message"])
    at = state.last_look_at
    if state.phase is not Phase.OBSERVING or at is None or state.leading is None:
        return summary(state)
    waits = (
        map_waits(plan, state, at)
        if plan.is_per_class
        else promotion_waits(plan, state, state.leading.name, at, with_numbers=False)
    )
    following = step_waits(plan, state, at, with_numbers=False)
    below = floor_above_baseline(state.active).strip()
    sentences = [below] if below else []
    noun = "promotion" if strategy_of(plan).promotes else "recommendation"
    sentences += [f"A {noun} waits for {_listed(waits)}."] if waits else []
    if following:
        sentences.append(f"The next step waits for {_listed(following)}.")
    return " ".join(sentences) or summary(state)


def _listed(phrases: tuple[str, ...]) -> str:
    more = len(phrases) - MOST_WAITS
    *first, last = [*phrases[:MOST_WAITS], *([f"{more} more"] if more > 0 else [])]
    return f"{'; '.join(first)}; and {last}" if first else last
