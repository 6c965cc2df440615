"""A stage whose servers read their settings from a mounted ConfigMap, and the kubelet's part in that."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from earlystop.controller.cluster import CONFIG_MAPS
from earlystop.exporter.settings_document import SettingsDocument, read_document
from tests.cluster.access import Access
from tests.cluster.errors import ClusterError
from tests.cluster.processes import Child
from tests.e2e.stage import Stage, status_of
from tests.unit.exporter.mounts import KEY, MountedVolume

POLICY, SETTINGS = "mounted", "qa-settings"
SECOND_PORT = 8082
OTHER_KEY = {"model.yaml": "kept: as it is\n"}
SYNC_SECONDS = 0.5


class Kubelet:
    """Projects a ConfigMap into volumes, as often as it looks, until it is stopped. A volume can be held back."""

    def __init__(self, access: Access, namespace: str, volumes: dict[str, Path], config_map: str = SETTINGS) -> None:
        self._access, self._namespace, self._config_map = access, namespace, config_map
        self._volumes = {name: MountedVolume(path) for name, path in volumes.items()}
        self._shown: dict[str, dict[str, str]] = {}
        self.held_back: frozenset[str] = frozenset()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._sync()
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(SYNC_SECONDS):
            try:
                self._sync()
            except ClusterError:
                continue  # a kubelet goes on by what it has

    def _sync(self) -> None:
        found = self._access.find(CONFIG_MAPS, self._namespace, self._config_map)
        for name, volume in self._volumes.items():
            if found is not None and name not in self.held_back and self._shown.get(name) != found["data"]:
                volume.project(found["data"])
                self._shown[name] = found["data"]


class MountedStage(Stage):
    """The Service's server reads its settings from a mount, and a second one is scraped beside it."""

    second: Child | None = None
    kubelet: Kubelet | None = None

    def start_server(self, *options: str) -> None:
        """Start both servers, each on a mount of its own."""
        metadata = {"name": SETTINGS, "namespace": self.namespace, "labels": {"earlystop.dev/settings": "true"}}
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": OTHER_KEY}
        self.access.apply(config_map)
        mounts = {name: self.directory / name for name in ("first", "second")}
        self.kubelet = Kubelet(self.access, self.namespace, mounts)
        mounted = f"--policy={self.namespace}/{POLICY}"
        super().start_server(f"--settings-file={mounts['first'] / KEY}", mounted, *options)
        self.second = self.python(
            "second-server",
            "earlystop.demo.server",
            f"--host={self.server_address}",
            f"--port={SECOND_PORT}",
            f"--settings-file={mounts['second'] / KEY}",
            mounted,
        )
        url = f"http://{self.server_address}:{SECOND_PORT}/metrics"
        self.second.wait_ready(lambda: status_of(url) == 200, 30.0)
        targets = [f"{self.server_address}:{port}" for port in (self.server_port, SECOND_PORT)]
        self.prometheus.set_targets({"qa": targets})

    @property
    def data_of_settings(self) -> dict[str, str]:
        """All keys of the ConfigMap."""
        found: dict[str, str] = self.access.read(CONFIG_MAPS, self.namespace, SETTINGS)["data"]
        return found

    @property
    def settings(self) -> SettingsDocument | None:
        """What the operator has written."""
        text = self.data_of_settings.get(KEY)
        return None if text is None else read_document(text)

    def apply_mounted(self, window: int, margin: str, **rollout: Any) -> None:
        """A policy that tries a window by the ConfigMap."""
        delivery = {"mode": "ConfigMap", "configMap": {"name": SETTINGS}}
        self.apply_policy(POLICY, window, margin, spec={"delivery": delivery}, **rollout)

    @contextmanager
    def held_back(self, volume: str) -> Iterator[None]:
        """Inside, a volume keeps what it holds, as where a kubelet hangs."""
        assert self.kubelet is not None  # since the servers were started
        self.kubelet.held_back = frozenset({volume})
        try:
            yield
        finally:
            self.kubelet.held_back = frozenset()

    def end(self) -> None:
        """Stop what the stage does not know of."""
        if self.kubelet is not None:
            self.kubelet.stop()
        if self.second is not None:
            self.second.stop(patience_seconds=2.0)
