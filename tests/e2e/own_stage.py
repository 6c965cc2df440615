"""A stage on the cluster that a test worker already has."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.cluster.gateway import Gateway
from tests.cluster.kit import Cluster, own_address
from tests.cluster.network import POD_ADDRESS
from tests.cluster.prometheus import Prometheus
from tests.e2e.scene import ROOT, Scene
from tests.e2e.stage import BUILTIN, Stage

StageOfAKind = TypeVar("StageOfAKind", bound=Stage)


def recorded() -> str:
    """The recorded answers where they are at hand, else the shipped ones."""
    file = Path(os.environ.get("EARLYSTOP_DATA") or ROOT.parent / "shared/data/esc-gpt35-last-letters.jsonl")
    return str(file) if file.exists() else BUILTIN


# A scrape may take its whole timeout of 1 s on a busy machine, and as long again until its samples can be read.
DELAY_SECONDS = 3


@contextmanager
def own_stage(cluster: Cluster, gateway: Gateway, data: str = BUILTIN) -> Iterator[Stage]:
    """A stage with a Prometheus of its own, and with counts that are complete when they are read."""
    with Prometheus(cluster.access.directory, address=own_address()) as prometheus:
        scene = Scene(cluster, gateway, prometheus, POD_ADDRESS, hollow=True)
        with scene.stage(data=data) as stage:
            stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS)
            yield stage


@contextmanager
def stage_of(
    kind: Callable[..., StageOfAKind], cluster: Cluster, gateway: Gateway, data: str = BUILTIN
) -> Iterator[StageOfAKind]:
    """As `own_stage`, of another kind, with its operator."""
    with (
        Prometheus(cluster.access.directory, address=own_address()) as prometheus,
        kind(cluster.access, gateway, prometheus, data=data) as stage,
    ):
        stage.apply_source(evaluationDelaySeconds=DELAY_SECONDS)
        stage.start_operator()
        yield stage
