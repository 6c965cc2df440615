"""A server that reads its settings itself: what it serves by, whatever happens to the file."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from earlystop.api.wire import commitment_of
from earlystop.exporter.buckets import drawn_variant
from earlystop.exporter.export import Exporter
from earlystop.exporter.settings import CHECK_SECONDS, REMOVED_SECONDS, Choice, MountedSettings
from earlystop.exporter.settings_document import MAX_BYTES, SettingsDocument, all_on_baseline, read_document, written
from tests.unit.exporter.mounts import DOCUMENT, KEY, MountedVolume, document
from tests.unit.exporter.pages import POLICY, Clock, read, scrape, unassigned
from tests.unit.rollout.policies import examples

LATER = 4e9
"""Unix seconds at which no file of a test is young."""


class Server:
    """A process that reads its settings from a mounted volume, and its clock."""

    def __init__(
        self, volume: MountedVolume, wall_clock: Callable[[], float] = lambda: LATER, places: int = 16
    ) -> None:
        self.clock, self.registry, self.volume = Clock(), CollectorRegistry(), volume
        self.exporter = Exporter(self.registry, process="proc", max_revisions=places, clock=self.clock)
        path = volume.mount / KEY
        self.settings = MountedSettings(path, POLICY, self.exporter, clock=self.clock, wall_clock=wall_clock)

    def project(self, *documents: SettingsDocument) -> None:
        """The volume holds the document, or nothing; the server has had the time to see it."""
        self.volume.project(dict(zip([KEY], map(written, documents), strict=False)))
        self.wait()

    def wait(self, seconds: float = CHECK_SECONDS) -> None:
        self.clock.now += seconds

    def choose(self, key: str = "1") -> Choice:
        return self.settings.choose(request=key)

    def reported(self, name: str = "earlystop_settings_info") -> list[dict[str, str]]:
        return [dict(row.labels) for row in scrape(self.registry) if row.labels["__name__"] == name]

    @property
    def fault(self) -> str:
        found = self.reported("earlystop_settings_fault")
        return found[0]["fault"] if found else ""


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server whose volume gives all requests the candidate."""
    volume = MountedVolume(tmp_path / "mount")
    volume.project({KEY: written(document(100))})
    return Server(volume)


def test_a_request_gets_its_variants_values_and_counts_under_the_revision_that_was_read(server: Server) -> None:
    choice = server.choose()
    server.exporter.started(choice.assignment)
    server.exporter.completed(choice.assignment, 7, "match")
    assert dict(choice.values) == {"window": "10"} and choice.is_assigned
    counted = {key.variant: tally.started for key, tally in read(server.registry).items()}
    assert counted == {"baseline": 0, "candidate": 1}


def test_every_process_decides_alike(server: Server, tmp_path: Path) -> None:
    server.project(document(50))
    other = Server(MountedVolume(tmp_path / "other"))
    other.project(document(50))
    for number in range(50):
        found = server.choose(str(number)).assignment.variant
        assert found == other.choose(str(number)).assignment.variant
        assert found == drawn_variant("r1", str(number), document(50).weights)


def test_a_user_keeps_a_variant_where_the_policy_draws_by_user_and_counts_as_that_user(server: Server) -> None:
    server.project(document(50, drawn_by="User"))
    chosen = [server.settings.choose(user="anna", request=str(number)).assignment for number in range(40)]
    assert len(set(chosen)) == 1 and chosen[0].user == "anna"


@pytest.mark.parametrize("weight", [5, 50, 95])
@pytest.mark.parametrize("user", [None, "", "  "])
def test_where_users_are_drawn_who_is_not_known_gets_the_baseline_and_counts_as_unassigned(
    weight: int, user: str | None, server: Server
) -> None:
    for number in range(30):
        server.project(document(weight, drawn_by="User", revision=f"r{number}"))
        choice = server.settings.choose(user=user, request="1")
        assert (dict(choice.values), choice.is_assigned) == ({"window": "40"}, False)
        server.exporter.started(choice.assignment)
    assert unassigned(server.registry) == {POLICY: 30.0}


