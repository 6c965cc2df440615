"""What the parts of a policy must be to each other, in CEL: the API server refuses a policy that breaks one of these,
with a message that says what to write."""

from __future__ import annotations

from typing import NamedTuple

from earlystop.api.cohorts import HAS_COHORTS, IN_BODIES, variant_rules
from earlystop.api.modes import MODES
from earlystop.api.presets import PRESETS, PRESETS_FOR_SHARED_PODS
from earlystop.api.query_class import POLICY_RULES
from earlystop.api.same_setting_rules import SAME_SETTING_RULES
from earlystop.api.search_rules import SEARCH_RULES
from earlystop.api.session_rules import SESSION_RULES

OWN_PODS = tuple(name for name, traits in MODES.items() if traits.own_pods)
# Presets by which variants are told apart by their Pods, and so only where each has its own.
BY_POD = tuple(name for name, traits in PRESETS.items() if traits.needs_own_pods and not traits.of_gateway)
_WITHOUT_STEPS = tuple(name for name, traits in MODES.items() if not traits.by_weights)
WITHOUT_STEPS = f"(self.delivery.mode in {list(_WITHOUT_STEPS)} || {IN_BODIES})"
"""CEL for whether the operator moves no share of requests."""
_NAMED = f"'delivery.mode ' + self.delivery.mode + ({IN_BODIES} ? ' with cohort' : '')"
"""CEL for a policy's mode in a message, and whether it compares cohorts there."""

EDITING_BODIES = tuple(name for name, traits in MODES.items() if traits.edits_bodies)
THROUGH_INJECTOR = tuple(name for name, traits in MODES.items() if traits.through_injector)
BY_CONVENTION = tuple(name for name, traits in PRESETS.items() if traits.by_convention)
NOBODY_SCORES = (
    f"exactMatch.evidence: nobody scores live answers in delivery.mode {' or '.join(THROUGH_INJECTOR)}, since the "
    "server behind the injector is told of no variant; write evidence: Pairs and ask golden questions "
    "(operator/docs/golden-questions.md)"
)
"""Why a policy is refused whose Exact Match nobody would ever count."""
_DECIMAL = "'^-?[0-9]+([.][0-9]+)?$'"


def _equal(one: str, other: str) -> str:
    """The rule that two values are the same, however a decimal is spelled."""
    are_decimals = f"{one}.value.matches({_DECIMAL}) && {other}.value.matches({_DECIMAL})"
    return f"({one}.value == {other}.value || ({are_decimals} && double({one}.value) == double({other}.value)))"


class _Values(NamedTuple):
    """A list of values, for rules about it. here: CEL for the list. label: CEL for the beginning of a sentence about
    it."""

    here: str
    label: str

    def fit(self, fault: str, words: str) -> tuple[str, str]:
        """A rule that no value `v` has a fault, and CEL for the sentence about the first that has it.

        An API server knows no bound for the length of a text that is taken out of a filtered list, so the whole
        sentence is made where the value is at hand.
        """
        return f"{self.here}.all(v, !({fault}))", f"{self.here}.map(v, {fault}, {self.label} + {words})[0]"

    def fit_parameter(self, fault: str, words: str) -> tuple[str, str]:
        """As `fit`, for a fault that a value `v` has by its parameter `p`."""
        is_wrong = f"self.parameters.exists(p, p.name == v.name && {fault})"
        sentence = f"self.parameters.map(p, p.name == v.name, {self.label} + {words})[0]"
        return f"{self.here}.all(v, !{is_wrong})", f"{self.here}.map(v, {is_wrong}, {sentence})[0]"


def _fitting(values: _Values) -> tuple[tuple[str, str], ...]:
    """Rules that values are those of parameters, each with CEL for its message."""
    outside = (
        f"(p.type == 'Integer' || p.type == 'Decimal') && (!v.value.matches({_DECIMAL})"
        " || (has(p.minimum) && double(v.value) < double(p.minimum))"
        " || (has(p.maximum) && double(v.value) > double(p.maximum)))"
    )
    return (
        values.fit(
            "!self.parameters.exists(p, p.name == v.name)",
            "'there is no parameter ' + v.name + '; write the name of one, such as ' + self.parameters[0].name",
        ),
        values.fit_parameter(
            outside,
            "p.name + ' ' + v.value + ' is no number' + (has(p.minimum) && has(p.maximum) ? ' from ' + p.minimum"
            " + ' to ' + p.maximum : '') + '; write one that is'",
        ),
        values.fit_parameter(
            f"p.type == 'Integer' && v.value.matches({_DECIMAL}) && !v.value.matches('^-?[0-9]+([.]0+)?$')",
            "p.name + ' ' + v.value + ' is no whole number; a parameter of type Integer takes no other'",
        ),
        values.fit_parameter(
            "p.type == 'Choice' && has(p.choices) && !(v.value in p.choices)",
            "p.name + ' ' + v.value + ' is none of its choices; write one of ' + p.choices.join(', ')",
        ),
        values.fit_parameter(
            "p.type == 'Boolean' && v.value != 'true' && v.value != 'false'",
            "p.name + ' ' + v.value + ' is neither true nor false; write one of these, in quotes'",
        ),
    )


