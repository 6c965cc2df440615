"""A workload's Pods are known by their names, however long these are, and no other workload's pass for them."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.metrics.templates.pod_names import OwnerKind, PodOwner, pods_of, share_names

KINDS: tuple[OwnerKind, ...] = get_args(OwnerKind)
NAMES = st.from_regex(r"[a-z]([a-z0-9.-]{0,60}[a-z0-9])?", fullmatch=True)
HASHES = st.text("bcdfghjklmnpqrstvwxz2456789", min_size=1, max_size=10)
RANDOM = st.text("bcdfghjklmnpqrstvwxz2456789", min_size=5, max_size=5)


def is_pod(name: str, workload: str, kind: OwnerKind = "Deployment") -> bool:
    """As PromQL matches: the whole name."""
    return re.fullmatch(pods_of(PodOwner(workload, kind)), name) is not None


def generated(base: str, random: str) -> str:
    """The name that the API server makes of a generateName."""
    return base[:58] + random


@pytest.mark.slow
@given(NAMES, HASHES, RANDOM)
@settings(max_examples=300, deadline=None)
def test_every_pod_of_a_deployment_is_known_however_long_its_name_is(workload: str, hashed: str, random: str) -> None:
    assert is_pod(generated(f"{workload}-{hashed}-", random), workload)


@pytest.mark.slow
@given(NAMES, st.integers(0, 999), st.integers(1, 99))
@settings(max_examples=100, deadline=None)
def test_every_pod_of_a_stateful_set_and_of_a_leader_worker_set_is_known(
    workload: str, number: int, worker: int
) -> None:
    assert is_pod(f"{workload}-{number}", workload, "StatefulSet")
    assert is_pod(f"{workload}-{number}", workload, "LeaderWorkerSet")
    assert is_pod(f"{workload}-{number}-{worker}", workload, "LeaderWorkerSet")


@pytest.mark.slow
@given(NAMES.filter(lambda name: len(name) <= 46), HASHES, RANDOM)
@settings(max_examples=200, deadline=None)
def test_a_candidates_pods_are_none_of_the_baselines_nor_the_other_way_round(
    workload: str, hashed: str, random: str
) -> None:
    candidate = f"{workload}-es-w10"
    assert not is_pod(generated(f"{candidate}-{hashed}-", random), workload)
    assert not is_pod(generated(f"{workload}-{hashed}-", random), candidate)
    for kind in KINDS:
        assert not is_pod(f"{candidate}-0", workload, kind) and not is_pod(f"{workload}-0", candidate, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["qa", "qa-", "qa-x", "qa-0-1-2", "xqa-0", "qa-5d9f-bcdfg-x", "qb-5d9f-bcdfg"])
def test_what_is_no_pods_name_is_not_taken_for_one(name: str, kind: OwnerKind) -> None:
    assert not is_pod(name, "qa", kind)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("llm-2-0", "Deployment"),
        ("llm-0", "Deployment"),
        ("llm-router-x7x2k", "Deployment"),
        ("llm-candidate-bcdfg", "Deployment"),
        ("llm-5d9f-abcde", "Deployment"),
        ("llm-bcdfghjklmn-bcdfg", "Deployment"),
        ("llm-2-0", "StatefulSet"),
        ("llm-2-1", "StatefulSet"),
        ("llm-02", "StatefulSet"),
        ("llm-5d9f-bcdfg", "StatefulSet"),
        ("llm-2-0", "LeaderWorkerSet"),
        ("llm-5d9f-bcdfg", "LeaderWorkerSet"),
    ],
)
def test_pods_of_another_kind_or_of_a_longer_name_are_none_of_the_workloads(name: str, kind: OwnerKind) -> None:
    assert not is_pod(name, "llm", kind)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PodOwner("llm", "LeaderWorkerSet"), PodOwner("llm-2", "StatefulSet")),
        (PodOwner("llm", "LeaderWorkerSet"), PodOwner("llm-10", "LeaderWorkerSet")),
        (PodOwner("q" * 58), PodOwner("q" * 58 + "-es")),
        (PodOwner("q" * 50), PodOwner("q" * 50 + "-bcdfgh")),
        (PodOwner("llm"), PodOwner("llm")),
    ],
)
def test_workloads_of_which_one_pods_name_is_both_ones_share_names(one: PodOwner, other: PodOwner) -> None:
    assert share_names(one, other) and share_names(other, one)


@pytest.mark.slow
@given(NAMES.filter(lambda name: len(name) <= 46), st.sampled_from(KINDS), st.sampled_from(KINDS))
@settings(max_examples=100, deadline=None)
def test_a_workload_and_its_candidate_share_none(workload: str, kind: OwnerKind, candidates: OwnerKind) -> None:
    assert not share_names(PodOwner(workload, kind), PodOwner(f"{workload}-es-w10", candidates))


def test_a_dot_in_a_name_stands_for_itself() -> None:
    assert is_pod("q.a-5d9f-bcdfg", "q.a") and not is_pod("qxa-5d9f-bcdfg", "q.a")
