"""A stock engine behind a route, and the injectors that the operator runs before it, as processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from earlystop.api.body_knobs import Engine
from earlystop.api.wire import INJECTOR_LABEL
from earlystop.controller.cluster import DEPLOYMENTS
from earlystop.delivery.injector.objects import ADMIN_PORT
from earlystop.delivery.names import injector_name
from tests.cluster.commands import NODE
from tests.cluster.processes import Child, wait_until
from tests.e2e.capped_engine import ASKED, WITHOUT_CAP
from tests.e2e.stage import Stage, direct, status_of

ENGINE_PORT = 8081
PASSED = 40
"""Requests in a row, of a load of some 50 a second, after which the gateway leads none through the injector."""
CAP: dict[str, Any] = {
    "name": "cap",
    "type": "Integer",
    "minimum": "1",
    "maximum": str(WITHOUT_CAP),
    "stopsSooner": "WhenLower",
}


class InjectedStage(Stage):
    """The server is an engine that knows nothing of rollouts. Pods of a hollow node execute nothing and are ready as
    soon as they are there, and requests come to their address: there an injector runs with a Pod's arguments.

    kind: which engine the server plays."""

    kind = Engine.VLLM

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, server_port=ENGINE_PORT, **options)
        self.injector: Child | None = None

    def start_server(self, *options: str) -> None:
        """Start the engine. options: more of its own."""
        where = (f"--host={self.server_address}", f"--port={ENGINE_PORT}", f"--data={self.data}", f"--kind={self.kind}")
        self.server = self.python("engine", "tests.e2e.capped_engine", *where, *options)
        self.server.wait_ready(lambda: status_of(self._engine_url + ASKED) == 200, 30.0)

    def play(self, kind: Engine) -> None:
        """From now on the server is an engine of this kind. Nobody may be asking it."""
        if kind is self.kind:
            return
        self.kind = kind
        if self.server is not None:
            self.server.stop(patience_seconds=10.0)
        self.start_server()

    def start_injector(self, policy: str) -> None:
        """Run what the Deployment of a policy's injector says, once the operator has written it. There is no DNS, so
        the engine has its address in place of its Service's name."""
        name = injector_name(policy)
        wait_until(lambda: self.access.find(DEPLOYMENTS, self.namespace, name) is not None, 60.0, name)
        deployment = self.access.read(DEPLOYMENTS, self.namespace, name)
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        arguments = [each for each in container["args"] if not each.startswith("--upstream=")]
        assert len(arguments) == len(container["args"]) - 1
        arguments = self.mounted(policy, arguments)
        self.stop_injector()
        self.injector = self.python(
            f"injector-{policy}",
            container["command"][-1],
            *arguments,
            f"--upstream={self._engine_url}",
            f"--host={self.server_address}",
            "--drain-seconds=2",
        )
        url = f"http://{self.server_address}:{ADMIN_PORT}/readyz"
        self.injector.wait_ready(lambda: status_of(url) == 200, 30.0)

    def mounted(self, _: str, arguments: list[str]) -> list[str]:
        """The arguments of a policy's injector, with the paths where its volumes are mounted here."""
        return arguments

    def stop_injector(self, *, abruptly: bool = False) -> None:
        """Stop the process of all the injector's Pods, as their end or with SIGKILL at once."""
        if self.injector is not None:
            self.injector.stop(patience_seconds=0.0 if abruptly else 10.0)
            self.injector = None

    @contextmanager
    def node_cordoned(self) -> Iterator[None]:
        """No Pod finds a node while the block runs, so new ones are not ready."""
        self.access.kubectl("cordon", NODE)
        try:
            yield
        finally:
            self.access.kubectl("uncordon", NODE)

    def kill_injectors(self, policy: str) -> None:
        """End all Pods of a policy's injector, as with their node, and their process."""
        self.stop_injector(abruptly=True)
        chosen = (f"--namespace={self.namespace}", f"--selector={INJECTOR_LABEL}={policy}")
        self.access.kubectl("delete", "pods", *chosen, "--force", "--grace-period=0", "--wait=false")

    def leave_injector(self, passed: int = PASSED) -> None:
        """Wait until so many requests in a row have come past the injector, under load, and stop it: as a Pod's hook
        waits before its end."""
        marked = self._questions(), self._injected()

        def left() -> bool:
            nonlocal marked
            now = self._questions(), self._injected()
            if now[1] != marked[1]:
                marked = now
            return now[0] - marked[0] >= passed

        wait_until(left, 60.0, "requests to come past the injector")
        self.stop_injector()

    def apply_cap(
        self,
        name: str,
        cap: int,
        knob: str = "AnswerCap",
        request_body: Mapping[str, Any] | None = None,
        rollout: Mapping[str, Any] | None = None,
    ) -> None:
        """A policy that tries a cap, judged on golden questions. Without it, bodies are left alone. request_body: what
        leads to the engine, None for the stage's route by the gateway's split. rollout: other than half of all."""
        setting = {"name": f"cap{cap}", "values": [{"name": "cap", "value": str(cap)}]}
        led = {"routeRef": {"name": "qa"}} if request_body is None else request_body
        self.apply_policy(
            name,
            5,
            "0.05",
            risk="0.05",
            objective={"exactMatch": {"margin": "0.05", "evidence": "Pairs"}},
            spec={
                "parameters": [CAP | {"body": {"knob": knob}}],
                "baseline": {"values": []},
                "candidates": [setting],
                "delivery": {"mode": "RequestBody", "requestBody": {**led, "engine": self.kind.value}},
            },
            **{"steps": [{"weight": 50, "minimumSeconds": 2}], **(rollout or {}), "settleSeconds": 1},
        )

    @property
    def _engine_url(self) -> str:
        return f"http://{self.server_address}:{ENGINE_PORT}"

    def _questions(self) -> float:
        """Questions that the engine has answered, whoever asked."""
        return _sum_at(self._engine_url + ASKED, "answered")

    def _injected(self) -> float:
        """Questions that came by the injector."""
        return _sum_at(f"http://{self.server_address}:{ADMIN_PORT}/metrics", "earlystop_requests_started_total")


def _sum_at(url: str, name: str) -> float:
    with direct.open(url, timeout=5) as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))
