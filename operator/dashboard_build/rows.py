"""What the dashboard shows, row by row: all policies, one policy, whether it is sound, its guard, what it saves, the
operator."""

from __future__ import annotations

from dashboard_build.common_panels import (
    BY_LABEL,
    CANDIDATE,
    LINE,
    ONE,
    STAT,
    TIDY,
    WANTED,
    Overrides,
    Style,
    series,
    stat,
)
from dashboard_build.guard_row import GUARD
from dashboard_build.panels import Panel, Query, Row


def _band(title: str, help: str, metric: str, line: Query, style: Style) -> Panel:
    """An estimate within its interval, and the line that decides."""
    queries = [Query(f'{metric}{{{CANDIDATE},bound="{bound}"}}', bound) for bound in ("estimate", "low", "high")]
    band: Overrides = {
        "low": [("custom.lineWidth", 0)],
        "high": [("custom.lineWidth", 0), ("custom.fillBelowTo", "low"), ("custom.fillOpacity", 20)],
        line.name: style,
    }
    return series(title, help, *queries, line, width=12, overrides=band)


def _claim(title: str, help: str, claim: str, style: Style) -> Panel:
    """The log e-value of a claim now and the one that decides, and the line at which the claim is shown."""
    labels = f'{CANDIDATE},claim="{claim}"'
    return series(
        title,
        help,
        Query(f"earlystop_policy_log_e{{{labels}}}", "now"),
        Query(f"earlystop_policy_largest_log_e{{{labels}}}", "decides"),
        Query(f"earlystop_policy_log_e_line{{{labels}}}", "line"),
        unit="none",
        overrides={"line": style},
    )


FLEET = Row(
    "All policies",
    (
        stat(
            "Under way",
            "Policies whose candidates are tried.",
            'count(earlystop_policy_phase{phase=~"Applying|Settling|Observing"} == 1) or vector(0)',
        ),
        stat(
            "Promoted",
            "Policies whose candidate has all requests.",
            'count(earlystop_policy_phase{phase="Promoted"} == 1) or vector(0)',
        ),
        stat(
            "Rolled back or held",
            "Policies that ended without a promotion.",
            'count(earlystop_policy_phase{phase=~"RolledBack|Held"} == 1) or vector(0)',
        ),
        stat(
            "Not accepted",
            "Policies that cannot be carried out as they are written now.",
            'count(earlystop_policy_condition{type="Accepted",status="False"} == 1) or vector(0)',
        ),
        stat(
            "Tokens saved, net",
            "Of all policies, as far as looks counted them: what users' requests did not take, "
            "without golden questions, shadows that are generated, and lost requests.",
            'sum(earlystop_policy_savings_tokens{account="net"})',
        ),
        Panel(
            "Worth",
            "stat",
            (Query("sum by (currency) (earlystop_policy_savings_money)", "{{currency}}", instant=True),),
            "The same at the price of each policy or MetricSource.",
            4,
            4,
            "none",
            STAT,
        ),
        Panel(
            "Every policy",
            "table",
            (Query("earlystop_policy_phase", instant=True),),
            "The phase of each policy.",
            width=24,
            height=7,
            transformations=TIDY,
        ),
    ),
)

