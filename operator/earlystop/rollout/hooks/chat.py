"""An occurrence as a message in a chat: shaped for an incoming webhook of Slack, or for a workflow of Teams."""

from __future__ import annotations

from typing import Any

from earlystop.api.hooks import OccurrenceKind
from earlystop.rollout.hooks.occurrence import Occurrence, PolicyIdentity

CONTENT_TYPE = "application/json; charset=utf-8"
LONGEST_HEADER = 150
"""Characters of a header block of Slack."""
_TITLES = {
    OccurrenceKind.PROMOTED: "Promoted",
    OccurrenceKind.ROLLED_BACK: "Rolled back",
    OccurrenceKind.ENDED: "Ended without a promotion",
    OccurrenceKind.TRIAL_ENDED: "Trial ended",
    OccurrenceKind.REPEATED_FAILURE: "Nothing promoted several times in a row",
    OccurrenceKind.ALARM: "A guard took the promotion back",
    OccurrenceKind.AWAITING_APPROVAL: "An approval is needed",
    OccurrenceKind.GATE: "A gate before a promotion or a step",
    OccurrenceKind.LAPSED: "A certificate has lapsed",
}
_COLOURS = {
    OccurrenceKind.PROMOTED: "Good",
    OccurrenceKind.ROLLED_BACK: "Attention",
    OccurrenceKind.ALARM: "Attention",
    OccurrenceKind.REPEATED_FAILURE: "Warning",
    OccurrenceKind.AWAITING_APPROVAL: "Accent",
    OccurrenceKind.LAPSED: "Warning",
}


def slack_message(identity: PolicyIdentity, occurrence: Occurrence) -> dict[str, Any]:
    """Body of an incoming webhook of Slack (https://docs.slack.dev/reference/block-kit/blocks): `text` is what
    notifications show. Texts are plain, so that nothing in them is a mention or a link."""
    title = _title(identity, occurrence)
    facts = [{"type": "plain_text", "text": f"{name}: {value}", "emoji": False} for name, value in _facts(occurrence)]
    return {
        "text": _escaped(f"{title}: {occurrence.sentence}"),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title[:LONGEST_HEADER], "emoji": False}},
            {"type": "section", "text": {"type": "plain_text", "text": occurrence.sentence, "emoji": False}},
            {"type": "context", "elements": facts},
        ],
    }


def teams_message(identity: PolicyIdentity, occurrence: Occurrence) -> dict[str, Any]:
    """Body for the trigger "When a Teams webhook request is received": a message with one Adaptive Card 1.4
    (https://adaptivecards.io/explorer)."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {
                "type": "TextBlock",
                "text": _without_markup(_title(identity, occurrence)),
                "weight": "Bolder",
                "size": "Medium",
                "color": _COLOURS.get(occurrence.kind, "Default"),
                "wrap": True,
            },
            {"type": "TextBlock", "text": _without_markup(occurrence.sentence), "wrap": True},
            {
                "type": "FactSet",
                "facts": [{"title": name, "value": _without_markup(value)} for name, value in _facts(occurrence)],
            },
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _title(identity: PolicyIdentity, occurrence: Occurrence) -> str:
    return f"{_TITLES[occurrence.kind]}: {identity.namespace}/{identity.name}"


def _facts(occurrence: Occurrence) -> tuple[tuple[str, str], ...]:
    """At most ten facts, as many as a context block of Slack takes."""
    verdict = occurrence.verdict
    about = (("Reason", occurrence.reason), ("Campaign", str(occurrence.campaign)))
    if verdict is None:
        return about
    asked = (("Requested by", verdict.requested_by),) if verdict.requested_by else ()
    return (
        *about,
        ("Candidate", verdict.candidate),
        ("EM difference", f"{verdict.effect} points" if "[" in verdict.effect else verdict.effect),
        ("Tokens saved", verdict.saving),
        ("Verdict", verdict.name),
        *asked,
    )


def _escaped(text: str) -> str:
    """Text in which Slack sees no mention, link or markup of a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _without_markup(text: str) -> str:
    """Text in which an Adaptive Card sees no link: people choose names, and messages repeat them."""
    return text.replace("[", "(").replace("]", ")")
