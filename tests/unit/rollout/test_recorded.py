"""Statuses and verdicts that an earlier release wrote: they are read, verified, and written the same again.

`recorded/` was made by the code as it was before candidates had names in a state, from seeded campaigns of every mode
and strategy, some under way and some decided.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from earlystop.api.policy import PolicySpec
from earlystop.rollout.live_times import LiveTimes
from earlystop.rollout.stored.packing import unpack_numbers
from earlystop.rollout.stored.status_codec import from_status, to_status
from earlystop.rollout.verdict import verdict_spec
from earlystop.rollout.verify.verdict import differences
from tests.unit.every_row import every_row
from tests.unit.rollout.policies import UID

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))


def as_written_then(status: dict[str, Any]) -> dict[str, Any]:
    """The status without what earlier releases did not say yet; it is worked out from the rest."""
    status.pop("progress", None)
    status |= status.pop("internal", {})
    for each in (status, *status.get("candidates", [])):
        each.get("evidence", {}).pop("largestLogE", None)
    return status


def renamed(status: dict[str, Any]) -> dict[str, Any]:
    """The status with the present name of a candidate's state."""
    for each in status.get("candidates", []):
        each["state"] = each.pop("standing")
    return status


def with_looks_unpacked(status: dict[str, Any]) -> dict[str, Any]:
    """The status with the numbers of its looks in place of their text, which earlier releases put into a container."""
    for name in {"looks", "classLooks"} & status.keys():
        parts = re.split("([,/])", status[name]) if isinstance(status[name], str) else status[name]
        status[name] = [unpack_numbers(each) if len(each) > 1 else each for each in parts]
    return status


@pytest.mark.slow
@every_row("path", RECORDED)
def test_what_an_earlier_release_wrote_is_read_verified_and_written_the_same_again(path: Path) -> None:
    recorded = json.loads(path.read_text())
    state, ledger = from_status(recorded["status"])
    earlier = with_looks_unpacked(renamed(recorded["status"]))
    times = LiveTimes.of(PolicySpec.model_validate(recorded["spec"]))
    written = json.loads(json.dumps(to_status("qa", UID, times, state, ledger)))
    assert with_looks_unpacked(as_written_then(written)) == earlier
    if recorded["verdict"] is None:
        assert state.decision is None
    else:
        assert differences(recorded["verdict"]) == []
        assert json.loads(json.dumps(verdict_spec("qa", UID, state))) == recorded["verdict"]


def test_every_kind_of_campaign_was_recorded() -> None:
    assert len(RECORDED) >= 50
