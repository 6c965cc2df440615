"""What a declared longest session must be to the rest of a policy, in CEL, as in `policy_rules`."""

from __future__ import annotations

from earlystop.api.cohorts import HAS_COHORTS

MOST_LOOKS = 40
"""Looks that a declared session may touch, its first and its last one included: longer blocks than show so much are not
learned."""

_DECLARED = "has(self.objective.exactMatch.longestSessionSeconds)"
_SECONDS = "self.objective.exactMatch.longestSessionSeconds"
_BY_USERS = (
    f"{HAS_COHORTS} && (!has(self.rollout.aaSeconds) || self.rollout.aaSeconds == 0)",
    "has(self.delivery.requestBody) && has(self.delivery.requestBody.userKey)",
    "has(self.delivery.configMap) && has(self.delivery.configMap.drawnBy) && self.delivery.configMap.drawnBy == 'User'",
    "has(self.delivery.featureFlag) && has(self.delivery.featureFlag.drawnBy)"
    " && self.delivery.featureFlag.drawnBy == 'User'",
)

SESSION_RULES = (
    {
        "rule": f"!{_DECLARED} || {_SECONDS} <= {MOST_LOOKS - 1} * self.rollout.lookSeconds",
        "message": f"exactMatch.longestSessionSeconds is more than {MOST_LOOKS - 1} rollout.lookSeconds, too long for "
        f"blocks of looks to show; write a rollout.lookSeconds of a {MOST_LOOKS - 1}th of it, or more",
    },
    {
        "rule": f"!{_DECLARED} || !({' || '.join(f'({each})' for each in _BY_USERS)})",
        "message": "exactMatch.longestSessionSeconds: here a user keeps a variant for the whole campaign, however "
        "short a session is; remove it, or give cohorts by a header an A/A stage first, rollout.aaSeconds "
        "(operator/docs/cohorts.md)",
    },
    {
        "rule": f"!{_DECLARED} || self.delivery.mode == 'Shadow' || !has(self.objective.exactMatch.evidence)"
        " || self.objective.exactMatch.evidence != 'Pairs'",
        "message": "exactMatch.longestSessionSeconds: golden questions are asked one by one and have no sessions; "
        "remove it",
    },
)
