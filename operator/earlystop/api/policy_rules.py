"""What the parts of a policy must be to each other, in CEL: the API server refuses a policy that breaks one of these,
with a message that says what to write."""

from __future__ import annotations

from earlystop.api.modes import MODES

WITHOUT_STEPS = tuple(name for name, traits in MODES.items() if not traits.by_weights)

EDITING_BODIES = tuple(name for name, traits in MODES.items() if traits.edits_bodies)
_DECIMAL = "'^-?[0-9]+([.][0-9]+)?$'"


def _equal(one: str, other: str) -> str:
    """That two values are the same, however a decimal is spelled."""
    are_decimals = f"{one}.value.matches({_DECIMAL}) && {other}.value.matches({_DECIMAL})"
    return f"({one}.value == {other}.value || ({are_decimals} && double({one}.value) == double({other}.value)))"


def _fitting(where: str, values: str, example: str) -> tuple[tuple[str, str], ...]:
    """Rules that values are those of parameters, each with its message. values: CEL for the list."""
    lies_between = (
        f"(p.type == 'Choice' || p.type == 'Boolean' || (v.value.matches({_DECIMAL})"
        " && (!has(p.minimum) || double(v.value) >= double(p.minimum))"
        " && (!has(p.maximum) || double(v.value) <= double(p.maximum))))"
    )
    return (
        (
            f"{values}.all(v, self.parameters.exists(p, p.name == v.name && {lies_between}))",
            f"{where}: each value needs a parameter of that name and must lie between its minimum and maximum",
        ),
        (
            f"{values}.all(v, !self.parameters.exists(p, p.name == v.name && p.type == 'Integer'"
            f" && v.value.matches({_DECIMAL}) && !v.value.matches('^-?[0-9]+([.]0+)?$')))",
            f'{where}: a parameter of type Integer takes whole numbers, for example "{example}"',
        ),
        (
            f"{values}.all(v, !self.parameters.exists(p, p.name == v.name && (p.type == 'Choice'"
            " ? has(p.choices) && !(v.value in p.choices)"
            " : p.type == 'Boolean' && v.value != 'true' && v.value != 'false')))",
            f"{where}: a parameter of type Choice takes one of its choices, and one of type Boolean takes "
            '"true" or "false", in quotes',
        ),
    )


def _of_values(where: str, present: str, values: str, example: str) -> tuple[dict[str, str], ...]:
    """Rules of a baseline's values. present: CEL for whether there are any."""
    complete = (
        f"self.parameters.all(p, has(p.body) || {values}.exists(v, v.name == p.name))",
        f"{where}: write a value for every parameter",
    )
    return tuple(
        {"rule": f"!{present} || {rule}", "message": message}
        for rule, message in (complete, *_fitting(where, values, example))
    )


RULES: tuple[dict[str, str], ...] = (
    {
        "rule": "has(self.candidates) || has(self.search)",
        "message": "candidates: write at least one setting to try",
    },
    {
        "rule": f"self.delivery.mode in {list(EDITING_BODIES)} || self.parameters.all(p, !has(p.body))",
        "messageExpression": "'parameters: delivery.mode ' + self.delivery.mode + ' writes nothing into bodies; remove "
        f"body, or write delivery.mode {' or '.join(EDITING_BODIES)}'",
    },
    {
        "rule": f"!(self.delivery.mode in {list(EDITING_BODIES)}) || self.parameters.all(p, has(p.body))",
        "messageExpression": "'parameters: delivery.mode ' + self.delivery.mode + ' writes settings into bodies and "
        "nowhere else; write body for every parameter'",
    },
    *_of_values("baseline.values", "has(self.baseline.values)", "self.baseline.values", "40"),
    *_of_values("baseline.pinned", "has(self.baseline.pinned)", "self.baseline.pinned.values", "40"),
    {
        "rule": "!has(self.baseline.pinned) || !has(self.objective.requireEach) || !self.objective.requireEach",
        "message": "baseline.pinned counts the loss of all requests together, and objective.requireEach asks for a "
        "proof of each query class; remove one of the two",
    },
    *(
        {"rule": f"!has(self.candidates) || self.candidates.all(c, {rule})", "message": message}
        for rule, message in _fitting("candidates", "c.values", "10")
    ),
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
    {
        "rule": "self.delivery.mode != 'Shadow' || !has(self.objective.exactMatch.questions)",
        "message": "exactMatch.questions: in delivery.mode Shadow pairs are live requests and no golden questions; "
        "remove it",
    },
    {
        "rule": f"self.delivery.mode in {list(WITHOUT_STEPS)} ? self.rollout.steps.size() == 0"
        " : self.rollout.steps.size() > 0",
        "message": "rollout.steps: write at least one, but none in delivery.mode Shadow or HeaderCohort, where the "
        "operator moves no share of requests (rollout.minimumSeconds says how long to watch there)",
    },
    {
        "rule": "self.delivery.mode in ['Shadow', 'HeaderCohort'] || self.rollout.minimumSeconds == 0",
        "message": "rollout.minimumSeconds belongs to a rollout without steps; write it into each step",
    },
    {
        "rule": "self.delivery.mode == 'GatewayHeader' || self.rollout.shadowSeconds == 0",
        "message": "rollout.shadowSeconds comes before the steps of delivery.mode GatewayHeader; remove it, or "
        "write rollout.minimumSeconds in mode Shadow",
    },
    {
        "rule": "self.delivery.mode != 'HeaderCohort' || self.rollout.strategy == 'ABTest'",
        "message": "delivery.mode HeaderCohort compares fixed cohorts; write rollout.strategy ABTest",
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
        "rule": "!has(self.delivery.headerCohort) || has(self.candidates)",
        "message": "delivery.mode HeaderCohort has a cohort for each candidate; write candidates",
    },
    {
        "rule": "!has(self.delivery.headerCohort) || !has(self.candidates)"
        " || self.delivery.headerCohort.cohorts.all(c, c.variant == 'baseline'"
        " || self.candidates.exists(o, o.name == c.variant))",
        "message": "headerCohort.cohorts: each variant is baseline or the name of a candidate",
    },
    {
        "rule": "!has(self.delivery.headerCohort) || !has(self.candidates)"
        " || self.candidates.all(o, self.delivery.headerCohort.cohorts.exists(c, c.variant == o.name))",
        "message": "headerCohort.cohorts: write a cohort for every candidate",
    },
    {
        "rule": "(self.delivery.mode != 'Shadow' && self.rollout.shadowSeconds == 0)"
        " || (self.parameters.all(p, p.name.matches('^[a-z]'))"
        " && (self.delivery.mode != 'Shadow' && self.rollout.strategy == 'Canary'"
        " || !has(self.candidates) || self.candidates.all(c, c.name.matches('^[a-z]'))))",
        "message": "judging in shadow names candidates and parameters in one header, where a name begins with a "
        "letter; rename those that begin with a digit",
    },
    {
        "rule": "!has(self.search) || self.parameters.exists(p, p.name == self.search.parameter)",
        "message": "search.parameter: write the name of one of the parameters",
    },
    {
        "rule": "!has(self.search) || !has(self.search.values) || self.search.values.all(v,"
        " self.parameters.exists(p, p.name == self.search.parameter"
        " && has(p.minimum) && has(p.maximum)"
        " && double(v) >= double(p.minimum) && double(v) <= double(p.maximum)))",
        "message": "search.values: each value must lie between the minimum and maximum of its parameter",
    },
)
