"""What must be proven before a candidate is kept, what takes it back, and how often each claim may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from earlystop.evidence.dispersion_source import DispersionSource
from earlystop.evidence.multiple_testing import HarmRisks, harm_risks
from earlystop.evidence.scatter import KNOWN_LOOKS, SCALES
from earlystop.evidence.version import CURRENT, THIRD, check_version


class ClaimKind(StrEnum):
    """What a claim besides those on tokens and on the split of requests is about."""

    EXACT_MATCH = "exact_match"
    """The candidate loses more of the mean Exact Match than the margin."""
    FLOOR = "floor"
    """The candidate answers below the floor."""
    GUARDRAIL = "guardrail"
    """The candidate's rate of bad events is above what a guardrail allows."""
    QUERY_CLASS = "class"
    """The candidate loses more than the margin in one query class."""
    CERTIFICATE = "certificate"
    """The candidate loses less than the margin in one query class: the only kind that speaks for it."""
    UNANSWERED = "unanswered"
    """Less than four fifths as large a share of the candidate's requests come to an answer as of the baseline's: of
    guards alone."""


class Claim(NamedTuple):
    """One claim about a candidate. name: of the guardrail or of the query class, "" for the other kinds."""

    kind: ClaimKind
    name: str = ""

    def __str__(self) -> str:
        """The form in statuses, verdicts and messages: `floor`, `guardrail/NAME`, `class/NAME`, `certificate/NAME`."""
        return f"{self.kind}/{self.name}" if self.name else self.kind.value


EXACT_MATCH = Claim(ClaimKind.EXACT_MATCH)
FLOOR = Claim(ClaimKind.FLOOR)
UNANSWERED = Claim(ClaimKind.UNANSWERED)


class GuardrailKind(StrEnum):
    """Which bad events a guardrail counts."""

    FAILURE_RATE = "FailureRate"
    """Requests that failed, among those that ended."""
    NEGATIVE_FEEDBACK = "NegativeFeedback"
    """Votes against an answer, among completed requests."""
    UNSCORED_RATE = "UnscoredRate"
    """Answers that could not be scored, among those that somebody tried to score."""
    EMPTY_RATE = "EmptyRate"
    """Empty answers, among completed requests."""
    CUT_RATE = "CutRate"
    """Answers that a limit of tokens cut off, among completed requests."""


class Basis(StrEnum):
    """What Exact Match is compared on. One of them, chosen beforehand: bets on both would count evidence twice."""

    ANSWERS = "Answers"
    """Scored answers of the two arms' own requests."""
    PAIRS = "Pairs"
    """Questions that both variants answered."""


class About(StrEnum):
    """What a verdict on golden questions is about."""

    FILE = "File"
    """The questions themselves, each drawn again and again."""
    POPULATION = "Population"
    """What they were drawn from: each is evidence once."""


