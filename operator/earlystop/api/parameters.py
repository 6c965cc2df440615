"""The parameters of a policy: which values one may have, and where it is written in a request's body."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from earlystop.api.body_knobs import EFFORTS, KNOB_TYPES, LEAST_OF_KNOB, Api, Apply, Knob
from earlystop.api.values import DECIMAL_PATTERN, ChoiceText, DecimalText, SettingName, Value, rules

RESERVED_NAMES = ("policy", "revision", "step", "variant", "shadow")
PATH_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*){0,7}$"
BY_ORDER = (Apply.IF_LARGER.value, Apply.IF_SMALLER.value)
_NUMBER = "(self.type == 'Integer' || self.type == 'Decimal')"
_KNOB = "!has(self.body) || !has(self.body.knob)"


class BodyPath(Value):
    """A field of one API's bodies."""

    api: Api = Field(description="ChatCompletions, Completions, Responses or Messages.")
    path: Annotated[str, Field(max_length=128, pattern=PATH_PATTERN)] = Field(
        description="Keys from the body's root, joined by dots, as custom_params.window."
    )
    negative_is_unbounded: bool = Field(
        False,
        description="Whether a client's number below 0 asks for no bound, which is larger than any. Absent: where such "
        "a number would have to be compared with a value that is not below 0, the setting is refused.",
    )


class BodyCondition(Value):
    """What a client's body must hold for a parameter to be written into it."""

    path: Annotated[str, Field(max_length=128, pattern=PATH_PATTERN)] = Field(
        description="Keys from the body's root, joined by dots, as reasoning_effort."
    )
    value: ChoiceText = Field(description="The word that stands there, compared exactly, as low.")


class ParameterBody(Value):
    """Where a parameter stands in requests' bodies: either by knob, or by paths."""

    model_config = rules(
        {"rule": "has(self.knob) != has(self.paths)", "message": "body: write exactly one of knob and paths"},
        {
            "rule": "!has(self.paths) || self.paths.all(p,"
            " self.paths.exists_one(q, q.api == p.api && q.path == p.path))",
            "message": "body.paths: write each field of an API once",
        },
        {
            "rule": "!has(self.paths) || self.paths.all(p,"
            " p.path != 'stream' && p.path != 'stream_options' && !p.path.startsWith('stream_options.'))",
            "message": "body.paths: stream and stream_options say how an answer is sent and counted; no parameter sets "
            "them",
        },
    )

    knob: Knob | None = Field(
        None,
        description="What the parameter means. The operator knows which fields of a body each engine reads for it, "
        "aliases included.",
    )
    paths: Annotated[tuple[BodyPath, ...], Field(min_length=1, max_length=16)] | None = Field(
        None,
        description="The fields themselves. Of several of one API the first is set where a client wrote none, and the "
        "others are aliases of it, which are changed where a client sent them.",
    )
    where: BodyCondition | None = Field(
        None,
        description="Writes only into bodies that hold this value. Other bodies stay as they are, and are counted as "
        "kept in the injector's metric earlystop_injector_settings_total. Absent: into every body.",
    )
    apply: Apply | None = Field(
        None,
        description="When the value is written over the client's. Always; IfAbsent: where the client wrote none; "
        "IfLarger, IfSmaller: where it wrote none, or one that is larger, or smaller, so that no client gets more, or "
        "less, than it asked for. Of choices the later one is larger, and true is larger than false. Absent: IfLarger "
        "for a knob, IfAbsent for RepetitionStop, Always for paths.",
    )


def _of_type(kind: str) -> dict[str, str]:
    """The rule of the knobs of one type; an API server knows no bound of what a map gives, so there is one for each."""
    knobs = [knob for knob, each in KNOB_TYPES.items() if each == kind]
    return {
        "rule": f"{_KNOB} || !(self.body.knob in {knobs}) || self.type == '{kind}'",
        "messageExpression": "'parameter ' + self.name + ': knob ' + self.body.knob + ' is of type " + kind + "'",
    }


def _not_below(least: float) -> dict[str, str]:
    """The rule of the knobs that engines take no smaller number for."""
    knobs = [knob for knob, each in LEAST_OF_KNOB.items() if each == least]
    return {
        "rule": f"{_KNOB} || !has(self.minimum) || !(self.body.knob in {knobs}) || double(self.minimum) >= {least}",
        "messageExpression": "'parameter ' + self.name + ': engines take no ' + self.body.knob + ' below "
        f"{least:g}; write that minimum or a larger one'",
    }


