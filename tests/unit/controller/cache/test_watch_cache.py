"""What the cache gives is never older than what it gave or was shown before, whatever comes late, twice or never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.controller.cache.watch_cache import WatchCache
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.object_key import ObjectKey
from tests.turns import Turns

POLICY = ("llm", "qa")
KEY = ObjectKey("Service", "llm", "qa")
ROUTE = ObjectKey("HTTPRoute", "llm", "qa")


def shown(version: int | str, port: int = 80, uid: str = "a", **metadata: Any) -> Manifest:
    named = {"namespace": "llm", "name": "qa", "uid": uid, "resourceVersion": str(version), **metadata}
    return {"metadata": named, "spec": {"ports": [{"port": port}]}}


def cache_of(*keys: ObjectKey, namespaces: tuple[str, ...] = ()) -> WatchCache:
    cache = WatchCache(namespaces)
    cache.note_reads(POLICY, keys or (KEY,))
    return cache


def port_in(cache: WatchCache, key: ObjectKey = KEY) -> int | None:
    found = cache.get(key)
    return None if found is None else int(found["spec"]["ports"][0]["port"])


class Server:
    """An API server with one object, of which the watch loses, delays and lists as `deliver` says."""

    def __init__(self) -> None:
        self.version, self.generation, self.present = 10, 0, False
        self.watch: list[tuple[str, Manifest]] = []
        self.answers: list[Manifest] = []
        self.cache = cache_of(KEY)
        self.newest_given = 0

    def act(self, action: str) -> None:
        {
            "edit": self.edit,
            "delete": self.delete,
            "event": self.event,
            "answer": self.answer,
            "ask": self.ask,
            "gap": self.gap,
        }[action]()
        self.check()

    def edit(self) -> None:
        self.version += 1
        if not self.present:
            self.generation, self.present = self.generation + 1, True
        self.watch.append(("MODIFIED", self.object()))

    def delete(self) -> None:
        if self.present:
            self.version, self.present = self.version + 1, False
            self.watch.append(("DELETED", self.object()))

    def object(self) -> Manifest:
        return shown(self.version, self.version, uid=str(self.generation))

    def ask(self) -> None:
        """The operator asks, and the answer is under way."""
        if self.present:
            self.answers.append(self.object())

    def answer(self) -> None:
        if self.answers:
            self.cache.note(KEY, self.answers.pop())

    def event(self) -> None:
        if self.watch:
            kind, manifest = self.watch.pop(0)
            if kind == "DELETED":
                self.cache.note_deleted(KEY, manifest)
            else:
                self.cache.note_event(KEY, manifest)

    def gap(self) -> None:
        """The watch breaks (410 Gone): events are lost, and the next list shows what is there."""
        self.watch.clear()
        if self.present:
            self.cache.note_event(KEY, self.object(), listed=True)

    def check(self) -> None:
        given = port_in(self.cache)
        if given is not None:
            assert given >= self.newest_given, "the cache went back to an older object"
            self.newest_given = given

    def settle(self) -> None:
        """All events and answers arrive, and then what is kept is compared with a list."""
        turns = Turns()
        while (self.watch or self.answers) and turns.another():
            self.event()
            self.answer()
            self.check()
        before = self.cache.versions("Service")
        if self.present:
            self.cache.note_listed(KEY, self.object())
        self.cache.missing_since(before, {KEY} if self.present else set())


@pytest.mark.slow
@given(st.lists(st.sampled_from(("edit", "edit", "delete", "event", "event", "answer", "ask", "gap")), max_size=30))
@settings(max_examples=100, deadline=None)
def test_the_cache_never_goes_back_and_ends_at_what_is_there_or_says_that_it_must_be_read(actions: list[str]) -> None:
    server = Server()
    for action in actions:
        server.act(action)
    server.settle()
    assert port_in(server.cache) in ((None, server.version) if server.present else (None,))


@pytest.mark.slow
@given(st.lists(st.sampled_from(("edit", "edit", "delete", "event", "answer", "ask")), max_size=30))
@settings(max_examples=100, deadline=None)
def test_without_a_gap_the_cache_ends_at_what_is_there_by_events_alone(actions: list[str]) -> None:
    server = Server()
    server.edit()
    for action in actions:
        server.act(action)
    turns = Turns()
    while (server.watch or server.answers) and turns.another():
        server.event()
        server.answer()
        server.check()
    assert port_in(server.cache) == (server.version if server.present else None)


def test_an_answer_that_was_under_way_when_the_object_went_does_not_bring_it_back() -> None:
    cache = cache_of()
    cache.note_event(KEY, shown(10))
    cache.note_deleted(KEY, shown(12))
    cache.note(KEY, shown(11))
    assert cache.get(KEY) is None


def test_that_is_so_even_if_the_object_was_never_shown_before_it_went() -> None:
    cache = cache_of()
    cache.note_deleted(KEY, shown(12))
    cache.note(KEY, shown(11))
    assert cache.get(KEY) is None


def test_a_deletion_that_is_shown_late_does_not_take_the_object_that_has_its_name_now() -> None:
    cache = cache_of()
    cache.note_event(KEY, shown(14, port=81, uid="b"))
    assert not cache.note_deleted(KEY, shown(12))
    assert port_in(cache) == 81


def test_what_no_watch_covers_is_read_every_time() -> None:
    cache = cache_of(KEY)
    cache.note(KEY, shown(10))
    assert cache.get(KEY) is None
    cache.note_event(ObjectKey("Service", "other", "x"), shown(11))
    assert port_in(cache) == 80


def test_in_an_operator_that_is_bound_to_namespaces_others_are_not_covered() -> None:
    cache = cache_of(KEY, namespaces=("llm",))
    cache.note_event(ObjectKey("Service", "llm", "x"), shown(11))
    cache.note(KEY, shown(10))
    assert port_in(cache) == 80
    elsewhere = ObjectKey("Gateway", "edge", "edge")
    cache.note_event(ObjectKey("Gateway", "llm", "x"), shown(11))
    cache.note(elsewhere, shown(10))
    assert cache.get(elsewhere) is None


def test_after_a_conflict_the_object_is_read_before_it_is_used_again() -> None:
    cache = cache_of()
    cache.note_event(KEY, shown(10))
    cache.drop(KEY)
    assert cache.get(KEY) is None
    cache.note(KEY, shown(11, port=81))
    assert port_in(cache) == 81


def test_a_list_that_is_older_than_what_is_kept_has_the_object_read() -> None:
    cache = cache_of()
    cache.note_event(KEY, shown(10_000))
    cache.note_event(KEY, shown(7, port=81), listed=True)  # as after a restored etcd, whose numbers begin anew
    assert cache.get(KEY) is None


def test_versions_that_are_no_numbers_leave_the_last_word_to_the_watch() -> None:
    cache = cache_of()
    cache.note_event(KEY, shown("zz"))
    cache.note_event(KEY, shown("aa", port=81))
    assert port_in(cache) == 81


@pytest.mark.parametrize(
    ("show", "news"),
    [
        (lambda cache: cache.note_event(KEY, shown(11)), False),
        (lambda cache: cache.note_event(KEY, shown(11, port=81)), True),
        (lambda cache: cache.note_event(KEY, shown(9, port=81)), False),
        (lambda cache: cache.note_event(KEY, shown(11, uid="b")), True),
        (lambda cache: cache.note_event(KEY, shown(11, port=81), listed=True), True),
        (lambda cache: cache.note_deleted(KEY, shown(11)), True),
    ],
    ids=["only its version", "its spec", "an older object", "another of the name", "a list after a gap", "it is gone"],
)
def test_policies_are_to_be_checked_when_what_their_traffic_follows_from_has_changed(
    show: Callable[[WatchCache], bool], news: bool
) -> None:
    cache = cache_of()
    cache.note_event(KEY, shown(10))
    assert show(cache) is news


def test_what_the_operator_wrote_itself_is_no_news_when_the_watch_shows_it() -> None:
    cache = cache_of()
    cache.note_event(KEY, shown(10))
    cache.note(KEY, shown(11, port=81))
    assert not cache.note_event(KEY, shown(11, port=81))


def test_of_most_kinds_only_objects_that_a_policy_names_are_kept() -> None:
    cache = WatchCache()
    cache.note_event(KEY, shown(10))
    cache.note_event(ROUTE, shown(11))
    assert (cache.get(KEY), port_in(cache, ROUTE)) == (None, 80)
    cache.note_reads(POLICY, [KEY])
    cache.note_event(KEY, shown(10))
    assert port_in(cache) == 80
    cache.forget_reader(POLICY)
    assert cache.get(KEY) is None and cache.readers.of(KEY) == ()


def test_a_policy_that_is_decided_on_other_objects_now_is_no_longer_concerned() -> None:
    other = ObjectKey("Service", "llm", "other")
    cache = cache_of(KEY, other)
    cache.keep_reads(POLICY, {other})
    assert cache.readers.of(KEY) == () and cache.readers.of(other) == (POLICY,)


def test_an_object_that_a_list_no_longer_shows_is_read_and_one_that_was_shown_meanwhile_stays() -> None:
    cache = cache_of(KEY, ROUTE)
    cache.note_event(KEY, shown(10))
    cache.note_event(ROUTE, shown(10))
    before = {**cache.versions("Service"), **cache.versions("HTTPRoute")}
    cache.note_event(ROUTE, shown(12))  # created after the list was made
    assert cache.missing_since(before, set()) == [KEY]
    assert cache.get(KEY) is None and port_in(cache, ROUTE) == 80