def _of_values(where: str, present: str, here: str) -> tuple[dict[str, str], ...]:
    """Rules of a baseline's values. present: CEL for whether there are any. here: CEL for the list."""
    complete = _with_expression(
        f"!{present} || self.delivery.mode in {list(EDITING_BODIES)}"
        f" || self.parameters.all(p, has(p.body) || {here}.exists(v, v.name == p.name))",
        f"self.parameters.map(p, !has(p.body) && !{here}.exists(v, v.name == p.name),"
        f" '{where}: write a value for every parameter; there is none for ' + p.name)[0]",
    )
    rules = _fitting(_Values(here, f"'{where}: '"))
    return (complete, *(_with_expression(f"!{present} || {rule}", sentence) for rule, sentence in rules))


def _of_candidates() -> tuple[dict[str, str], ...]:
    """Rules of the candidates' values."""
    return tuple(
        _with_expression(
            f"!has(self.candidates) || self.candidates.all(c, {rule})",
            f"self.candidates.map(c, !({rule}), {sentence})[0]",
        )
        for rule, sentence in _fitting(_Values("c.values", "'candidates: ' + c.name + ': '"))
    )


def _with_expression(rule: str, sentence: str) -> dict[str, str]:
    """A rule with CEL for its message."""
    return {"rule": rule, "messageExpression": sentence}


