"""By how much the evidence of a look is divided, for each claim: the one place that says so, and why.

Evidence on E events that scatter f times as much as independent ones is worth that on E / f. There are three witnesses:

- the policy: `exactMatch.dispersion` or `assumeIndependent`. Whoever writes one of them vouches for it, so it alone
  counts, for answers and for rare events; golden questions are drawn one by one, which vouches for their answers;
- users (`user_scatter`), where each keeps a variant and servers count by them: the same users are in every look, so no
  comparison of looks shows what these have in common;
- looks (`scatter`): the difference between the arms from block to block, over several lengths of time. What both arms
  share cancels. Longer sessions take more looks to show, so the factor is not known before blocks of `KNOWN_LOOKS` are
  learned, or shorter ones where the policy declares how long a session lasts (`longest_session`). The split
  (`split_scatter`) does not shorten that: users who keep a variant and ask once in several looks
  leave no trace in it for as long, while their answers are alike all the time. It only makes the guess smaller. It
  lengthens that, since version 6 of the engine: where groups of requests seem to outlast the blocks that must be
  learned, what these show is too little, and blocks of twice the length must be learned (`needed_looks`). And since
  version 7 a factor that looks teach is at least what requests show, as far as answers may be that much alike
  (`lasting_groups`): the few long blocks of answers miss too often what groups that last for long have in common.
  Since version 8 it is so of a guess, and of lengths, too.

How many degrees of freedom a factor has is handed on with it: evidence for claims at small risks counts for less while
these are few (`discount`). They are those of the blocks that must be learned. A guess has `GUESS_FREEDOM`, more than
blocks have when they are learned, so the number falls when the factor is known, and later only where a few busy looks
outweigh the others (`scatter`).

The rule: of the witnesses that are asked, the largest factor counts; while none of them knows it, it is at least
`UNKNOWN`, nothing is proven, and nothing is promoted. Harm acts on what is said with that factor meanwhile. A factor
that is learned counts for all claims anew after each look, and one that is no longer known takes them back.

| claim | policy says | users | looks |
|---|---|---|---|
| Exact Match, its classes, intervals | its factor | of answers | of differences of answers, in classes |
| floor | as Exact Match, or that of blocks of the candidate's level, if it is larger | likewise | likewise |
| lengths | that of blocks of lengths | the larger of users' and blocks' | of blocks of lengths, or requests |
| lengths below a known bound | 1 | of lengths | as lengths |
| failures, votes, other bad events | its factor | the larger of users' and bursts' | of bursts, for each guardrail |
| split of requests | that of shares | not expected | that of shares |

Lengths shift and have heavy tails whoever asks, so blocks of them are asked always. A level that moves for both arms is
no session, so nobody vouches for it: blocks of the candidate's own answers are asked always, too. A policy that vouches
for its answers is believed until they show more.
Version 1 of the engine divided each look by the policy's factor, and lengths and the split by nothing.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from earlystop.evidence.arm_scatter import ArmScatter, EventScatter
from earlystop.evidence.discount import GUESS_FREEDOM, UNDIVIDED, Discount
from earlystop.evidence.dispersion_guess import UNKNOWN, UNLIKELY
from earlystop.evidence.dispersion_source import LEARNED, STATED, DispersionSource
from earlystop.evidence.lasting_groups import guessed_scatter, most_scatter
from earlystop.evidence.objective import Basis, GuardrailKind, Objective
from earlystop.evidence.scatter import KNOWN_LOOKS, MOST_FACTOR, SCALES, Scatter
from earlystop.evidence.split_scatter import SplitScatter
from earlystop.evidence.tokens import UNKNOWN_SCATTER
from earlystop.evidence.user_factors import SeenUsers
from earlystop.evidence.version import FIFTH, FIRST, FOURTH, SEVENTH, SIXTH, THIRD

USER_FREEDOM = 31.0
"""Degrees of freedom of what the groups of users of an arm show (`user_scatter`)."""

UNKNOWN_LEVEL = 6.0
"""The least such guess for the level of the candidate's answers, which a floor is about: what moves both variants does
not cancel in it, and the split says nothing of that. With 4, a level that wobbles by 5 points for both is taken for one
below the floor in 7 % of campaigns, with 6, in 4 %; one that is 5 points below is found after 34 and 52 looks of 200
answers, and with 10 after 82."""

UNKNOWN_BURSTS = 5.0
"""The factor of rare events while it is a guess, which is shorter, as ten of them make a block: that of bursts of 5."""

BURSTS_FREEDOM = 8.0
"""Degrees of freedom of that guess. Sizes of bursts have heavier tails than likenesses of answers, so it is worth less:
with 16, bursts over 20 looks with a Pareto tail of 1.1 break a guardrail in 7 % of campaigns; with 4, failures that are
three times as many are found a fifth later."""


class Knowledge(NamedTuple):
    """What is known of how much Exact Match scatters between the arms.

    is_known: whether a promotion may rest on it. source: see there. factor: by which the evidence is divided. seen: the
    factor that differences between the arms show by themselves, None before any; learned_looks: in the longest blocks
    of them that were learned. is_measured: whether the factor is more than a guess, though too old to promote on.
    needed_looks: in the blocks that must be learned, where looks teach it. freedom: degrees of freedom of the factor.
    groups_outlast: whether longer blocks must be learned because groups of requests seem to outlast shorter ones.
    """

    is_known: bool
    source: DispersionSource
    factor: float
    seen: float | None = None
    learned_looks: int = 0
    is_measured: bool = True
    needed_looks: int = KNOWN_LOOKS
    freedom: float = inf
    groups_outlast: bool = False

    @property
    def drifts(self) -> bool:
        """Whether the arms scatter as much as no sessions explain."""
        return self.seen is not None and self.seen >= MOST_FACTOR

    @property
    def discount(self) -> Discount:
        """The factor by which evidence on Exact Match is divided, and how well it is known."""
        return Discount(self.factor, self.is_measured, self.source in LEARNED, self.freedom)


STATED_INDEPENDENT = Knowledge(is_known=True, source=DispersionSource.ASSUMED, factor=1.0)


class Divisors(NamedTuple):
    """How evidence is read after a look. guardrails: in the policy's order. by_look: divides the look's own evidence,
    under version 1 of the engine. known: what all this rests on, None under that version, which learns nothing."""

    answers: Discount = UNDIVIDED
    floor: Discount = UNDIVIDED
    lengths: Discount = UNDIVIDED
    bounded_lengths: Discount = UNDIVIDED
    guardrails: tuple[Discount, ...] = ()
    by_look: float = 1.0
    known: Knowledge | None = None


class Witnesses(NamedTuple):
    """What looks have shown so far of how events scatter. lengths: of blocks, None under version 1 of the engine."""

    users: SeenUsers
    arms: ArmScatter
    split: SplitScatter
    lengths: Scatter | None


def divisors(objective: Objective, witnesses: Witnesses) -> Divisors:
    """The numbers by which evidence is divided after a look."""
    if objective.engine == FIRST:
        return Divisors(guardrails=(UNDIVIDED,) * len(objective.guardrails), by_look=objective.dispersion)
    known = knowledge(objective, witnesses)
    lengths = of_lengths(objective, known, witnesses)
    return Divisors(
        answers=known.discount,
        floor=_floor(objective, known, witnesses),
        lengths=lengths,
        bounded_lengths=_bounded_lengths(objective, known, witnesses, lengths),
        guardrails=tuple(
            _bad_events(each.kind, objective, events, witnesses.users)
            for each, events in zip(objective.guardrails, witnesses.arms.events, strict=True)
        ),
        known=known,
    )


def _floor(objective: Objective, known: Knowledge, witnesses: Witnesses) -> Discount:
    if not objective.learns_level:
        return known.discount
    level, answers = witnesses.arms.level, known.discount
    if objective.source not in LEARNED:
        shown = level.factor(1.0)
        if shown <= answers.factor:
            return answers
        return Discount(shown, is_learned=True, freedom=_freedom(objective, level))
    looks = known.needed_looks
    # The split says what groups stay with a variant, and nothing of what moves both.
    guess = _guess(objective, witnesses.split)
    guess = guess if objective.engine <= FIFTH else max(UNKNOWN_LEVEL, guess)
    factor = max(answers.factor, level.factor(guess, looks))
    freedom = min(answers.freedom, _freedom(objective, level, looks))
    return Discount(factor, answers.is_known and level.is_known(looks), is_learned=True, freedom=freedom)


def knowledge(objective: Objective, witnesses: Witnesses) -> Knowledge:
    """What is known of how much Exact Match scatters, after some looks."""
    source, given, answers = objective.source, objective.dispersion, witnesses.arms.answers
    seen = answers.beyond_doubt if answers.learned_looks else None
    is_known, is_measured, factor, freedom, needed = True, True, given, inf, needed_looks(objective, witnesses.split)
    if source is DispersionSource.USERS:
        is_known, is_measured = witnesses.users.is_known, witnesses.users.last is not None
        factor = _of_users(witnesses.users, "answers")
        factor = max(factor, answers.beyond_doubt)
        freedom = _freedom_of_users(objective, witnesses.users)
    elif source is DispersionSource.LOOKS:
        learned = answers.known_factor(needed)
        is_known = is_measured = learned is not None
        factor = answers.guessed_factor(_guess(objective, witnesses.split)) if learned is None else learned
        if objective.engine > SEVENTH and not is_known and objective.basis is not Basis.PAIRS:
            factor = max(factor, guessed_scatter(witnesses.split, objective.engine))
        if objective.engine > SIXTH and _split_may_teach(objective):
            factor = max(factor, most_scatter(answers, witnesses.split))
        freedom = _freedom_if(objective, answers, needed, is_known=is_known)
    return Knowledge(
        is_known,
        source,
        max(given, factor),
        seen=seen,
        learned_looks=answers.learned_looks,
        is_measured=is_measured,
        needed_looks=needed,
        freedom=freedom,
        groups_outlast=needed > objective.known_looks,
    )


def needed_looks(objective: Objective, split: SplitScatter) -> int:
    """Looks in the blocks that must be learned before the scatter of answers is known, one of `scatter.SCALES`."""
    if objective.engine <= FIFTH or not _split_may_teach(objective):
        return objective.known_looks
    return SCALES[-1] if split.groups_outlast_blocks else objective.known_looks


def _split_may_teach(objective: Objective) -> bool:
    """Whether counts of requests may show more than answers do. A policy that declares how long sessions last vouches
    for it, and pairs have little in common with the requests around them."""
    vouched = objective.sessions_declared or objective.source is not DispersionSource.LOOKS
    return not vouched and objective.basis is not Basis.PAIRS


def _freedom(objective: Objective, blocks: Scatter, looks: int = 1) -> float:
    """Degrees of freedom of what blocks of so many looks show."""
    return _freedom_if(objective, blocks, looks, is_known=blocks.is_known(looks))


def _freedom_if(objective: Objective, blocks: Scatter, looks: int, *, is_known: bool) -> float:
    """The same, where it was asked already whether the blocks are learned."""
    if objective.engine <= FOURTH:
        return inf
    return blocks.freedom(looks) if is_known else GUESS_FREEDOM


def _freedom_of_users(objective: Objective, users: SeenUsers) -> float:
    if objective.engine <= FOURTH:
        return inf
    return GUESS_FREEDOM if users.last is None else USER_FREEDOM


def waits_for_looks(objective: Objective) -> int:
    """Looks in the blocks that must be learned before rare events and the split of requests prove anything."""
    return objective.known_looks if objective.source is DispersionSource.LOOKS else 1


def _of_users(users: SeenUsers, kind: str) -> float:
    return UNKNOWN if users.last is None else float(getattr(users.factors, kind))


def _guess(objective: Objective, split: SplitScatter) -> float:
    """The factor to begin with, before any look has shown how much the arms scatter. Answers that are given again leave
    no trace in the split."""
    if objective.answers_repeat:
        return UNKNOWN
    return UNLIKELY if objective.basis is Basis.PAIRS or split.seems_one_by_one else UNKNOWN


def of_lengths(objective: Objective, known: Knowledge, witnesses: Witnesses) -> Discount:
    """How evidence on lengths is read; not for version 1 of the engine. known: `knowledge` of these witnesses."""
    blocks = witnesses.lengths or Scatter()
    if known.source is DispersionSource.USERS:
        factor = max(_of_users(witnesses.users, "lengths"), blocks.factor(UNKNOWN_SCATTER))
        freedom = min(_freedom_of_users(objective, witnesses.users), _freedom(objective, blocks))
        return Discount(factor, is_learned=True, freedom=freedom)
    waits = known.source is DispersionSource.LOOKS
    looks = known.needed_looks if waits else 1
    learned = blocks.known_factor(looks)
    factor, is_known = blocks.guessed_factor(UNKNOWN_SCATTER) if learned is None else learned, learned is not None
    if objective.engine > SEVENTH and _split_may_teach(objective):
        factor = max(factor, most_scatter(blocks, witnesses.split))
    freedom = _freedom_if(objective, blocks, looks, is_known=is_known)
    return Discount(factor, is_known or not waits, is_learned=True, freedom=freedom)


def _bounded_lengths(objective: Objective, known: Knowledge, witnesses: Witnesses, lengths: Discount) -> Discount:
    if known.source is DispersionSource.USERS:
        freedom = _freedom_of_users(objective, witnesses.users)
        return Discount(_of_users(witnesses.users, "lengths"), is_learned=True, freedom=freedom)
    if known.source is DispersionSource.LOOKS:
        return lengths
    return UNDIVIDED


def _bad_events(kind: GuardrailKind, objective: Objective, events: EventScatter, users: SeenUsers) -> Discount:
    """The divisor of one guardrail. Its bursts include those of the look itself, or the first one would count as so
    many independent events."""
    if objective.source in STATED:
        return Discount(objective.dispersion)
    needed = events.needed_blocks(waits_for_looks(objective)) if objective.engine > THIRD else 1
    guess, is_known = events.guess(UNKNOWN_BURSTS), events.scatter.is_known(needed)
    freedom = _freedom(objective, events.scatter, needed)
    if objective.engine > FIFTH and not is_known:
        guess, freedom = max(guess, events.scatter.carried_on(needed)), BURSTS_FREEDOM
    factor = events.scatter.factor(guess, needed)
    if objective.source is DispersionSource.USERS:
        factor = max(factor, _users_factor(kind, users))
        freedom = min(freedom, _freedom_of_users(objective, users))
    return Discount(max(objective.dispersion, factor), is_known, is_learned=True, freedom=freedom)


def _users_factor(kind: GuardrailKind, users: SeenUsers) -> float:
    """No server counts the last three by users, and such answers come from the same users as any others do, so they are
    taken to scatter as whatever scatters most."""
    match kind:
        case GuardrailKind.FAILURE_RATE:
            return _of_users(users, "failures")
        case GuardrailKind.NEGATIVE_FEEDBACK:
            return _of_users(users, "feedback")
        case GuardrailKind.UNSCORED_RATE | GuardrailKind.EMPTY_RATE | GuardrailKind.CUT_RATE:
            return UNKNOWN if users.last is None else max(users.factors)