def test_requests_of_one_user_are_drawn_each_for_itself_where_the_policy_says_so(server: Server) -> None:
    server.project(document(50))
    chosen = {server.settings.choose(user="anna", request=str(number)).assignment.variant for number in range(40)}
    assert chosen == {"baseline", "candidate"}
    assert {server.settings.choose().assignment.variant for _ in range(60)} == {"baseline", "candidate"}


def test_a_new_document_is_served_within_a_second_and_a_scrape_alone_sees_it_too(server: Server) -> None:
    server.volume.project({KEY: written(document(0, step=1))})
    assert server.choose().assignment.step == 0
    server.wait()
    assert [(each["revision"], each["step"]) for each in server.reported()] == [("r1", "1")]
    assert server.choose().values["window"] == "40"


def test_before_the_first_document_the_server_serves_as_it_is_and_says_that_it_has_read_none(tmp_path: Path) -> None:
    server = Server(MountedVolume(tmp_path / "not there yet"))
    assert (dict(server.choose().values), server.choose().is_assigned) == ({}, False)
    assert [(each["revision"], each["step"]) for each in server.reported()] == [("", "")]
    server.project(document(100))
    assert server.choose().values["window"] == "10"


BROKEN = {
    "half of it": written(DOCUMENT)[:150],
    "nothing": "",
    "no JSON": "window: 10",
    "a list": "[]",
    "another kind": json.dumps({"apiVersion": "v1", "kind": "Settings"}),
    "weights that are too many": written(DOCUMENT).replace('"weight": 95', '"weight": 96'),
    "a weight that is no number": written(DOCUMENT).replace('"weight": 95', '"weight": "95"'),
    "a weight that is true": written(document(1)).replace('"weight": 1,', '"weight": true,'),
    "a variant twice": written(DOCUMENT).replace('"candidate"', '"baseline"'),
    "no baseline": written(DOCUMENT).replace('"baseline"', '"base"'),
    "no variants": written(DOCUMENT).replace('"variants"', '"others"'),
    "a value that is a number": written(DOCUMENT).replace('"10"', "10"),
    "a step below 0": written(DOCUMENT).replace('"step": 0', '"step": -1'),
    "a revision that no label can be": written(DOCUMENT).replace('"r1"', '"r 1"'),
    "the reserved revision": written(DOCUMENT).replace('"r1"', '"unassigned"'),
    "a draw by something else": written(DOCUMENT).replace('"Request"', '"Session"'),
    "a token of another campaign": written(DOCUMENT).replace('"r1"', f'"0123456789-{commitment_of(POLICY, "secret")}"'),
    "deep nesting": "[" * 100_000,
    "too much": " " * MAX_BYTES + written(DOCUMENT),
    "bytes that are no text": "\ufffe\x00",
    "NaN": written(DOCUMENT).replace('"weight": 95', '"weight": NaN'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_leaves_the_last_good_settings_in_force_and_is_told(
    name: str, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.volume.project({KEY: BROKEN[name]})
    server.wait()
    assert server.choose().values["window"] == "10" and server.fault == "malformed"
    assert [record.levelno for record in caplog.records] == [logging.WARNING] and "last good" in caplog.text
    server.project(document(0))
    assert server.choose().values["window"] == "40" and server.fault == ""


@examples
@given(st.integers(0, 3), st.data())
def test_no_part_of_a_document_is_taken_for_one(step: int, data: st.DataObject) -> None:
    text = written(document(30, step=step))
    cut = data.draw(st.integers(0, len(text.rstrip()) - 1))
    with pytest.raises(ValueError, match="it "):
        read_document(text[:cut])


@examples
@given(st.binary(max_size=300))
def test_whatever_stands_in_the_file_is_refused_in_a_sentence(found: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it[s ]"):
        read_document(found)


def test_a_document_is_read_as_it_was_written() -> None:
    assert read_document(written(DOCUMENT)) == DOCUMENT
    assert "secret" not in repr(document(token="secret"))


def test_the_settings_of_another_policy_are_not_served(server: Server) -> None:
    server.project(document(0, policy="llm/other"))
    assert server.choose().values["window"] == "10" and server.fault == "foreign"


@pytest.mark.parametrize("text", ["from Git", written(document(0, policy="llm/other"))])
def test_a_file_that_holds_something_else_for_a_minute_gives_all_requests_the_baseline_of_the_last_good_settings(
    text: str, server: Server
) -> None:
    server.volume.project({KEY: text})
    server.wait()
    assert server.choose().is_assigned
    server.wait(REMOVED_SECONDS - 1)
    assert server.choose().values["window"] == "10"
    server.wait()
    choice = server.choose()
    assert (dict(choice.values), choice.is_assigned) == ({"window": "40"}, False)
    assert server.fault and server.reported()[0]["digest"] == all_on_baseline(document(100)).digest
    server.project(document(100))
    assert server.choose().values["window"] == "10" and server.choose().is_assigned and not server.fault


def test_what_alternates_between_no_key_and_anothers_settings_ends_a_candidate_all_the_same(server: Server) -> None:
    for _ in range(40):
        server.project()
        server.choose()
        server.project(document(0, policy="llm/other"))
        server.choose()
    assert server.choose().values.get("window") != "10" and not server.choose().is_assigned


def test_a_volume_that_is_gone_leaves_the_last_good_settings_in_force_for_ever(server: Server) -> None:
    server.volume.mount.rename(server.volume.mount.with_name("moved"))
    for _ in range(3):
        server.wait(REMOVED_SECONDS)
        assert server.choose().values["window"] == "10" and server.fault == "missing"


def test_a_key_that_was_removed_is_missed_for_a_minute_and_then_the_policy_is_over(server: Server) -> None:
    server.project()
    assert server.choose().values["window"] == "10" and server.fault == "removed"
    server.wait(REMOVED_SECONDS)
    assert dict(server.choose().values) == {} and not server.choose().is_assigned
    assert server.fault == "" and [each["revision"] for each in server.reported()] == [""]


def test_a_key_that_comes_back_within_the_minute_was_never_removed(server: Server) -> None:
    server.project()
    server.choose()
    server.wait(REMOVED_SECONDS - 2)
    server.project(document(100))
    server.choose()
    server.project()
    server.choose()
    server.wait(REMOVED_SECONDS - 2)
    assert server.choose().values["window"] == "10"


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_a_plain_file_that_is_overwritten_in_the_same_tick_of_the_clock_is_seen(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / KEY
    path.write_text(written(document(100)))
    os.utime(path, (1000, 1000))
    server = Server(MountedVolume(tmp_path), lambda: 1000 + seconds)
    assert server.choose().values["window"] == "10"
    path.write_text(written(document(100, step=7)))
    os.utime(path, (1000, 1000))
    server.wait()
    assert server.choose().assignment.step == 7


def test_a_file_that_does_not_change_is_read_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("the file is read again")

    monkeypatch.setattr(Path, "open", refused)
    for _ in range(5):
        server.wait()
        assert server.choose().is_assigned


def test_where_the_exporter_has_no_room_the_values_are_served_and_count_for_nobody(server: Server) -> None:
    crowded = Server(server.volume, places=1)
    crowded.project(document(100, revision="r2"))
    choice = crowded.choose()
    crowded.exporter.started(choice.assignment)
    assert choice.values["window"] == "10" and unassigned(crowded.registry) == {POLICY: 1.0}
    crowded.wait(601)
    assert crowded.choose().assignment.revision == "r2", "the place of a revision that is not used is free by then"


def test_a_forked_worker_goes_on_by_itself_even_where_its_parent_was_reading(server: Server) -> None:
    server.settings._lock.acquire()
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        server.project(document(0, step=3))
        found = server.choose().assignment
        process = server.reported()[0]["process"]
        os.write(sending, f"{found.step} {found.variant} {process != 'proc'}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(receiving, 100).decode() == "3 baseline True"


def test_a_policy_that_is_no_name_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="namespace/name"):
        MountedSettings(tmp_path / KEY, "qa", Exporter(CollectorRegistry()))


def test_a_key_that_was_never_there_is_no_fault(tmp_path: Path) -> None:
    volume = MountedVolume(tmp_path / "mount")
    volume.project({"model.yaml": "qa: 1"})
    server = Server(volume)
    server.wait()
    assert server.fault == "" and not server.choose().is_assigned
