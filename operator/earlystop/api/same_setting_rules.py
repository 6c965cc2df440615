"""What a first stage with the baseline's setting on all sides (A/A) must be to the rest of a policy, in CEL, as in
`policy_rules`."""

from __future__ import annotations

from earlystop.api.cohorts import HAS_COHORTS

_ASKED_FOR = "has(self.rollout.aaSeconds) && self.rollout.aaSeconds > 0"

SAME_SETTING_RULES = (
    {
        "rule": f"!({_ASKED_FOR}) || {HAS_COHORTS}",
        "message": "rollout.aaSeconds compares cohorts of users that stay as they are, and delivery.mode HeaderCohort "
        "alone has them, or RequestBody with cohort; elsewhere requests are drawn anew, and looks show how much "
        "answers scatter; remove it",
    },
    {
        "rule": f"!({_ASKED_FOR}) || !has(self.objective.guardrails) && !has(self.objective.queryClasses)",
        "message": "rollout.aaSeconds bounds what cohorts differ by in Exact Match and in lengths over all answers, "
        "and in nothing else; remove objective.guardrails and queryClasses, or let servers count by users instead "
        "(operator/docs/cohorts.md)",
    },
    {
        "rule": f"!({_ASKED_FOR}) || !has(self.objective.exactMatch.evidence)"
        " || self.objective.exactMatch.evidence != 'Pairs'",
        "message": "rollout.aaSeconds: pairs are answers to the same question, so no users differ; remove it",
    },
)
