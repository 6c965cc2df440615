"""A report in which every part that a page can have is there."""

from __future__ import annotations

from earlystop.report.content import Report
from earlystop.rollout.verdict import digest_of
from tests.unit.report.drawn_verdicts import drawn_chain
from tests.unit.report.hostile import reported, stored

SHOWN_OF_THE_RECORD = (
    *("policy", "decision", "candidate", "message", "effect", "saving", "reason", "at", "campaign", "revision"),
    *("settings.0.name", "settings.0.before", "settings.0.after", "settings.1.name", "settings.1.before"),
    *("requestedBy", "approvedBy", "rejectedBy"),
    *("risk.promoteSpent", "risk.harmSpent", "risk.campaign", "risk.campaigns"),
    *("others.0.candidate", "others.0.effect", "others.0.saving", "others.0.reason"),
    *("classes.0.queryClass", "classes.0.candidate", "classes.0.effect", "classes.0.saving"),
)
"""Places in the record of `whole_report` that its page repeats."""


def whole_report() -> Report:
    """The latest of two verdicts: of two candidates, by people, about query classes. It claims more than its looks
    show, so verifying it fails."""
    before, latest = (stored(each) for each in drawn_chain(0, 3))
    spec = latest["spec"]
    spec["others"][0]["reason"] = "HarmShown"
    spec |= {
        "settings": [{"name": "window", "before": "40"}, {"name": "patience", "before": "2.5", "after": "2.5"}],
        "requestedBy": "anna",
        "approvedBy": ["ben", 'carl\r\nof <b>sales</b> & "more"'],
        "rejectedBy": "dora",
        "classes": [
            {"queryClass": "easy", "candidate": "w10", "effect": "+1.0 [-1.0, +3.0]", "saving": "40 % [30, 50]"}
        ],
    }
    spec["digest"] = digest_of(spec)
    return reported(latest, before)