POLICY = Row(
    "Policy $namespace/$policy",
    (
        stat("Phase", "Where the rollout stands.", f"earlystop_policy_phase{{{ONE}}}", name="{{phase}}"),
        stat("Step", "Which step of the campaign this is.", f"earlystop_policy_step{{{ONE}}}"),
        stat("Campaign", "Counts restarts of evidence.", f"earlystop_policy_campaign{{{ONE}}}"),
        stat("Looks", "Looks that were evidence.", f"max(earlystop_policy_looks{{{ONE}}})"),
        stat(
            "Since the last look",
            "Seconds since the last look that was dealt with.",
            f"time() - earlystop_policy_last_look_timestamp_seconds{{{ONE}}}",
            unit="s",
        ),
        stat(
            "Waits for an approval",
            "1 while a decision waits for a person.",
            f"earlystop_policy_awaiting_approval{{{ONE}}}",
        ),
        _band(
            "Exact Match: candidate minus baseline",
            "Estimate and interval, valid at every look. The candidate keeps Exact Match where the whole interval is "
            "above the margin; decisions are made by the e-values below, which agree with it.",
            "earlystop_policy_exact_match_difference_ratio",
            Query(f"-earlystop_policy_margin_ratio{{{ONE}}}", "margin"),
            LINE,
        ),
        _band(
            "Output tokens saved",
            "Share of the baseline's tokens, with an interval that is valid at every look.",
            "earlystop_policy_token_saving_ratio",
            Query(f"earlystop_policy_minimum_saving_ratio{{{ONE}}}", "asked for"),
            WANTED,
        ),
        _claim("Keeps Exact Match", "A promotion needs this claim, proven at the line, ln(1/risk).", "promote", WANTED),
        _claim("Saves tokens", "A promotion needs this claim, too.", "tokens", WANTED),
        _claim("Harm", "At the line the candidate is taken back, at once.", "harm", LINE),
        series(
            "Weights",
            "Share of requests that each variant shall have.",
            Query(f"earlystop_policy_weight_ratio{{{ONE}}}", "{{variant}}"),
            custom={"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40, "lineInterpolation": "stepAfter"},
        ),
        series(
            "Exact Match in this step",
            "Of both arms. A step begins anew where the weights change.",
            Query(f"earlystop_policy_exact_match_ratio{{{CANDIDATE}}}", "{{variant}}"),
        ),
        series(
            "Tokens a request in this step",
            "Mean output tokens of completed requests.",
            Query(f"earlystop_policy_step_mean_tokens{{{CANDIDATE}}}", "{{variant}}"),
            unit="short",
        ),
        Panel(
            "Phases",
            "state-timeline",
            (Query(f"earlystop_policy_phase{{{ONE}}}", "{{phase}}"),),
            "Which phase the policy was in, and when.",
            width=24,
            height=6,
            options={"showValue": "never", "mergeValues": True, "rowHeight": 0.8},
        ),
    ),
)

_UNSCORED = f'earlystop_policy_step_answers{{{CANDIDATE},result="unscored"}}'
_TRIED = f"sum without (result) (earlystop_policy_step_answers{{{CANDIDATE}}})"
_FAILED = f'earlystop_policy_step_requests{{{CANDIDATE},outcome="failed"}}'
_ENDED = f'sum without (outcome) (earlystop_policy_step_requests{{{CANDIDATE},outcome=~"completed|failed"}})'

SOUND = Row(
    "Is the experiment sound?",
    (
        _claim(
            "Split of requests",
            "At the line requests are proven not to be split as the weights say; nothing is promoted then.",
            "sample_ratio",
            LINE,
        ),
        _claim(
            "Missing answers",
            "At the line more answers are missing in one variant than in the other.",
            "attrition",
            LINE,
        ),
        Panel(
            "Does the setting do anything?",
            "stat",
            (Query(f"earlystop_policy_setting_effect{{{ONE}}}", "{{candidate}}: {{effect}}", instant=True),),
            "Moved: lengths show that the setting is in force. NotMoved: it does nothing. NotShown: too few answers.",
            8,
            8,
            options=BY_LABEL,
        ),
        series(
            "Answers that could not be scored",
            "Share of this step's answers, of each variant. The two should be alike.",
            Query(f"sum without (result) ({_UNSCORED}) / {_TRIED}", "{{variant}}"),
        ),
        series(
            "Requests that failed",
            "Share of this step's requests that ended, of each variant.",
            Query(f"sum without (outcome) ({_FAILED}) / {_ENDED}", "{{variant}}"),
        ),
        series(
            "Risk spent",
            "Of the probabilities of a wrong decision, by campaigns of the same candidate.",
            Query(f"earlystop_policy_risk_spent_ratio{{{ONE}}}", "{{claim}}"),
        ),
        Panel(
            "Conditions",
            "table",
            (Query(f"earlystop_policy_condition{{{ONE}}}", instant=True),),
            "Every condition with its reason; operator/docs/reasons.md says what each means.",
            width=24,
            height=8,
            transformations=TIDY,
        ),
    ),
)

_SERVED = 'earlystop_requests_total{policy="$namespace/$policy",variant!="baseline",outcome="completed"}'
_A_REQUEST = f"earlystop_policy_saved_tokens_a_request{{{ONE}}}"

SAVINGS = Row(
    "Savings ledger of $namespace/$policy",
    (
        series(
            "Tokens by account",
            "What looks have counted. net: saved, without golden questions, shadows that are "
            "generated, and lost requests.",
            Query(f"earlystop_policy_savings_tokens{{{ONE}}}", "{{account}}"),
            unit="short",
            width=12,
        ),
        stat(
            "Tokens counted",
            "Output tokens of all variants in the ledger.",
            f"earlystop_policy_counted_tokens{{{ONE}}}",
        ),
        stat(
            "Requests counted",
            "Completed requests of users in the ledger.",
            f"earlystop_policy_counted_requests{{{ONE}}}",
        ),
        Panel(
            "Counted until",
            "stat",
            (Query(f"earlystop_policy_savings_until_timestamp_seconds{{{ONE}}} * 1000", instant=True),),
            "Later requests are not in the ledger.",
            4,
            4,
            "dateTimeAsLocal",
            STAT,
        ),
        series(
            "Tokens saved a second, estimated",
            "What a request saved in the last step, times the requests that servers count now; also after a promotion, "
            "when no look counts any more. Needs the servers' counters in the same Prometheus.",
            Query(
                f"sum by (policy) (rate({_SERVED}[5m])) * on (policy) "
                f'label_join({_A_REQUEST}, "policy", "/", "namespace", "policy")',
                "{{policy}}",
            ),
            unit="short",
            width=24,
        ),
    ),
)

_LATENESS = "sum by (le) (rate(earlystop_operator_look_lateness_seconds_bucket[5m]))"

OPERATOR = Row(
    "Operator",
    (
        series(
            "Looks",
            "Looks a second, by their result.",
            Query("sum by (outcome) (rate(earlystop_operator_looks_total[5m]))", "{{outcome}}"),
            unit="ops",
        ),
        series(
            "Lateness of looks",
            "From complete counts to a judged look.",
            Query(
                f"histogram_quantile(0.99, {_LATENESS})",
                "99 of 100",
            ),
            Query(
                f"histogram_quantile(0.5, {_LATENESS})",
                "half",
            ),
            unit="s",
        ),
        series(
            "Reconciliations",
            "A second, by how they ended.",
            Query("sum by (outcome) (rate(earlystop_operator_reconciliations_total[5m]))", "{{outcome}}"),
            unit="ops",
        ),
        series(
            "Memory",
            "Resident memory of the operator's process.",
            Query("process_resident_memory_bytes and on (instance) earlystop_operator_build_info", "{{instance}}"),
            unit="bytes",
        ),
        series(
            "Verdicts",
            "Stored since the process began, by decision and reason.",
            Query("sum by (decision, reason) (earlystop_operator_verdicts_total)", "{{decision}}: {{reason}}"),
            unit="short",
        ),
        series(
            "Policies without metrics",
            "Left out since there are too many series.",
            Query("earlystop_operator_policies_without_series", "policies"),
            unit="short",
        ),
    ),
)

ROWS = (FLEET, POLICY, SOUND, GUARD, SAVINGS, OPERATOR)
