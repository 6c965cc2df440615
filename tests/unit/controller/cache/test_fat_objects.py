"""However large the objects of a tenant are, little of them is kept, and their edits are followed all the same."""

from __future__ import annotations

import base64
import gc
import json
import random
import tracemalloc
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest

from earlystop.controller.cache.kept_bytes import LARGEST_KEPT, NAMESPACE_KEPT, KeptBytes
from earlystop.controller.cache.watch_cache import WatchCache
from earlystop.controller.cluster import PAGE
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.delivery.inputs import Manifest
from earlystop.delivery.object_key import ObjectKey
from tests.unit.controller.tracked_policies import manifest

MEBIBYTE = 2**20
READER = ("llm", "qa")
LARGEST_OBJECT = 1.4 * MEBIBYTE
"""Bytes of an object beyond which an API server on etcd takes none."""


def fat(
    where: str, *, name: str = "qa", namespace: str = "llm", version: int = 1, size: float = LARGEST_OBJECT
) -> Manifest:
    """An object that is as large as it may be by its many labels, its many annotations or one text in its spec."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "uid": "a", "resourceVersion": str(version)}
    if where == "spec":
        return {"metadata": metadata, "spec": {"text": "v" * int(size)}}
    return {"metadata": metadata | {where: {f"key-{n:06}": "v" * 60 for n in range(int(size / 78))}}, "spec": {}}


@cache
def _noise() -> str:
    """A text that packing makes hardly smaller."""
    return base64.b85encode(random.Random(1).randbytes(LARGEST_KEPT * 4 // 5 - 1024)).decode()


def unpackable(name: str, namespace: str = "llm") -> Manifest:
    """A route as large as one that is kept may be, and hardly smaller when it is packed."""
    return {**thin(name, namespace), "spec": {"text": _noise()}}


def thin(name: str, namespace: str = "llm", version: int = 1) -> Manifest:
    return fat("spec", name=name, namespace=namespace, version=version, size=0)


def key_of(kind: str, found: Manifest) -> ObjectKey:
    return ObjectKey(kind, found["metadata"]["namespace"], found["metadata"]["name"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Service", "HTTPRoute", "Gateway"])
@pytest.mark.parametrize("where", ["labels", "annotations", "spec"])
def test_of_an_object_of_more_than_a_mebibyte_nothing_is_kept_but_that_it_is_there(kind: str, where: str) -> None:
    cache, key = WatchCache(), ObjectKey(kind, "llm", "qa")
    cache.note_reads(READER, [key])
    assert not cache.note_event(key, fat(where), listed=True)
    assert cache.get(key) is None, "it is read whenever it is needed"
    assert cache.kept_bytes == 0 and list(cache.keys(kind)) == [key]


def test_edits_and_the_end_of_an_object_that_is_too_large_are_followed() -> None:
    cache, key = WatchCache(), ObjectKey("Service", "llm", "qa")
    cache.note_reads(READER, [key])
    cache.note_event(key, fat("spec"), listed=True)
    assert not cache.note_event(key, fat("spec")), "the same version is no news"
    assert cache.note_event(key, fat("spec", version=2, size=LARGEST_OBJECT - 100)), "an edit is"
    before = cache.versions("Service")
    assert cache.note_listed(key, fat("spec", version=3)), "and one that no watch has shown"
    assert cache.missing_since(cache.versions("Service"), []) == [key] and before == {key: 2}
    assert not list(cache.keys("Service"))
    cache.note_event(key, thin("qa", version=4))
    assert cache.get(key) is not None, "once it is small it is kept"
    assert cache.note_deleted(key, thin("qa", version=5)) and cache.kept_bytes == 0


@pytest.mark.slow
def test_whoever_fills_a_namespace_has_the_rest_of_it_read_and_takes_no_room_of_another() -> None:
    kept = WatchCache()
    for number in range(2 * NAMESPACE_KEPT // LARGEST_KEPT):
        shown = unpackable(f"qa-{number}")
        kept.note_event(key_of("HTTPRoute", shown), shown, listed=True)
    assert NAMESPACE_KEPT - LARGEST_KEPT < kept.kept_bytes <= NAMESPACE_KEPT
    assert kept.get(ObjectKey("HTTPRoute", "llm", "qa-0")) is not None, "what came first is kept"
    late, other = unpackable("late"), unpackable("late", "other")
    kept.note_event(key_of("HTTPRoute", late), late, listed=True)
    kept.note_event(key_of("HTTPRoute", other), other, listed=True)
    assert kept.get(key_of("HTTPRoute", late)) is None and kept.get(key_of("HTTPRoute", other)) is not None
    for number in range(9):
        kept.note_deleted(ObjectKey("HTTPRoute", "llm", f"qa-{number}"), thin(f"qa-{number}", version=2))
    kept.note_event(key_of("HTTPRoute", late), {**late, "metadata": {**late["metadata"], "resourceVersion": "2"}})
    assert kept.get(key_of("HTTPRoute", late)) is not None, "what goes leaves its room"


def test_the_bytes_that_are_counted_are_those_that_are_kept_whatever_happens() -> None:
    rng, cache, now = random.Random(5), WatchCache(), 1
    acts: list[Callable[[ObjectKey, Manifest], object]] = [
        cache.note_event,
        lambda key, found: cache.note_event(key, found, listed=True),
        cache.note_listed,
        cache.note,
        cache.note_deleted,
        lambda key, _: cache.drop(key),
        lambda key, _: cache.note_reads(READER, [key]),
        lambda *_: cache.forget_reader(READER),
        lambda *_: cache.forget_gone(),
        lambda *_: cache.missing_since(cache.versions("Service"), []),
    ]
    for _ in range(1500):
        now += rng.choice((-1, 0, 1, 1))
        found = fat(
            "spec", name=rng.choice("abc"), namespace=rng.choice("de"), version=now, size=rng.choice((0, 500, 1e5))
        )
        rng.choice(acts)(key_of(rng.choice(("Service", "HTTPRoute")), found), found)
        texts = [kept.text or b"" for kept in cache._kept.values()]
        assert cache.kept_bytes == sum(map(len, texts))


def test_a_namespace_of_which_nothing_is_kept_takes_no_memory() -> None:
    kept = KeptBytes()
    for number in range(100):
        kept.changed(f"n-{number}", 0, 50)
        kept.changed(f"n-{number}", 50, 0)
    assert kept.total() == 0 and not kept._kept


def memory_of(act: Callable[[], object]) -> tuple[int, int]:
    """Bytes that are still held when an act is over and its result is kept, and most bytes meanwhile."""
    gc.collect()
    tracemalloc.start()
    try:
        result = act()
        gc.collect()
        return tracemalloc.get_traced_memory()
    finally:
        del result
        tracemalloc.stop()


def _load(text: str) -> TrackedPolicy:
    return TrackedPolicy.load(json.loads(text), 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_a_policy_of_more_than_a_mebibyte_is_held_in_a_few_kibibytes_more_than_a_small_one(where: str) -> None:
    texts = []
    for size in (0, LARGEST_OBJECT):
        policy = manifest()
        policy["metadata"][where] = fat(where, size=size)["metadata"][where]
        texts.append(json.dumps(policy))
    loads = [partial(_load, text) for text in texts]
    small, large = (memory_of(load)[0] for load in loads)
    assert large - small < 4096, (small, large)


@pytest.mark.slow
def test_a_page_of_a_list_of_the_largest_objects_fits_into_what_the_chart_leaves() -> None:
    text = json.dumps(fat("labels"))
    _, most = memory_of(lambda: json.loads(text))
    raw = 2 * len(text)  # the bytes of the answer, and its text
    # The chart's limit is 256 MiB, and an operator with 200 policies has some 105.
    assert PAGE * (raw + most) < 140 * MEBIBYTE
