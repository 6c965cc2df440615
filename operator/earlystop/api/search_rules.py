"""What a search must be to the rest of its policy, in CEL, as `policy_rules.py` has it of the other parts.

What needs arithmetic over all values (equal ones, steps that miss the end, how many settings there are) is refused by
the operator, with the sentences of `search_space.py`.
"""

from __future__ import annotations

from earlystop.api.searches import SEARCHES

IN_SHADOW = tuple(name for name, traits in SEARCHES.items() if traits.in_shadow)
_ONE_CAMPAIGN = tuple(name for name, traits in SEARCHES.items() if traits.one_campaign)
_ONE_PARAMETER = tuple(name for name, traits in SEARCHES.items() if traits.most_parameters == 1)
_NUMBER = "(p.type == 'Integer' || p.type == 'Decimal')"
_TAKEN = (
    "(p.type == 'Choice' ? has(p.choices) && v in p.choices : p.type == 'Boolean' ? v in ['true', 'false']"
    " : v.matches('^-?[0-9]+([.][0-9]+)?$') && (p.type != 'Integer' || v.matches('^-?[0-9]+([.]0+)?$'))"
    " && (!has(p.minimum) || double(v) >= double(p.minimum)) && (!has(p.maximum) || double(v) <= double(p.maximum)))"
)


def _of_parameters(fault: str, sentence: str) -> dict[str, str]:
    """A rule that no searched parameter `s` has a fault by the policy's parameter `p` of its name. sentence: CEL."""
    is_wrong = f"self.parameters.exists(p, p.name == s.name && {fault})"
    return {
        "rule": f"!has(self.search) || self.search.parameters.all(s, !{is_wrong})",
        "messageExpression": f"self.search.parameters.map(s, {is_wrong}, 'search.parameters: ' + s.name"
        f" + {sentence})[0]",
    }


SEARCH_RULES: tuple[dict[str, str], ...] = (
    {
        "rule": "!has(self.search) || !has(self.candidates)",
        "message": "search and candidates: write one of the two, either what may be tried or what is tried",
    },
    {
        "rule": "!has(self.search) || self.search.parameters.all(s, self.parameters.exists(p, p.name == s.name))",
        "messageExpression": "self.search.parameters.map(s, !self.parameters.exists(p, p.name == s.name),"
        " 'search.parameters: there is no parameter ' + s.name + '; write the name of one, such as '"
        " + self.parameters[0].name)[0]",
    },
    _of_parameters(
        f"has(s.values) && !s.values.all(v, {_TAKEN})",
        "' does not take one of the values; write numbers from its minimum to its maximum, whole ones for type "
        "Integer, or some of its choices'",
    ),
    _of_parameters(
        f"has(s.range) && {_NUMBER} && ((has(p.minimum) && double(s.range.from) < double(p.minimum))"
        " || (has(p.maximum) && double(s.range.to) > double(p.maximum)))",
        "': the range is wider than what it takes; write from and to within its minimum and maximum'",
    ),
    _of_parameters(f"has(s.range) && !{_NUMBER}", "' is no number and has no range; write values'"),
    _of_parameters(
        f"!has(s.values) && !has(s.range) && {_NUMBER}",
        "' is a number; write values or range, to say which may be tried'",
    ),
    {
        "rule": f"!has(self.search) || !(self.search.strategy in {list(_ONE_PARAMETER)})"
        " || self.search.parameters.size() == 1",
        "messageExpression": "'search.parameters: strategy ' + self.search.strategy + ' takes one; write one, or "
        "strategy Grid, Bayesian or Bandit'",
    },
    {
        "rule": "!has(self.search) || self.rollout.strategy == 'Canary'",
        "message": "rollout.strategy: search.strategy says how settings are tried; remove rollout.strategy",
    },
    {
        "rule": f"!has(self.search) || !(self.search.strategy in {list(_ONE_CAMPAIGN)})"
        " || self.rollout.shadowSeconds > 0 || self.rollout.steps.size() < 2",
        "messageExpression": "'rollout.steps: strategy ' + self.search.strategy + ' tries all settings in one step, "
        "whose weight they share; write one'",
    },
    {
        "rule": f"!has(self.search) || self.search.strategy in {list(IN_SHADOW)}"
        " || (self.delivery.mode != 'Shadow' && self.rollout.shadowSeconds == 0)",
        "messageExpression": "'search.strategy ' + self.search.strategy + ' says who gets which requests, and in "
        f"shadow every setting is judged on all of them; write {' or '.join(IN_SHADOW)}, or judge nothing in shadow'",
    },
)
