"""A workload's Pods are known by their names, however long these are, and no other workload's pass for them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlystop.metrics.templates.pod_names import pods_of

NAMES = st.from_regex(r"[a-z]([a-z0-9.-]{0,60}[a-z0-9])?", fullmatch=True)
HASHES = st.text("bcdfghjklmnpqrstvwxz2456789", min_size=1, max_size=10)
RANDOM = st.text("bcdfghjklmnpqrstvwxz2456789", min_size=5, max_size=5)


def is_pod(name: str, workload: str) -> bool:
    """As PromQL matches: the whole name."""
    return re.fullmatch(pods_of(workload), name) is not None


def generated(base: str, random: str) -> str:
    """The name that the API server makes of a generateName."""
    return base[:58] + random


@given(NAMES, HASHES, RANDOM)
@settings(max_examples=300, deadline=None)
def test_every_pod_of_a_deployment_is_known_however_long_its_name_is(workload: str, hashed: str, random: str) -> None:
    assert is_pod(generated(f"{workload}-{hashed}-", random), workload)


@given(NAMES, st.integers(0, 999), st.integers(1, 99))
@settings(max_examples=100, deadline=None)
def test_every_pod_of_a_stateful_set_and_of_a_leader_worker_set_is_known(
    workload: str, number: int, worker: int
) -> None:
    assert is_pod(f"{workload}-{number}", workload) and is_pod(f"{workload}-{number}-{worker}", workload)


@given(NAMES.filter(lambda name: len(name) <= 46), HASHES, RANDOM)
@settings(max_examples=200, deadline=None)
def test_a_candidates_pods_are_none_of_the_baselines_nor_the_other_way_round(
    workload: str, hashed: str, random: str
) -> None:
    candidate = f"{workload}-es-w10"
    assert not is_pod(generated(f"{candidate}-{hashed}-", random), workload)
    assert not is_pod(generated(f"{workload}-{hashed}-", random), candidate)
    assert not is_pod(f"{candidate}-0", workload) and not is_pod(f"{workload}-0", candidate)


@pytest.mark.parametrize(
    "name", ["qa", "qa-", "qa-0-", "qa-x", "qa-0-1-2", "xqa-0", "qa-5d9f-abcde-x", "qb-5d9f-abcde"]
)
def test_what_is_no_pods_name_is_not_taken_for_one(name: str) -> None:
    assert not is_pod(name, "qa")


def test_a_dot_in_a_name_stands_for_itself() -> None:
    assert is_pod("q.a-5d9f-abcde", "q.a") and not is_pod("qxa-5d9f-abcde", "q.a")