RULES: tuple[dict[str, str], ...] = (
    {
        "rule": f"!has(self.metrics.crossCheck) || self.delivery.mode in {list(THROUGH_INJECTOR)}",
        "messageExpression": "'metrics.crossCheck compares an engine with the injector before it, and delivery.mode '"
        " + self.delivery.mode + ' has none; remove it'",
    },
    {
        "rule": "!has(self.metrics.crossCheck) || !has(self.delivery.requestBody)"
        " || self.delivery.requestBody.engine in [self.metrics.crossCheck, 'OpenAI']",
        "messageExpression": "'metrics.crossCheck ' + self.metrics.crossCheck + ' is another engine than "
        "requestBody.engine ' + self.delivery.requestBody.engine + '; write the same, or remove it where the engine "
        "counts no requests'",
    },
    {
        "rule": "has(self.candidates) || has(self.search)",
        "message": "candidates: write at least one setting to try, or a search for one",
    },
    {
        "rule": f"self.delivery.mode in {list(EDITING_BODIES)} || self.parameters.all(p, !has(p.body))",
        "messageExpression": "'parameters: delivery.mode ' + self.delivery.mode + ' writes nothing into bodies; remove "
        f"body, or write delivery.mode {' or '.join(EDITING_BODIES)}'",
    },
    {
        "rule": f"!(self.delivery.mode in {list(EDITING_BODIES)}) || self.parameters.all(p, has(p.body))",
        "messageExpression": "'parameters: delivery.mode ' + self.delivery.mode + ' writes settings into bodies and "
        "nowhere else; write body for every parameter, as body: {knob: AnswerCap}'",
    },
    *_of_values("baseline.values", "has(self.baseline.values)", "self.baseline.values"),
    *_of_values("baseline.pinned", "has(self.baseline.pinned)", "self.baseline.pinned.values"),
    {
        "rule": "!has(self.baseline.pinned) || !has(self.objective.requireEach) || !self.objective.requireEach",
        "message": "baseline.pinned counts the loss of all requests together, and objective.requireEach asks for a "
        "proof of each query class; remove one of the two",
    },
    *_of_candidates(),
    {
        # A value that no parameter has is another mistake, with a rule of its own.
        "rule": "!has(self.candidates) || self.candidates.all(c, c.values.exists(v,"
        f" !self.baseline.values.exists(b, b.name == v.name && {_equal('b', 'v')})))",
        "message": "candidates: a candidate equals the baseline; write at least one value that differs "
        '("40.0" is "40")',
    },
    {
        "rule": "!has(self.candidates) || self.candidates.all(c, self.candidates.exists_one(o,"
        " o.values.size() == c.values.size() && o.values.all(v, c.values.exists(w,"
        f" w.name == v.name && {_equal('w', 'v')}))))",
        "message": "candidates: two candidates have the same values; remove one",
    },
    {
        "rule": "!has(self.rollout.learnSeconds) || self.rollout.learnSeconds == 0"
        " || !has(self.objective.exactMatch.evidence) || self.objective.exactMatch.evidence != 'Pairs'",
        "message": "rollout.learnSeconds learns from scored answers of live requests; remove it where "
        "exactMatch.evidence is Pairs",
    },
    *SAME_SETTING_RULES,
    *SESSION_RULES,
    {
        "rule": f"!(self.delivery.mode in {list(THROUGH_INJECTOR)}) || !(self.metrics.preset in {list(BY_CONVENTION)})"
        " || (has(self.objective.exactMatch.evidence) && self.objective.exactMatch.evidence == 'Pairs')",
        "message": NOBODY_SCORES,
    },
    {
        "rule": "self.delivery.mode != 'Shadow' || !has(self.objective.exactMatch.questions)",
        "message": "exactMatch.questions: in delivery.mode Shadow pairs are live requests and no golden questions; "
        "remove it",
    },
    {
        "rule": f"{WITHOUT_STEPS} || self.rollout.steps.size() > 0",
        "message": "rollout.steps: write at least one, for example {weight: 5}",
    },
    {
        "rule": f"!{WITHOUT_STEPS} || self.rollout.steps.size() == 0",
        "messageExpression": f"'rollout.steps: the operator moves no share of requests in ' + {_NAMED}"
        " + '; remove them, and write rollout.minimumSeconds to say how long to watch'",
    },
    {
        "rule": f"self.delivery.mode == 'Shadow' || {HAS_COHORTS} || self.rollout.minimumSeconds == 0",
        "message": "rollout.minimumSeconds belongs to a rollout without steps; write it into each step",
    },
    {
        "rule": "self.delivery.mode in ['GatewayHeader', 'Shadow'] || self.rollout.shadowSeconds == 0",
        "messageExpression": "'rollout.shadowSeconds: nothing is judged in shadow in delivery.mode '"
        " + self.delivery.mode + '; remove it'",
    },
    {
        "rule": "self.delivery.mode != 'Shadow' || self.rollout.shadowSeconds == 0",
        "message": "rollout.shadowSeconds: in delivery.mode Shadow nothing comes after it; write "
        "rollout.minimumSeconds instead",
    },
    {
        "rule": f"!{HAS_COHORTS} || self.rollout.strategy == 'ABTest'",
        "messageExpression": f"{_NAMED} + ' compares fixed cohorts; write rollout.strategy ABTest'",
    },
    {
        "rule": "self.rollout.strategy == 'ABTest' || self.delivery.mode == 'Shadow'"
        " || !has(self.candidates) || self.candidates.size() == 1",
        "message": "rollout.strategy Canary tries one candidate; write ABTest for several at once, or "
        "delivery.mode Shadow",
    },
    {
        "rule": "self.rollout.strategy != 'ABTest' || !has(self.candidates)"
        " || self.rollout.steps.all(s, s.weight * self.candidates.size() < 100)",
        "message": "rollout.steps: with strategy ABTest each candidate gets the weight, and the baseline the rest; "
        "write a weight that leaves some",
    },
    {
        "rule": "self.delivery.mode != 'Shadow' || !has(self.rollout.learnSeconds) || self.rollout.learnSeconds == 0",
        "message": "rollout.learnSeconds: in delivery.mode Shadow every request is compared with itself; remove it",
    },
    {
        "rule": f"!{HAS_COHORTS} || has(self.candidates)",
        "messageExpression": f"{_NAMED} + ' has a cohort for each candidate; write candidates'",
    },
    *variant_rules("headerCohort", "!has(self.delivery.headerCohort)"),
    *variant_rules("requestBody.cohort", f"!({IN_BODIES})"),
    {
        "rule": "(self.delivery.mode != 'Shadow' && self.rollout.shadowSeconds == 0)"
        " || (self.parameters.all(p, p.name.matches('^[a-z]'))"
        " && (self.delivery.mode != 'Shadow' && self.rollout.strategy == 'Canary'"
        " || !has(self.candidates) || self.candidates.all(c, c.name.matches('^[a-z]'))))",
        "message": "judging in shadow names candidates and parameters in one header, where a name begins with a "
        "letter; rename those that begin with a digit",
    },
    {
        "rule": f"self.delivery.mode in {list(OWN_PODS)} || !(self.metrics.preset in {list(BY_POD)})",
        "messageExpression": "'metrics.preset ' + self.metrics.preset + ' cannot tell variants apart that share Pods, '"
        " + 'as they do in delivery.mode ' + self.delivery.mode"
        f" + '; write one of {', '.join(PRESETS_FOR_SHARED_PODS)}'",
    },
    {
        "rule": "!has(self.delivery.workload) || (self.parameters.size() == self.delivery.workload.settings.size()"
        " && self.parameters.all(p, self.delivery.workload.settings.exists(s, s.parameter == p.name)))",
        "message": "workload.settings: write one for every parameter of the policy, and no other",
    },
    {
        "rule": "self.approval.mode != 'WhenBelowFloor' || has(self.objective.exactMatch.floor)",
        "message": "approval.mode WhenBelowFloor asks nobody without a floor; write objective.exactMatch.floor, or "
        "approval.mode BeforePromotion",
    },
    *POLICY_RULES,
    *SEARCH_RULES,
)
