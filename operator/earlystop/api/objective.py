"""The part of a policy that says what must be proven, and with which risk of error."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.query_class import OBJECTIVE_RULES, QueryClass
from earlystop.api.values import DecimalText, SettingName, Value, between, rules


class Questions(Value):
    """What the golden questions are that both variants answer."""

    model_config = rules(
        {
            "rule": "!has(self.about) || self.about != 'Population' || has(self.number)",
            "message": "questions.about Population: write questions.number, how many different questions there are; "
            "each is evidence once",
        }
    )

    about: Literal["File", "Population"] = Field(
        "File",
        description="What a verdict is about: the questions themselves, or the population that they were drawn from. "
        "For the second each is evidence once, so their number bounds what can be proven.",
    )
    number: int | None = Field(
        None, ge=1, le=10_000_000, description="How many different questions there are, which about: Population needs."
    )


class ExactMatch(Value):
    """How much Exact Match a candidate may lose against the baseline."""

    model_config = rules(
        between("margin", "0.0", "1.0", "0.02"),
        between("floor", "0.0", "1.0", "0.80"),
        {
            "rule": "!has(self.dispersion) || (double(self.dispersion) >= 1.0 && double(self.dispersion) <= 1000.0)",
            "messageExpression": "'dispersion ' + self.dispersion + ' must lie between 1 and 1000; "
            "1 stands for independent answers'",
        },
        {
            "rule": "!has(self.dispersion) || !has(self.assumeIndependent) || !self.assumeIndependent",
            "messageExpression": "'exactMatch.dispersion ' + self.dispersion + ' says how much answers scatter, and "
            "assumeIndependent: true that they are independent; remove one of the two'",
        },
        {
            "rule": "!has(self.longestSessionSeconds) || !has(self.dispersion)",
            "message": "exactMatch.longestSessionSeconds is for looks to learn how much answers scatter, and "
            "dispersion says it; remove one of the two",
        },
        {
            "rule": "!has(self.longestSessionSeconds) || !has(self.assumeIndependent) || !self.assumeIndependent",
            "message": "exactMatch.longestSessionSeconds says how long answers of a session stay alike, and "
            "assumeIndependent: true that none are; remove one of the two",
        },
        {
            "rule": "!has(self.repeatedAnswers) || !self.repeatedAnswers || !has(self.assumeIndependent) "
            "|| !self.assumeIndependent",
            "message": "exactMatch.repeatedAnswers says that answers to one prompt are the same, and "
            "assumeIndependent: true that none are alike; remove one of the two",
        },
        {
            "rule": "!has(self.questions) || (has(self.evidence) && self.evidence == 'Pairs')",
            "message": "exactMatch.questions says what golden questions are; write exactMatch.evidence: Pairs, or "
            "remove it",
        },
    )

    margin: DecimalText = Field(description='Loss of EM that is still acceptable, "0.02" for two points.')
    floor: DecimalText | None = Field(
        None,
        description='EM below which the candidate is taken back, whatever the baseline does, "0.80" for 80 %. '
        "Absent: none.",
    )
    evidence: Literal["Answers", "Pairs"] = Field(
        "Answers",
        description="What EM is compared on: the scored answers of each variant's own requests, or questions that both "
        "variants answered, as an evaluator asks them.",
    )
    questions: Questions | None = Field(
        None, description="What the golden questions are, with evidence Pairs. Absent: a verdict is about their file."
    )
    unscored: Literal["Exclude", "CountAsMismatch"] = Field(
        "CountAsMismatch",
        description="What an answer that could not be scored is to EM: a wrong answer, or no evidence. Answers that "
        "nobody tried to score are never counted, nor are requests that failed. In pairs an answer that failed is one, "
        "too, beside one that was scored; Exclude leaves such pairs out.",
    )
    dispersion: DecimalText | None = Field(
        None,
        description="How much more answers scatter than independent ones would, where sessions stay on a variant: the "
        'design effect, "1" or more. Absent: it is learned while variants are compared, or read from counts by users '
        "where each keeps a variant.",
    )
    assume_independent: bool = Field(
        False,
        description="True takes answers, failures and feedback as independent of each other: nothing is learned or "
        "waited for. The risks then hold only if they are, as where nothing keeps a session on a variant. False: "
        "nothing is promoted before it is known how much answers scatter, as it is after 128 looks, or sooner by "
        "longestSessionSeconds.",
    )
    longest_session_seconds: int | None = Field(
        None,
        ge=1,
        le=86_400,
        description="For how long requests of one session, or of one user, stay on a variant at most. Then it is known "
        "how much answers scatter after 64 looks where that is 4 rollout.lookSeconds at most, after 128 where it is "
        "19, and after 256 where it is 39. Sessions that last longer are noticed later than a promotion may "
        "come, so the risks hold only if none do. Absent: 128 looks, for sessions of up to 20.",
    )
    repeated_answers: bool = Field(
        False,
        description="True says that each variant gives an answer again where a prompt comes again, as from a cache of "
        "its own. Such answers are alike without a trace in how requests are split, so until looks have shown how much "
        "they scatter a harm needs two and a half times the evidence. False: they are taken to be made anew.",
    )


class Tokens(Value):
    """How many output tokens a candidate must save."""

    model_config = rules(between("minimumSaving", "0.0", "1.0", "0.10", closed_low=True))

    minimum_saving: DecimalText = Field(
        "0", description='Share of the baseline\'s tokens that must be saved at least, "0.10" for a tenth.'
    )
    longest_answer: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Limit of output tokens of an answer. With it the saving is tested exactly, which takes hardly "
        "more answers where the limit is seven times the mean length, and four times as many where it is fifty times; "
        "without it the test is asymptotic. Absent: the largest value of a parameter with the knob AnswerCap, where "
        "the baseline and each candidate set it, or longestAnswer of the MetricSource, whichever is smaller, until "
        "counts show a longer answer.",
    )


class Guardrail(Value):
    """A rate of bad events that must not rise."""

    model_config = rules(
        {
            "rule": "double(self.maximumRatio) > 1.0",
            "messageExpression": "'guardrail ' + self.name + ': write a maximumRatio above 1, for example \"1.5\"'",
        }
    )

    name: SettingName = Field(description="Name shown in status and verdicts.")
    kind: Literal["FailureRate", "NegativeFeedback", "UnscoredRate", "EmptyRate", "CutRate"] = Field(
        description="Which events are counted: requests that failed; votes against an answer; answers that could not "
        "be scored, among those that were tried; answers that were empty, or cut off at a limit of tokens."
    )
    maximum_ratio: DecimalText = Field(
        description="Candidate's rate over the baseline's that is still acceptable: \"1.5\" allows half as many again."
    )


class Risk(Value):
    """Probabilities of a wrong decision, however often one looks."""

    model_config = rules(
        *(
            {
                "rule": f"!has(self.{side}) || (double(self.{side}) >= 0.000001 && double(self.{side}) <= 0.5)",
                "messageExpression": f"'risk.{side} ' + self.{side} + ' must lie between 0.000001 and 0.5, "
                'for example "0.05"\'',
            }
            for side in ("promote", "harm")
        )
    )

    promote: DecimalText = Field(
        "0.05",
        description="Probability of promoting a candidate that loses the margin, at all looks of a campaign "
        'together: "0.05" is one in twenty.',
    )
    harm: DecimalText = Field(
        "0.05",
        description="Probability of rolling back a candidate that loses less than the margin, at all looks of a "
        "campaign together.",
    )
    campaigns: int = Field(
        1,
        ge=1,
        le=100,
        description="Campaigns of one candidate, by retries and by edits of anything but its values, that have these "
        "probabilities together. The k-th of n spends 1/k^2 over the sum of 1/1^2 to 1/n^2 of each, so the first of 5 "
        "spends 68 %; the one after the n-th begins anew. A policy that is made again under its name goes on from its "
        "verdicts. 1: each campaign spends the whole.",
    )


class Objective(Value):
    """What must be proven before a candidate is kept."""

    model_config = rules(
        {
            "rule": "!has(self.requireEach) || !self.requireEach || has(self.queryClasses)",
            "message": "requireEach asks for a proof of each query class; write queryClasses",
        },
        {
            "rule": "!has(self.queryClasses) || !has(self.exactMatch.evidence) || self.exactMatch.evidence != 'Pairs'",
            "message": "queryClasses are compared on answers; remove them or, where your server scores its live "
            "answers, write exactMatch.evidence: Answers",
        },
        *OBJECTIVE_RULES,
    )

    exact_match: ExactMatch = Field(description="The promise on Exact Match.")
    tokens: Tokens = Field(default_factory=Tokens, description="The promise on output tokens.")
    guardrails: (
        Annotated[tuple[Guardrail, ...], Field(max_length=8, json_schema_extra={"x-list-map-key": "name"})] | None
    ) = Field(None, description="Rates of bad events that must not rise. Absent: none is watched.")
    query_classes: (
        Annotated[tuple[QueryClass, ...], Field(max_length=10, json_schema_extra={"x-list-map-key": "name"})] | None
    ) = Field(None, description="Classes of questions; one that is proven to be harmed rolls the candidate back.")
    require_each: bool = Field(
        False, description="True promotes only what is proven to lose less than its margin in each query class, too."
    )
    per_class: bool = Field(
        False,
        description="True judges every candidate in each query class by itself: a class gets the candidate that is "
        "proven in it and saves most there, and keeps the baseline without one. risk.promote is that of each class.",
    )
    risk: Risk = Field(default_factory=Risk, description="Probabilities of a wrong decision.")
