"""What is said of processes that serve by other settings than a step's."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.conditions import ConditionStatus
from earlystop.delivery.processes_behind import processes_behind


@dataclass(frozen=True)
class Process:
    process: str
    digest: str = "d1"
    revision: str = "r1"
    step: str = "1"
    fault: str = ""


def test_once_every_process_has_switched_there_is_nothing_to_say() -> None:
    assert processes_behind([Process("p1"), Process("p2")], "d1") is None


def test_no_report_at_all_proves_nothing() -> None:
    said = processes_behind([], "d1")
    assert said is not None and (said.status, said.reason) == (ConditionStatus.UNKNOWN, "NoProcessReports")


def test_who_is_behind_is_named_with_what_it_serves_by_and_why() -> None:
    behind = [Process("p2", "d0", step="0"), Process("p3", "", "", "", "malformed")]
    said = processes_behind([Process("p1"), *behind], "d1")
    assert said is not None and said.reason == "ProcessesBehind" and "2 of 3 processes" in said.message
    assert "p2 serves by revision r1, step 0; p3 has read no settings, since its file is malformed." in said.message


def test_the_same_step_with_other_weights_is_other_settings() -> None:
    assert processes_behind([Process("p1", "d1"), Process("p2", "d0")], "d1") is not None


def test_of_many_only_some_are_named_so_that_the_message_stays_short() -> None:
    said = processes_behind([Process(f"{number:064d}", "d0") for number in range(500)], "d1")
    assert said is not None and "500 of 500" in said.message and "and 497 others" in said.message
    assert len(said.message) < 700
