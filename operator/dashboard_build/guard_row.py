"""What the dashboard shows of a guard: whether it sees, what both variants did lately, and how near an alarm is."""

from __future__ import annotations

from dashboard_build.common_panels import BY_LABEL, ONE, series
from dashboard_build.panels import Panel, Query, Row

GUARD = Row(
    "Guard of $namespace/$policy, after a promotion",
    (
        Panel(
            "Guarded",
            "stat",
            (
                Query(f'earlystop_policy_condition{{{ONE},type="Guarded"}}', "{{reason}}", instant=True),
                Query(f'earlystop_policy_condition{{{ONE},type="Certified"}}', "{{reason}}", instant=True),
                Query(f"earlystop_policy_guard_culprit{{{ONE}}}", "moved: {{culprit}}", instant=True),
            ),
            "Whether somebody watches over the promoted setting, whether what serves is what it was certified on, and "
            "after an alarm what has moved.",
            6,
            8,
            options=BY_LABEL,
        ),
        series(
            "Exact Match in the guard's window",
            "Of both variants. The window decides nothing; the detectors do.",
            Query(f"earlystop_policy_guard_exact_match_ratio{{{ONE}}}", "{{variant}}"),
            width=9,
        ),
        series(
            "Output tokens saved in the guard's window",
            "Share of the baseline's tokens; nothing without held back requests.",
            Query(f"earlystop_policy_guard_token_saving_ratio{{{ONE}}}", "saved"),
            width=9,
        ),
        series(
            "Detectors: share of the way to an alarm",
            "At 100 % a detector alarms, and all requests go back to the baseline.",
            Query(
                f"earlystop_policy_guard_log_statistic{{{ONE}}} / earlystop_policy_guard_log_line{{{ONE}}}",
                "{{claim}}",
            ),
            width=16,
        ),
        series(
            "Whether the promoted setting serves",
            "1 while it does, 0 while a more careful proven one serves as there is little load; nothing without "
            "guard.whenBusy.",
            Query(f"earlystop_policy_guard_busy{{{ONE}}}", "promoted setting"),
            unit="short",
        ),
    ),
)
