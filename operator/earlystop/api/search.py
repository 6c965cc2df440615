"""`spec.search`: what may be tried, and how the setting that saves most is looked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.searches import DEFAULT_SEARCH, MOST_SETTINGS, SEARCHES, SearchTraits
from earlystop.api.values import DecimalText, RowOf, SettingName, SettingText, Value, rules

Requests = Annotated[int, Field(ge=1000, le=1_000_000_000_000)]


class SearchProblem(ValueError):
    """Why a search has no settings that could be tried: a sentence that says what to write, without its full stop."""


class SearchRange(Value):
    """Numbers from the smallest to the largest that may be tried; in which order they are tried is not said by it."""

    model_config = rules(
        {"rule": "has(self.step) != has(self.count)", "message": "range: write exactly one of step and count"},
        {
            "rule": "double(self.from) < double(self.to)",
            "messageExpression": "'range: from ' + self.from + ' is not below to ' + self.to + '; from is the smallest "
            "number that may be tried, and to the largest'",
        },
        {
            "rule": "!has(self.step) || double(self.step) > 0.0",
            "messageExpression": "'range: a step of ' + self.step + ' never leads from the smallest number to the "
            "largest; write one above 0'",
        },
        {
            "rule": "!has(self.scale) || self.scale != 'Log' || double(self.from) > 0.0",
            "messageExpression": "'range: scale Log has no place for ' + self.from + '; write a from above 0'",
        },
        {
            "rule": "!has(self.scale) || self.scale != 'Log' || !has(self.step) || double(self.step) > 1.0",
            "messageExpression": "'range: with scale Log a step is a factor, and ' + self.step + ' never leads from "
            "the smallest number to the largest; write one above 1'",
        },
    )

    from_: DecimalText = Field(alias="from", description="The smallest number.")
    to: DecimalText = Field(description="The largest number; the steps must reach it.")
    step: DecimalText | None = Field(
        None, description='From one number to the next: the distance, as "5"; with scale Log the factor, as "2".'
    )
    count: int | None = Field(
        None,
        ge=2,
        le=MOST_SETTINGS,
        description="How many numbers, from and to among them, instead of step. Between them they are rounded, to "
        "whole numbers for type Integer.",
    )
    scale: Literal["Linear", "Log"] = Field(
        "Linear", description="Linear: equal distances; Log: equal factors, for budgets. Absent: Linear."
    )


class SearchParameter(Value):
    """A parameter that the search may change: by a list, by a range, or a Choice or Boolean with all that it takes."""

    model_config = rules(
        {
            "rule": "!has(self.values) || !has(self.range)",
            "messageExpression": "'search.parameters: ' + self.name + ' has both values and range; remove one'",
        }
    )

    name: SettingName = Field(description="Name of a parameter of this policy.")
    values: Annotated[tuple[SettingText, ...], Field(min_length=1, max_length=MOST_SETTINGS)] | None = Field(
        None, description="The values that may be tried, in any order."
    )
    range: SearchRange | None = Field(None, description="Evenly spaced numbers instead of values.")


class SearchBudget(Value):
    """What the whole search may use. When it is used up, the search ends with the best setting that is certified, or
    with the baseline."""

    model_config = rules(
        {"rule": "has(self.requests) || has(self.seconds)", "message": "search.budget: write requests, seconds or both"}
    )

    requests: Requests | None = Field(
        None,
        description="Requests of users, of all variants that are compared; golden questions are not among them. "
        "Absent: any.",
    )
    seconds: int | None = Field(None, ge=60, le=31_536_000, description="Time since its start. Absent: any.")


class Search(Value):
    """A search for the setting that saves most within the margin, instead of named candidates."""

    strategy: Annotated[str, RowOf(SEARCHES, "search strategy")] = Field(
        DEFAULT_SEARCH,
        description="How the next setting is chosen. Ladder: one after the other, from careful to bold, while the best "
        "one proven serves. Grid: all at once in equal shares. Bayesian: one after the other, where proof and saving "
        "are likely. Bandit: all at once, in shares that follow the evidence. External: what others propose. What is "
        "promoted is decided by evidence alone, under each.",
    )
    parameters: Annotated[
        tuple[SearchParameter, ...],
        Field(
            min_length=1,
            max_length=3,
            json_schema_extra={"x-list-map-key": "name"},
            description=f"What may be tried: every combination, at most {MOST_SETTINGS}. The baseline's own setting is "
            "left out, and a parameter that is not named keeps the baseline's value.",
        ),
    ]
    failure_budget: int = Field(
        3,
        ge=1,
        le=10,
        description="How many settings may fail before a search of strategy Ladder or Bayesian ends, or, with "
        "External, before a proposer is asked no more. Each spends a part of the risk. Grid and Bandit do not count "
        "them.",
    )
    warm_start: Literal["None", "History"] = Field(
        "None", description="Whether earlier verdicts say what is tried first. They prove nothing."
    )
    repeat_seconds: int | None = Field(
        None,
        ge=3600,
        le=31_536_000,
        description="Search again so long after the end, from the setting that was proven. Absent: never.",
    )
    budget: SearchBudget | None = Field(None, description="What the whole search may use. Absent: no bound.")
    incumbent_weight: int = Field(
        50,
        ge=1,
        le=98,
        description="Least percent of requests for the best proven setting while another is tried. That one gets up to "
        "72 % of the rest, as far as the steps of rollout allow it, and the baseline what is left; with External both "
        "have as much.",
    )
    horizon_requests: Requests = Field(
        1_000_000,
        description="Requests that the setting found will serve: what a larger saving is worth against the requests of "
        "a trial.",
    )

    @property
    def traits(self) -> SearchTraits:
        """What the strategy is like."""
        return SEARCHES[self.strategy]
