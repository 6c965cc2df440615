"""A policy whose setting stands in a ConfigMap, and processes that read it."""

from __future__ import annotations

from typing import Any

from earlystop.controller.cluster import CONFIG_MAPS
from earlystop.exporter.settings_document import SettingsDocument, read_document
from earlystop.metrics.convention.reports import ProcessReport
from tests.unit.controller.embedded_world import World
from tests.unit.rollout.traffic import Quality

KEY = "settings.json"
DELIVERY = {"mode": "ConfigMap", "gatewayHeader": None, "configMap": {"name": "qa-settings"}}
SAVING = Quality(mean_tokens=300, requests=40)
HARMFUL = Quality(exact_match=0.4, mean_tokens=300, requests=40)
OTHERS = {"model.yaml": "qa: 1"}


class Fleet:
    """Processes that read the key; some may be stuck with what they read before."""

    def __init__(self, world: World, processes: int = 3) -> None:
        self._world = world
        self._read: dict[str, SettingsDocument | None] = {f"p{number}": None for number in range(processes)}
        self.stuck: set[str] = set()
        world.counts.reports = self.reports

    def reports(self) -> tuple[ProcessReport, ...]:
        now = settings(self._world)
        self._read |= {name: now for name in self._read if name not in self.stuck}
        return tuple(_report(name, read) for name, read in self._read.items())


def _report(name: str, read: SettingsDocument | None) -> ProcessReport:
    if read is None:
        return ProcessReport(name, "", "", "")
    return ProcessReport(name, read.revision, str(read.step), read.digest)


def world_of(quality: Quality, **config_map: Any) -> World:
    """A world without a route, and with a ConfigMap of the user's that holds something else, too."""
    world = World(quality, {"delivery": DELIVERY})
    world.api.objects = {path: each for path, each in world.api.objects.items() if "gateway.networking" not in path}
    metadata = {"name": "qa-settings", "namespace": "llm", "labels": {"earlystop.dev/settings": "true"}}
    world.api.put(CONFIG_MAPS, {"metadata": metadata, "data": dict(OTHERS), **config_map})
    return world


def data(world: World) -> dict[str, str]:
    return dict(world.api.at(CONFIG_MAPS, "llm", "qa-settings")["data"])


def settings(world: World) -> SettingsDocument | None:
    text = data(world).get(KEY)
    return None if text is None else read_document(text)


def weights(world: World) -> tuple[int, ...]:
    found = settings(world)
    assert found is not None
    return tuple(weight for _, weight in found.weights)


def condition(world: World, kind: str) -> dict[str, Any]:
    return next(each for each in world.status["conditions"] if each["type"] == kind)


def put_by_hand(world: World, text: str) -> None:
    found = world.api.at(CONFIG_MAPS, "llm", "qa-settings")
    world.api.put(CONFIG_MAPS, {**found, "data": {**found["data"], KEY: text}})
    world.tracked.traffic.recheck = True
