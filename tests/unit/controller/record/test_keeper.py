"""The keeper of the record publishes a digest over all verdicts, tells when one is gone, and removes what it may."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from earlystop.api.wire import DIGEST_ANNOTATION
from earlystop.controller.cluster import CHECKPOINTS, LEASES, POLICIES, VERDICTS, ClusterError
from earlystop.controller.record.keeper import RecordKeeper, RecordSettings
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.record.publication import BROKEN, COUNT, DIGEST, Stored, published_at
from earlystop.rollout.record.retention import Retention
from tests.unit.controller.memory import Memory
from tests.unit.rollout.record.chains import chain_of, long_chain

NOW = 1_900_000_000
CREATED = rfc3339(NOW - 1000)
LEASE = {"metadata": {"namespace": "system", "name": "record", "annotations": {"theirs": "stays"}}}
Manifest = dict[str, Any]


class Record:
    """A cluster with verdicts, and the keeper of their record."""

    def __init__(self, verdicts: list[Manifest], retention: Retention | None = None) -> None:
        self.api = Memory()
        self.now = NOW
        self.api.put(LEASES, LEASE)
        for each in verdicts:
            self.add(each)
        settings = RecordSettings("record", retention or Retention())
        self.keeper = RecordKeeper(self.api, lambda: self.now, [], settings, "system")

    def add(self, verdict: Manifest, created: str = CREATED) -> None:
        metadata = {**verdict["metadata"], "creationTimestamp": created}
        self.api.put(VERDICTS, {**verdict, "metadata": metadata})

    def remove(self, name: str) -> None:
        del self.api.objects[VERDICTS.path("llm", name)]

    def count_lists(self) -> int:
        """How often verdicts were listed whole."""
        return self.api.lists.count(VERDICTS.plural)

    @property
    def names(self) -> list[str]:
        return [each["metadata"]["name"] for path, each in self.api.objects.items() if VERDICTS.plural in path]

    @property
    def checkpoints(self) -> list[Manifest]:
        return [each for path, each in self.api.objects.items() if CHECKPOINTS.plural in path]

    @property
    def published(self) -> dict[str, str]:
        found: dict[str, str] = self.api.at(LEASES, "system", "record")["metadata"]["annotations"]
        return found


async def test_one_digest_over_all_verdicts_stands_in_the_lease() -> None:
    verdicts = chain_of(3)
    record = Record(verdicts)
    await record.keeper.keep()
    stored = [Stored(CREATED, "llm", each["metadata"]["name"], each["spec"]["digest"]) for each in verdicts]
    assert record.published[DIGEST] == published_at(stored, rfc3339(NOW)).digest
    assert (record.published[COUNT], record.published["theirs"]) == ("3", "stays")
    writes = len(record.api.calls)
    record.now += 300
    await record.keeper.keep()
    assert len(record.api.calls) == writes, "nothing is written while nothing is new"


async def test_a_verdict_without_the_digest_in_its_metadata_is_read_once_and_counts_the_same() -> None:
    verdicts = chain_of(2)
    record = Record(verdicts)
    await record.keeper.keep()
    older = [{**each, "metadata": {**each["metadata"], "annotations": {}}} for each in verdicts]
    other = Record(older)
    await other.keeper.keep()
    await other.keeper.keep()
    assert (
        other.published[DIGEST] == record.published[DIGEST]
        and DIGEST_ANNOTATION in verdicts[0]["metadata"]["annotations"]
    )


async def test_a_cut_tail_shows_at_the_next_pass_also_of_another_operator(caplog: pytest.LogCaptureFixture) -> None:
    verdicts = chain_of(3)
    record = Record(verdicts)
    await record.keeper.keep()
    record.remove(verdicts[-1]["metadata"]["name"])
    record.now += 300
    restarted = RecordKeeper(record.api, lambda: record.now, [], RecordSettings("record"), "system")
    with caplog.at_level(logging.ERROR):
        await restarted.keep()
    assert "3 were published" in record.published[BROKEN] and "the record is broken" in caplog.text
    record.now += 300
    await restarted.keep()
    assert "3 were published" in record.published[BROKEN], "it stays told"


async def test_without_a_lease_the_operator_goes_on_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    record = Record(chain_of(1))
    del record.api.objects[LEASES.path("system", "record")]
    with caplog.at_level(logging.WARNING):
        await record.keeper.keep()
        await record.keeper.keep()
    assert caplog.text.count("the record is published in no Lease") == 1


async def test_retention_stores_a_checkpoint_before_it_removes_and_leaves_what_is_published_as_it_is() -> None:
    record = Record(long_chain(70), Retention(verdicts=10))
    await record.keeper.keep()
    assert record.names == [f"qa-{number:03d}" for number in range(6, 70)]
    (checkpoint,) = record.checkpoints
    assert [each["name"] for each in checkpoint["spec"]["removed"]] == [f"qa-{number:03d}" for number in range(6)]
    writes = [method for method, path in record.api.calls if "earlystop.dev" in path]
    assert writes == ["POST", *["DELETE"] * 6]
    published = dict(record.published)
    record.now += 300
    await record.keeper.keep()
    assert record.published == published and BROKEN not in published, "what retention removes still counts"
    assert len(record.checkpoints) == 1


@pytest.mark.parametrize("fails_at", ["POST", "DELETE"])
async def test_retention_goes_on_after_a_crash_at_either_write(fails_at: str) -> None:
    record = Record(long_chain(70), Retention(verdicts=10))
    record.api.fail(fails_at, ClusterError(500, "down"))
    with pytest.raises(ClusterError):
        await record.keeper.keep()
    assert len(record.names) == 70
    await record.keeper.keep()
    assert len(record.names) == 64 and len(record.checkpoints) == 1


@pytest.mark.slow
async def test_verdicts_are_read_whole_again_only_after_something_changed_or_a_day_later() -> None:
    record = Record(long_chain(70), Retention(verdicts=10))
    await record.keeper.keep()  # removes six
    await record.keeper.keep()  # looks at what is left
    whole = "a verdict without its metadata alone"
    reads = record.count_lists()
    record.now += 300
    await record.keeper.keep()
    assert record.count_lists() == reads, whole
    record.now += 86_400
    await record.keeper.keep()
    assert record.count_lists() > reads


@pytest.mark.slow
async def test_without_the_checkpoint_as_it_was_made_nothing_is_removed() -> None:
    record = Record(long_chain(70), Retention(verdicts=10))
    await record.keeper.keep()
    (checkpoint,) = record.checkpoints
    other = Record(long_chain(70), Retention(verdicts=10))
    other.api.put(CHECKPOINTS, {**checkpoint, "spec": {**checkpoint["spec"], "policy": "other"}})
    await other.keeper.keep()
    assert len(other.names) == 70


async def test_without_retention_nothing_is_read_but_metadata_and_nothing_is_removed() -> None:
    record = Record(long_chain(70))
    await record.keeper.keep()
    assert len(record.names) == 70 and record.checkpoints == []


async def test_retention_keeps_the_verdict_of_the_decision_in_a_status() -> None:
    verdicts = long_chain(70)
    record = Record(verdicts, Retention(verdicts=10))
    metadata = {"name": verdicts[2]["spec"]["policy"], "namespace": "llm", "uid": "u"}
    decision = {"digest": verdicts[2]["spec"]["digest"]}
    record.api.put(POLICIES, {"metadata": metadata, "spec": {}, "status": {"decision": decision}})
    await record.keeper.keep()
    assert record.names == ["qa-002", *[f"qa-{number:03d}" for number in range(6, 70)]]


async def test_a_pass_tells_which_verdicts_it_found() -> None:
    record, found = Record(chain_of(3)), list[Any]()
    keeper = RecordKeeper(record.api, lambda: NOW, [], RecordSettings(""), "system", found.append)
    await keeper.keep()
    record.remove(record.names[0])
    await keeper.keep()
    first, second = found
    assert len(first) == 3 and second == {("llm", name) for name in record.names}
