"""How long an answer can be at most, by what a policy says of it: with that the saving is tested exactly.

`tokens.longestAnswer` says it. Where it does not, a parameter with the knob `AnswerCap` does, if each variant sets one:
the largest of these caps is then the limit of all answers. A cap is one where no client gets more, so neither with
`IfAbsent` or `IfSmaller`, nor with `where`, which leaves other bodies as they are. A baseline that leaves bodies alone
has no cap, and nothing is known; nor is it in a delivery mode that writes into no bodies, whose servers read headers as
they like. Each choice of an answer (`n`) has the cap to itself, so a variant that sets how many there are, by the
knob `Samples`, has as many times its cap.

What such a cap does not bound: bodies into which it may not be written (the injector counts them as refused), and
choices that clients ask for where no variant sets their number. Where the counts show a longer answer, the exact test
is given up for the campaign (`evidence/engine.py`), and the other one decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from earlystop.api.body_knobs import Apply, Knob
from earlystop.api.parameters import Parameter
from earlystop.api.policy import PolicySpec
from earlystop.evidence.version import CURRENT, NINTH, check_version

_BOUNDS = (None, Apply.IF_LARGER, Apply.ALWAYS)
"""How a cap is written so that it bounds all answers; None is what the knob does."""


class AnswerLimit(NamedTuple):
    """The longest possible answer, >= 1 output tokens; None where nobody knows it. is_derived: whether caps say it, and
    not the policy itself."""

    tokens: int | None
    is_derived: bool


def answer_limit(spec: PolicySpec, engine: int = CURRENT) -> AnswerLimit:
    """What a policy says of its longest answer; engine: version of the arithmetic, of which those before 10 read no
    caps. Raises ValueError for one that this release does not know."""
    check_version(engine)
    stated = spec.objective.tokens.longest_answer
    if stated is not None or engine <= NINTH:
        return AnswerLimit(stated, is_derived=False)
    if spec.delivery.in_bodies is None:
        return AnswerLimit(None, is_derived=False)
    settings = [spec.baseline_settings(), *map(spec.candidate_settings, spec.settings_to_try())]
    caps = [_cap_of(each, spec.parameters) for each in settings]
    known = [each for each in caps if each is not None]
    is_known = len(known) == len(caps)
    return AnswerLimit(max(known), is_derived=True) if is_known else AnswerLimit(None, is_derived=False)


def _cap_of(setting: Mapping[str, str], parameters: Sequence[Parameter]) -> int | None:
    """The cap of a variant, in output tokens, of all choices together; setting: parameter -> its value."""
    caps = [int(setting[each.name]) for each in parameters if _is_cap(each) and each.name in setting]
    choices = [int(setting[each.name]) for each in parameters if _has(each, Knob.SAMPLES) and each.name in setting]
    return min(caps) * max(choices, default=1) if caps else None


def _is_cap(parameter: Parameter) -> bool:
    body = parameter.body
    return _has(parameter, Knob.ANSWER_CAP) and body is not None and body.where is None and body.apply in _BOUNDS


def _has(parameter: Parameter, knob: Knob) -> bool:
    return parameter.body is not None and parameter.body.knob is knob
