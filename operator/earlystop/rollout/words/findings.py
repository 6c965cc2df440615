"""What makes comparisons unsound, of which people are told once."""

from __future__ import annotations

from typing import NamedTuple

from earlystop.rollout.conditions import (
    dispersion_is_unknown,
    mismatch,
    setting_is_unmoved,
    split_is_broken,
    unknown_users,
    unmoved,
)
from earlystop.rollout.doubts import doubts_in, new_doubts
from earlystop.rollout.state import RolloutState
from earlystop.rollout.words.event_note import EventNote


class Findings(NamedTuple):
    """What is found of the comparisons of a campaign, without the looks by which it was found. doubts: names of
    candidates, each with the reason of a doubt about it."""

    campaign: int
    split_is_broken: bool
    dispersion_is_unknown: bool
    setting_is_unmoved: bool
    doubts: tuple[tuple[str, str], ...]


def findings_of(state: RolloutState) -> Findings:
    """What is found in a state."""
    return Findings(
        state.campaign,
        split_is_broken(state),
        dispersion_is_unknown(state),
        setting_is_unmoved(state),
        doubts_in(state),
    )


def finding_notes(told: Findings, after: RolloutState) -> list[EventNote]:
    """The events about what was not found before: nothing is promoted from it. told: what was."""
    now, notes = findings_of(after), []
    known = told if told.campaign == after.campaign else Findings(after.campaign, False, False, False, ())
    if now == known:
        return []
    if now.split_is_broken and not known.split_is_broken:
        notes.append(EventNote("TrafficSplitMismatch", "CompareTraffic", mismatch(after), warning=True))
    if now.dispersion_is_unknown and not known.dispersion_is_unknown:
        notes.append(EventNote("DispersionUnknown", "CompareUsers", unknown_users(after), warning=True))
    if now.setting_is_unmoved and not known.setting_is_unmoved:
        notes.append(EventNote("SettingNotEffective", "CompareLengths", unmoved(after), warning=True))
    notes += [
        EventNote(doubt.reason, "CompareMissing", doubt.message, warning=True)
        for doubt in new_doubts(known.doubts, after)
    ]
    return notes