class Parameter(Value):
    """One knob of early stopping that a variant sets."""

    model_config = rules(
        {
            "rule": "!has(self.minimum) || !has(self.maximum) || double(self.minimum) < double(self.maximum)",
            "messageExpression": "'parameter ' + self.name + ': write a minimum below the maximum; '"
            " + self.minimum + ' is not below ' + self.maximum",
        },
        {
            "rule": f"!{_NUMBER} || (has(self.minimum) && has(self.maximum) && has(self.stopsSooner))",
            "messageExpression": "'parameter ' + self.name + ': type ' + self.type + ' needs minimum, maximum and "
            "stopsSooner'",
        },
        {
            "rule": f"{_NUMBER} || (!has(self.minimum) && !has(self.maximum))",
            "messageExpression": "'parameter ' + self.name + ': minimum and maximum are bounds of numbers; remove them "
            "from a parameter of type ' + self.type",
        },
        {
            "rule": "(self.type == 'Choice') == has(self.choices)",
            "messageExpression": "'parameter ' + self.name + ': choices belong to type Choice, which needs them; a "
            "Boolean has true and false, and numbers have minimum and maximum'",
        },
        {
            "rule": "!has(self.choices) || self.choices.all(c, self.choices.exists_one(o, o == c))",
            "messageExpression": "'parameter ' + self.name + ': write each choice once'",
        },
        {
            "rule": f"!(self.name in {list(RESERVED_NAMES)})",
            "messageExpression": "'the name ' + self.name + ' is reserved for a header of the operator; "
            "write another name, for example ' + self.name + '-limit'",
        },
        *(_of_type(kind) for kind in dict.fromkeys(KNOB_TYPES.values())),
        *(_not_below(least) for least in dict.fromkeys(LEAST_OF_KNOB.values())),
        {
            "rule": f"{_KNOB} || self.body.knob != 'ReasoningEffort' || !has(self.choices)"
            f" || self.choices.all(c, c in {list(EFFORTS)})",
            "messageExpression": "'parameter ' + self.name + ': choices of the knob ReasoningEffort are "
            f"{', '.join(EFFORTS)}; write paths for others'",
        },
        {
            "rule": f"!has(self.body) || !has(self.body.apply) || !(self.body.apply in {list(BY_ORDER)})"
            " || (has(self.body.knob) ? self.body.knob != 'RepetitionStop' : has(self.stopsSooner))",
            "messageExpression": "'parameter ' + self.name + ': apply ' + self.body.apply + ' compares values, and "
            "these have no order; write stopsSooner, or apply Always or IfAbsent'",
        },
    )

    name: SettingName = Field(description="Name of the knob, also the end of its header: <prefix>param-<name>.")
    type: Literal["Integer", "Decimal", "Choice", "Boolean"] = Field(
        description='Integer or Decimal: a number; Choice: one of a list of words; Boolean: "true" or "false".'
    )
    minimum: DecimalText | None = Field(
        None, description="Smallest value that a variant may set; required for Integer and Decimal."
    )
    maximum: DecimalText | None = Field(
        None, description="Largest value that a variant may set; required for Integer and Decimal."
    )
    choices: Annotated[tuple[ChoiceText, ...], Field(min_length=2, max_length=16)] | None = Field(
        None,
        description="The words that a variant may set, each once, for example [low, medium, high]. Their order counts "
        "where stopsSooner is written, and for no other parameter. With the knob ReasoningEffort order and "
        "stopsSooner are not used: efforts have the order that engines give them.",
    )
    stops_sooner: Literal["WhenLower", "WhenHigher"] | None = Field(
        None,
        description="Which direction makes generation stop sooner: WhenLower for budgets, windows and patience, "
        "WhenHigher for tolerances; required for Integer and Decimal. Of choices, WhenLower says that one "
        "further to the front stops sooner, WhenHigher one further to the back; false is lower than true. "
        "Absent: the values have no order, so none is larger than another.",
    )
    body: ParameterBody | None = Field(
        None,
        description="Where the value is written in the bodies of requests, with delivery.mode RequestBody or "
        "GatewayBody. Absent: it is sent in a header.",
    )

    def boldness(self, value: str) -> Decimal:
        """The number by which values of this parameter are ordered, from the most careful to the boldest: the larger,
        the sooner generation stops. value: one that it takes. Choices without `stops_sooner` are in the order
        written."""
        if self.type == "Choice":
            size = Decimal((self.choices or ()).index(value))
        elif self.type == "Boolean":
            size = Decimal(value == "true")
        else:
            size = Decimal(value)
        return -size if self.stops_sooner == "WhenLower" else size

    def problem_of(self, value: str) -> str | None:
        """Why a value is none of this parameter, in a clause; None when it is one."""
        if self.type == "Choice":
            choices = self.choices or ()
            return None if value in choices else f"{self.name} {value} is none of {', '.join(choices)}"
        if self.type == "Boolean":
            return None if value in ("true", "false") else f"{self.name} {value} is neither true nor false"
        if not re.match(DECIMAL_PATTERN, value):
            return f"{self.name} {value} is no number"
        number, least, most = Decimal(value), self.minimum or value, self.maximum or value
        if not Decimal(least) <= number <= Decimal(most):
            return f"{self.name} {value} is not between {least} and {most}"
        return f"{self.name} {value} is no whole number" if self.type == "Integer" and number % 1 else None