class Unscored(StrEnum):
    """What an answer that could not be scored is to Exact Match."""

    EXCLUDE = "Exclude"
    """No evidence."""
    COUNT_AS_MISMATCH = "CountAsMismatch"
    """A wrong answer."""


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A rate of bad events: the candidate's may be `maximum_ratio` (above 1) times the baseline's."""

    name: str
    kind: GuardrailKind
    maximum_ratio: float


@dataclass(frozen=True, slots=True)
class ClassMargin:
    """A query class and the loss of Exact Match that is tolerated in it, 0 < margin < 1."""

    name: str
    margin: float


@dataclass(frozen=True, slots=True)
class Objective:
    """What must be proven, and how often each proof may be wrong.

    margin: tolerated loss of Exact Match, 0 < margin < 1. minimum_saving: share of output tokens that must be
    saved, 0 <= minimum_saving < 1. risk_*: probability of a false claim over all looks together, 0 < risk < 1.
    Promoting needs all its claims, each at `risk_promote`, so a false promotion has at most that probability. Any one
    harm is enough to roll back, so these share `risk_harm` (`harm_risks`).
    floor: Exact Match below which a candidate is taken back, None for none. guardrails, classes: see there.
    require_each: whether a promotion needs a proof for every class. basis: see there.
    dispersion: how much more answers scatter than independent ones at least, >= 1. source: from where it is known how
    much events scatter (`divisors`).
    longest_answer: limit of output tokens, for the exact token test; None for the asymptotic one. limit_is_derived:
    whether caps of the variants say it, so that counts which pass it end the exact test; else they are refused.
    split_known: whether weights say how requests are split; cohorts by a header decide that by themselves.
    engine: version of the arithmetic (`version`).
    about: where pairs are golden questions; None for live requests. distinct_questions: how many different ones there
    are, where a verdict is about their population.
    unscored: what answers that could not be scored are to Exact Match; version 1 of the engine excludes them.
    risk_attrition: of a false alarm that variants differ in what is missing. has_own_requests: whether each variant has
    requests of its own, which it has not in shadow.
    known_looks: looks in the blocks that must be learned before it is known how much answers scatter, where looks show
    it, one of `scatter.SCALES` (`longest_session`). sessions_declared: whether the policy says how long sessions last,
    so that no longer blocks are waited for, whatever the counts of requests show.
    answers_repeat: whether the policy says that a variant gives an answer again where a prompt comes again.
    same_setting_steps: the first so many steps, in which both variants have the baseline's setting (`same_setting`).
    Raises ValueError, naming the field, outside these domains.
    """

    margin: float
    minimum_saving: float
    risk_promote: float
    risk_harm: float
    risk_sample_ratio: float = 0.001
    floor: float | None = None
    guardrails: tuple[Guardrail, ...] = ()
    classes: tuple[ClassMargin, ...] = ()
    require_each: bool = False
    basis: Basis = Basis.ANSWERS
    dispersion: float = 1.0
    longest_answer: int | None = None
    limit_is_derived: bool = False
    split_known: bool = True
    engine: int = CURRENT
    source: DispersionSource = DispersionSource.ASSUMED
    about: About | None = None
    distinct_questions: int | None = None
    unscored: Unscored = Unscored.COUNT_AS_MISMATCH
    risk_attrition: float = 0.001
    has_own_requests: bool = True
    known_looks: int = KNOWN_LOOKS
    sessions_declared: bool = False
    answers_repeat: bool = False
    same_setting_steps: int = 0

    def __post_init__(self) -> None:
        check_version(self.engine)
        if not 0 < self.margin < 1:
            raise ValueError(f"margin is {self.margin}; write the tolerated loss as a fraction, as in 0.02")
        if not 0 <= self.minimum_saving < 1:
            raise ValueError(f"minimum_saving is {self.minimum_saving}; write a share of tokens, as in 0.10")
        for name in ("risk_promote", "risk_harm", "risk_sample_ratio", "risk_attrition"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; write a probability, as in 0.05")
        if not self.dispersion >= 1:
            raise ValueError(f"dispersion is {self.dispersion}; write 1 for independent answers or a larger factor")
        if self.same_setting_steps and (self.classes or self.guardrails or self.basis is Basis.PAIRS):
            raise ValueError(
                "steps with the same setting on both sides bound what cohorts differ by over all answers; leave out "
                "query classes, guardrails and pairs"
            )
        if self.known_looks not in SCALES:
            raise ValueError(f"known_looks is {self.known_looks}; write one of {', '.join(map(str, SCALES))}")
        for each in self.classes:
            if not each.name or not 0 < each.margin < 1:
                raise ValueError(
                    f"query class {each.name!r} has the margin {each.margin}; write a name and a fraction, as in 0.03"
                )
        for rail in self.guardrails:
            if not 1 < rail.maximum_ratio < float("inf"):
                raise ValueError(f"guardrail {rail.name!r} has the ratio {rail.maximum_ratio}; write one above 1")
        if self.longest_answer is not None and self.longest_answer < 1:
            raise ValueError(f"longest_answer is {self.longest_answer}; write a number of tokens, as in 4096")
        if self.floor is not None and not 0 < self.floor < 1:
            raise ValueError(f"floor is {self.floor}; write an Exact Match as a fraction, as in 0.80")
        if self.classes and self.basis is Basis.PAIRS:
            raise ValueError("classes are compared on answers; leave them out where Exact Match is read from pairs")
        harm_risks(self.risk_harm, self.harm_claims)  # names that stand twice are refused

    @property
    def by_users(self) -> bool:
        """Whether looks say how much users scatter (`user_scatter`): the same ones are in every look."""
        return self.source is DispersionSource.USERS

    @property
    def learns_level(self) -> bool:
        """Whether looks say how much the level of the candidate's answers scatters by itself, as a floor asks."""
        return self.floor is not None and self.engine > THIRD

    @property
    def harm_risks(self) -> HarmRisks[Claim]:
        """How `risk_harm` is shared by the claims that take a candidate back."""
        return harm_risks(self.risk_harm, self.harm_claims)

    @property
    def harm_claims(self) -> list[Claim]:
        """The claims besides Exact Match that take a candidate back."""
        floor = [FLOOR] if self.floor is not None else []
        rates = [guardrail_claim(each.name) for each in self.guardrails]
        return [*floor, *rates, *(class_claim(each.name) for each in self.classes)]

    @property
    def other_claims(self) -> list[Claim]:
        """All claims besides Exact Match, tokens and the sample ratio."""
        proven = self.classes if self.require_each else ()
        return [*self.harm_claims, *(certificate_claim(each.name) for each in proven)]


def guardrail_claim(name: str) -> Claim:
    """The claim that a guardrail of this name is broken."""
    return Claim(ClaimKind.GUARDRAIL, name)


def class_claim(name: str) -> Claim:
    """The claim that a query class of this name is harmed."""
    return Claim(ClaimKind.QUERY_CLASS, name)


def certificate_claim(name: str) -> Claim:
    """The claim that a query class of this name loses less than its margin."""
    return Claim(ClaimKind.CERTIFICATE, name)
