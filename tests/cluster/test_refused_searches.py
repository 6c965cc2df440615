"""A search that cannot be made is refused by a real API server and offline alike, with what to write."""

from __future__ import annotations

import json

import pytest

from earlystop.cli.files.offline_check import problems_of
from tests.cluster.kit import Cluster
from tests.cluster.objects import CRDS
from tests.cluster.refused_searches import RIGHT, SEARCHES
from tests.cluster.refusing import refusal

CREATE = ("create", "--dry-run=server", "--validate=strict", "--filename=-")


@pytest.fixture(scope="module", autouse=True)
def kinds(cluster: Cluster) -> None:
    cluster.access.install_crds(CRDS)


@pytest.mark.parametrize("mistake", SEARCHES)
def test_a_mistake_in_a_search_is_refused_with_what_to_write(cluster: Cluster, mistake: str) -> None:
    manifest, sentence = SEARCHES[mistake]
    assert sentence in refusal(cluster, manifest)
    assert problems_of(manifest)


@pytest.mark.parametrize("search", RIGHT)
def test_a_search_that_is_right_is_stored(cluster: Cluster, search: str) -> None:
    cluster.access.kubectl(*CREATE, input=json.dumps(RIGHT[search]))
    assert problems_of(RIGHT[search]) == []
