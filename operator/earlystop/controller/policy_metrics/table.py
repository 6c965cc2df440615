"""Every metric of a policy in one table: the collector, the reference page and the tests read no other.

All are gauges: they are worked out anew at each scrape from what the policy's status holds, so they are back before the
first look after a restart, and gone when the policy is. Values that only ever grow for a policy may fall to 0 with it.
"""

from __future__ import annotations

from dataclasses import dataclass

POLICY = ("namespace", "policy")
CANDIDATE = (*POLICY, "candidate")


@dataclass(frozen=True, slots=True)
class PolicyMetric:
    """One metric. name: as it is exposed. labels: in the order of a sample's values. meaning: a sentence for people."""

    name: str
    labels: tuple[str, ...]
    meaning: str


INFO = PolicyMetric(
    "earlystop_policy_info", (*POLICY, "mode", "strategy", "revision"), "1, with what the policy is like as labels."
)
PHASE = PolicyMetric(
    "earlystop_policy_phase", (*POLICY, "phase"), "1 for the phase in which the policy is; other phases are not there."
)
CONDITION = PolicyMetric(
    "earlystop_policy_condition",
    (*POLICY, "type", "status", "reason"),
    "1 for each condition, with its present status (`True`, `False`, `Unknown`) and reason.",
)
CAMPAIGN = PolicyMetric("earlystop_policy_campaign", POLICY, "Which campaign of the policy this is, from 1.")
STEP = PolicyMetric("earlystop_policy_step", POLICY, "Which step of the campaign this is, from 1.")
LOOKS = PolicyMetric("earlystop_policy_looks", CANDIDATE, "Looks of this campaign that were evidence.")
LAST_LOOK = PolicyMetric(
    "earlystop_policy_last_look_timestamp_seconds", POLICY, "Moment of the last look that was dealt with."
)
NEXT_LOOK = PolicyMetric(
    "earlystop_policy_next_look_timestamp_seconds", POLICY, "Moment of the next look; absent while none is expected."
)
WEIGHT = PolicyMetric(
    "earlystop_policy_weight_ratio",
    (*POLICY, "variant"),
    "Share of requests that `baseline`, a candidate or `incumbent` shall have now, 0 to 1.",
)
EXACT_MATCH = PolicyMetric(
    "earlystop_policy_exact_match_ratio",
    (*CANDIDATE, "variant"),
    "Exact Match in the present step, 0 to 1; `variant`: `baseline` or `candidate`.",
)
DIFFERENCE = PolicyMetric(
    "earlystop_policy_exact_match_difference_ratio",
    (*CANDIDATE, "bound"),
    "Exact Match of the candidate minus the baseline's, valid at every look; `bound`: `estimate`, `low`, `high`.",
)
GUARD_EXACT_MATCH = PolicyMetric(
    "earlystop_policy_guard_exact_match_ratio",
    (*POLICY, "variant"),
    "Exact Match in the guard's window after a promotion, 0 to 1; `variant`: `baseline` or `candidate`.",
)
GUARD_SAVING = PolicyMetric(
    "earlystop_policy_guard_token_saving_ratio",
    POLICY,
    "Share of output tokens that the promoted setting saves in the guard's window; absent without held back requests.",
)
GUARD_STATISTIC = PolicyMetric(
    "earlystop_policy_guard_log_statistic",
    (*POLICY, "claim"),
    "Natural logarithm of a detector's statistic after a promotion, 0 or more.",
)
GUARD_LINE = PolicyMetric(
    "earlystop_policy_guard_log_line", (*POLICY, "claim"), "The logarithm at which that detector alarms."
)
GUARD_CULPRIT = PolicyMetric(
    "earlystop_policy_guard_culprit",
    (*POLICY, "culprit"),
    "1 after a guard's alarm for what has moved: `Setting`, `Data`, `Engine`, `Scorer`, or `Unknown`.",
)
GUARD_BUSY = PolicyMetric(
    "earlystop_policy_guard_busy",
    POLICY,
    "1 while the promoted setting serves, 0 while a more careful proven one does, as there is little load; absent "
    "before the first change.",
)
MARGIN = PolicyMetric(
    "earlystop_policy_margin_ratio", POLICY, "Loss of Exact Match that this campaign tolerates, 0 to 1."
)
SAVING = PolicyMetric(
    "earlystop_policy_token_saving_ratio",
    (*CANDIDATE, "bound"),
    "Share of output tokens that the candidate saves, valid at every look; `bound`: `estimate`, `low`, `high`.",
)
MINIMUM_SAVING = PolicyMetric(
    "earlystop_policy_minimum_saving_ratio", POLICY, "Share of output tokens that a promotion asks for."
)
LOG_E = PolicyMetric(
    "earlystop_policy_log_e",
    (*CANDIDATE, "claim"),
    "Natural logarithm of a claim's e-value after the last look; it rises and falls.",
)
LARGEST_LOG_E = PolicyMetric(
    "earlystop_policy_largest_log_e",
    (*CANDIDATE, "claim"),
    "The log e-value that decides on the claim: the largest so far, or the present one where a learned factor "
    "divides it.",
)
LOG_E_LINE = PolicyMetric(
    "earlystop_policy_log_e_line",
    (*CANDIDATE, "claim"),
    "The log e-value at which the claim is proven: ln(1/risk) of its risk.",
)
ANSWERS = PolicyMetric(
    "earlystop_policy_step_answers",
    (*CANDIDATE, "variant", "result"),
    "Answers of the present step; `result`: `match`, `mismatch`, `unscored`.",
)
REQUESTS = PolicyMetric(
    "earlystop_policy_step_requests",
    (*CANDIDATE, "variant", "outcome"),
    "Requests of the present step; `outcome`: `started`, `completed`, `failed`.",
)
MEAN_TOKENS = PolicyMetric(
    "earlystop_policy_step_mean_tokens",
    (*CANDIDATE, "variant"),
    "Output tokens of a completed request in the present step.",
)
SETTING = PolicyMetric(
    "earlystop_policy_setting_effect",
    (*CANDIDATE, "effect"),
    "1 for what lengths show of the setting; `effect`: `Moved`, `NotMoved` (it does nothing), `NotShown` (not yet).",
)
SAMPLE_RATIO = PolicyMetric(
    "earlystop_policy_sample_ratio_broken", CANDIDATE, "1 where requests are proven not to be split as weights say."
)
DECISION = PolicyMetric(
    "earlystop_policy_decision_timestamp_seconds",
    (*CANDIDATE, "decision", "reason"),
    "Moment of the campaign's decision; absent before one.",
)
RISK = PolicyMetric(
    "earlystop_policy_risk_ratio",
    (*POLICY, "claim"),
    "Probability of a wrong decision that this campaign may spend; `claim`: `promote` or `harm`.",
)
RISK_SPENT = PolicyMetric(
    "earlystop_policy_risk_spent_ratio",
    (*POLICY, "claim"),
    "What campaigns of the same candidate have spent of the policy's risk, with this one.",
)
AWAITING = PolicyMetric(
    "earlystop_policy_awaiting_approval", POLICY, "1 while a decision waits for a person's approval, else 0."
)
COUNTED_TOKENS = PolicyMetric(
    "earlystop_policy_counted_tokens", POLICY, "Output tokens in the savings ledger, of all variants."
)
COUNTED_REQUESTS = PolicyMetric(
    "earlystop_policy_counted_requests", POLICY, "Completed requests of users in the savings ledger."
)
SAVINGS = PolicyMetric(
    "earlystop_policy_savings_tokens",
    (*POLICY, "account"),
    "Tokens in the savings ledger; `account`: `saved`, what was taken off it (`golden`, `shadow`, `lost`), and `net`.",
)
MONEY = PolicyMetric(
    "earlystop_policy_savings_money",
    (*POLICY, "currency"),
    "The net savings at the price as it is written now; absent without a price.",
)
A_REQUEST = PolicyMetric(
    "earlystop_policy_saved_tokens_a_request",
    POLICY,
    "Tokens that a request with another setting than the baseline's saved in the last step; times the requests since "
    "the last look it estimates what no look has counted.",
)
BOOKED_UNTIL = PolicyMetric(
    "earlystop_policy_savings_until_timestamp_seconds",
    POLICY,
    "Moment of the last look in the savings ledger; later requests are not in it.",
)
LEFT_OUT = PolicyMetric(
    "earlystop_policy_series_left_out",
    POLICY,
    "Series of this policy that are not exposed, since it has too many of them; claims of the last candidates go "
    "first.",
)

TABLE: tuple[PolicyMetric, ...] = (
    INFO,
    PHASE,
    CONDITION,
    CAMPAIGN,
    STEP,
    LOOKS,
    LAST_LOOK,
    NEXT_LOOK,
    WEIGHT,
    EXACT_MATCH,
    DIFFERENCE,
    GUARD_EXACT_MATCH,
    GUARD_SAVING,
    GUARD_STATISTIC,
    GUARD_LINE,
    GUARD_CULPRIT,
    GUARD_BUSY,
    MARGIN,
    SAVING,
    MINIMUM_SAVING,
    LOG_E,
    LARGEST_LOG_E,
    LOG_E_LINE,
    ANSWERS,
    REQUESTS,
    MEAN_TOKENS,
    SETTING,
    SAMPLE_RATIO,
    DECISION,
    RISK,
    RISK_SPENT,
    AWAITING,
    COUNTED_TOKENS,
    COUNTED_REQUESTS,
    SAVINGS,
    MONEY,
    A_REQUEST,
    BOOKED_UNTIL,
    LEFT_OUT,
)
