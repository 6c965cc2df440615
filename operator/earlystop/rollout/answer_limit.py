"""How long an answer can be at most, by what a policy or its servers say of it: with that the saving is tested exactly.

`tokens.longestAnswer` says it. Where it does not, a parameter with the knob `AnswerCap` does, if each variant sets one:
the largest of these caps is then the limit of all answers. A cap is one where no client gets more, so neither with
`IfAbsent` or `IfSmaller`, nor with `where`, which leaves other bodies as they are. A baseline that leaves bodies alone
has no cap, and nothing is known; nor is it in a delivery mode that writes into no bodies, whose servers read headers as
they like. Besides, servers have a limit of their own, as the length that an engine has for a model, which the
MetricSource may state (`longestAnswer`). Of caps and that limit the smaller one counts. Each choice of an answer (`n`)
has it to itself, so a variant that sets how many there are, by the knob `Samples`, has as many times its limit.

What neither bounds: bodies into which a cap may not be written (the injector counts them as refused), choices that
clients ask for where no variant sets their number, and servers that were given a longer length since. Where the counts
show a longer answer, the exact test is given up for the campaign (`evidence/engine.py`), and the other one decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from earlystop.api.body_knobs import Apply, Knob
from earlystop.api.parameters import Parameter
from earlystop.api.policy import PolicySpec
from earlystop.evidence.version import CURRENT, NINTH, check_version

_BOUNDS = (None, Apply.IF_LARGER, Apply.ALWAYS)
"""How a cap is written so that it bounds all answers; None is what the knob does."""


class LimitSource(StrEnum):
    """Who says how long an answer can be."""

    POLICY = "Policy"
    CAPS = "Caps"
    SERVERS = "Servers"


class AnswerLimit(NamedTuple):
    """The longest possible answer, >= 1 output tokens; None where nobody knows it. source: who says it."""

    tokens: int | None
    source: LimitSource | None

    @property
    def is_derived(self) -> bool:
        """Whether caps or servers say it, and not the policy itself."""
        return self.source in (LimitSource.CAPS, LimitSource.SERVERS)


NO_LIMIT = AnswerLimit(None, None)


def answer_limit(spec: PolicySpec, engine: int = CURRENT, of_servers: int | None = None) -> AnswerLimit:
    """What is known of a policy's longest answer.

    engine: version of the arithmetic, of which those before 10 read nothing but the policy's own word. of_servers: most
    output tokens of one choice by what the MetricSource says, >= 1; None where it says nothing. Raises ValueError for a
    version that this release does not know.
    """
    check_version(engine)
    stated = spec.objective.tokens.longest_answer
    if stated is not None:
        return AnswerLimit(stated, LimitSource.POLICY)
    if engine <= NINTH:
        return NO_LIMIT
    settings = [spec.baseline_settings(), *map(spec.candidate_settings, spec.settings_to_try())]
    found = []
    if of_servers is not None:
        choices = max(_choices_of(each, spec.parameters) for each in settings)
        found.append(AnswerLimit(of_servers * choices, LimitSource.SERVERS))
    caps = [_cap_of(each, spec.parameters) for each in settings]
    known = [each for each in caps if each is not None]
    if len(known) == len(caps) and spec.delivery.in_bodies is not None:
        found.append(AnswerLimit(max(known), LimitSource.CAPS))
    return min(found, key=lambda each: each.tokens or 0, default=NO_LIMIT)


def checked_limit(value: object) -> int | None:
    """What a plan says of its servers' longest answer. Raises ValueError unless it is a whole number of tokens, from 1
    on, or None."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError(f"the plan's longestAnswer is {value!r}; write a whole number of output tokens, as in 32768")


def _cap_of(setting: Mapping[str, str], parameters: Sequence[Parameter]) -> int | None:
    """The cap of a variant, in output tokens, of all choices together; setting: parameter -> its value."""
    caps = [int(setting[each.name]) for each in parameters if _is_cap(each) and each.name in setting]
    return min(caps) * _choices_of(setting, parameters) if caps else None


def _choices_of(setting: Mapping[str, str], parameters: Sequence[Parameter]) -> int:
    """How many choices an answer of a variant has, 1 where it sets no number."""
    choices = [int(setting[each.name]) for each in parameters if _has(each, Knob.SAMPLES) and each.name in setting]
    return max(choices, default=1)


def _is_cap(parameter: Parameter) -> bool:
    body = parameter.body
    return _has(parameter, Knob.ANSWER_CAP) and body is not None and body.where is None and body.apply in _BOUNDS


def _has(parameter: Parameter, knob: Knob) -> bool:
    return parameter.body is not None and parameter.body.knob is knob
