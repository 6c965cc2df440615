"""Which revisions may be counted when clients can name any."""

from __future__ import annotations

from earlystop.demo.placement import Roster


def yes() -> bool:
    return True


def test_a_new_revision_waits_until_the_oldest_has_been_idle() -> None:
    roster = Roster(places=2, idle_seconds=600)
    assert roster.admit(("p", "a"), 0, yes)
    assert roster.admit(("p", "b"), 100, yes)
    assert not roster.admit(("p", "c"), 599, yes)
    assert roster.admit(("p", "c"), 600, yes)


def test_a_revision_in_use_keeps_its_place() -> None:
    roster = Roster(places=2, idle_seconds=600)
    for now in range(0, 6_000, 500):
        assert roster.admit(("p", "used"), now, yes)
        roster.admit(("p", f"new-{now}"), now, yes)
    assert roster.admit(("p", "used"), 6_000, yes)


def test_a_revision_that_the_exporter_refuses_takes_no_place() -> None:
    roster = Roster(places=1, idle_seconds=600)
    assert not roster.admit(("p", "odd"), 0, lambda: False)
    assert roster.admit(("p", "a"), 0, yes)


def test_a_probe_takes_a_free_place_but_does_not_hold_it() -> None:
    roster = Roster(places=1, idle_seconds=600)
    assert roster.admit(("p", "a"), 0, yes, is_use=False)
    assert roster.admit(("p", "a"), 500, yes, is_use=False)
    assert roster.admit(("p", "b"), 600, yes)


def test_the_same_revision_of_two_policies_is_two() -> None:
    roster = Roster(places=1, idle_seconds=600)
    assert roster.admit(("p", "a"), 0, yes)
    assert not roster.admit(("q", "a"), 0, yes)
