"""A cluster in memory with a service, a route and a policy, and counts as a function of time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from earlystop.api.counts import Tally, Variant
from earlystop.api.source import SourceSpec
from earlystop.controller.approvals import Approvals
from earlystop.controller.campaign_tokens import CampaignTokens
from earlystop.controller.cluster import (
    APPROVALS,
    DEPLOYMENTS,
    EVENTS,
    GATEWAY_CLASSES,
    GATEWAYS,
    POLICIES,
    ROUTES,
    SERVICES,
    VERDICTS,
    Manifest,
)
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.events import EventRecorder
from earlystop.controller.memory.tracked import TrackedPolicy
from earlystop.controller.reconcile.answers import asked_of
from earlystop.controller.reconcile.new_campaign import NewCampaigns
from earlystop.controller.reconcile.reconciler import Reconciler
from earlystop.controller.store.status_writer import StatusConflict
from earlystop.metrics.convention.forged import ForgedQuestion
from earlystop.metrics.convention.frozen import FrozenCounts, FrozenQuestion
from earlystop.metrics.convention.ledger import SeriesKey
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.convention.reports import ProcessReport, ReportsQuestion
from earlystop.metrics.convention.unseen import Unseen, UnseenQuestion
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.metrics.source.failures import MetricsFailure
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.search.external import WaitingOffer
from tests.turns import Turns
from tests.unit.controller.memory import Memory
from tests.unit.controller.named_answers import NamedAnswers
from tests.unit.controller.stored_status import plans_recorded, whole_status
from tests.unit.controller.tracked_policies import manifest
from tests.unit.delivery.cluster import deployment, gateway, route, service
from tests.unit.rollout.policies import NOW, policy
from tests.unit.rollout.traffic import Quality

SOURCE = SourceSpec.model_validate({"url": "http://prometheus:9090"})
SERIES_NAME_LENGTH = 200
"""Characters that each process of a crowd has in its name, which a ledger holds as it is."""


class Counts(NamedAnswers):
    """Prometheus as a function of time: requests come steadily from a moment on, split as the weights say, and all of
    them by the overlay.

    crowd: so many more series of processes that did nothing, with long names, from `crowd_after` seconds on.
    """

    def __init__(self, quality: Quality, crowd: int = 0, crowd_after: int = 0) -> None:
        super().__init__()
        self.sources["default"] = SOURCE
        self.quality = quality
        idle = (f"{number:0{SERIES_NAME_LENGTH}d}" for number in range(crowd))
        self.crowd = {SeriesKey(0, Variant.BASELINE, "qa", process): Tally() for process in idle}
        self.crowd_at = NOW + crowd_after
        self.failure: Result | None = None
        self.weights: tuple[int, ...] = ()
        self.forged = 0.0
        self.frozen: FrozenCounts | None = None
        self.reports: Callable[[], tuple[ProcessReport, ...]] = tuple

    async def read_forged(self, source: str, question: ForgedQuestion, at: int) -> float | MetricsFailure:
        return self.forged

    async def read_frozen(self, source: str, question: FrozenQuestion, at: int) -> FrozenCounts | None:
        return self.frozen

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        if self.failure is not None:
            return self.failure
        observed = dict(self.crowd) if at >= self.crowd_at else {}
        for step, weight in enumerate(self.weights):
            totals = self.quality.at(weight)
            for variant, tally in ((Variant.BASELINE, totals.baseline), (Variant.CANDIDATE, totals.candidate)):
                observed[SeriesKey(step, variant, "qa", "p1")] = Tally(*((at - NOW) * count for count in tally.row()))
        return Reading(at, observed, float(at), 0)

    async def read_reports(self, source: str, question: ReportsQuestion, at: int) -> tuple[ProcessReport, ...]:
        return self.reports()

    async def read_unseen(self, source: str, question: UnseenQuestion, at: int) -> Unseen | MetricsFailure:
        return Unseen(seen=1.0, unseen=0.0)


class World:
    """One policy and its reconciliations, at a clock that the test moves.

    tokens: of campaigns, none without a key. beside: other policies that the operator tracks. approvals: as watches
    have shown them.
    """

    tokens = CampaignTokens()

    def __init__(
        self, quality: Quality, changes: Mapping[str, Any] | None = None, crowd: int = 0, crowd_after: int = 0
    ) -> None:
        self.api = Memory()
        self.now = float(NOW)
        self.counts = Counts(quality, crowd, crowd_after)
        self.counts.weights = tuple(step.weight for step in policy(changes).rollout.steps)
        for resource, made in (
            (DEPLOYMENTS, deployment()),
            (SERVICES, service()),
            (ROUTES, route()),
            (GATEWAYS, gateway(address=None)),
            (GATEWAY_CLASSES, {"metadata": {"name": "traefik"}, "spec": {"controllerName": "traefik.io/x"}}),
        ):
            self.api.put(resource, made)
        self.tracked = TrackedPolicy.load(self.api.put(POLICIES, manifest(changes=changes)), self.now)
        self.beside: list[TrackedPolicy] = []
        self.reconciler: Reconciler | None = None
        self.approvals = self._approvals()

    def _approvals(self) -> Approvals:
        return Approvals(self.api, lambda _: asked_of(self.tracked), lambda _: None, lambda: self.now)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[World]:
        async with aiohttp.ClientSession() as http:
            events = EventRecorder(self.api, "operator-1")
            self.reconciler = Reconciler(
                self.api,
                http,
                self.counts,
                events,
                lambda: [self.tracked, *self.beside],
                lambda: self.now,
                NewCampaigns(self.api, self.tokens, lambda key: self.proposed(key), self.counts.sources),
                given=lambda key: self.approvals.confirmed(key),
            )
            yield self
            self.counts.close()

    def proposed(self, key: tuple[str, str]) -> tuple[WaitingOffer, ...]:
        """What others propose to a search."""
        return ()

    async def reconcile(self) -> None:
        """One reconciliation, and on to the moment of the next."""
        assert self.reconciler is not None
        try:
            self.now = await self.reconciler.reconcile(self.tracked)
        except StatusConflict:
            self.now += 0.2

    async def pass_time(self, seconds: float) -> None:
        """Reconcile whenever the policy is due, for so long."""
        until = self.now + seconds
        turns = Turns()
        while self.now < until and turns.another():
            await self.reconcile()

    async def reconcile_until(self, phase: str, reconciliations: int = 300) -> None:
        await self.reconcile_while(lambda: self.status.get("phase") != phase, reconciliations, f", not {phase}")

    async def reconcile_while(
        self, waits: Callable[[], bool], reconciliations: int = 300, expected: str = " still"
    ) -> None:
        """Reconcile for as long as `waits` says. Raises AssertionError where so many reconciliations do not end it."""
        for _ in range(reconciliations):
            if not waits():
                return
            await self.reconcile()
        raise AssertionError(
            f"the policy is {self.status.get('phase')}{expected}, after {reconciliations} reconciliations"
        )

    def edit(self, **metadata: Any) -> None:
        """Change metadata of the policy, as a user does."""
        made = self.policy
        self.api.put(POLICIES, {**made, "metadata": {**made["metadata"], **metadata}})
        self.tracked.status.require_refresh("edited")

    def edit_spec(self, spec: Mapping[str, Any]) -> None:
        """Change the spec of the policy, as a user does."""
        made = self.policy
        generation = made["metadata"]["generation"] + 1
        self.api.put(POLICIES, {**made, "spec": dict(spec), "metadata": {**made["metadata"], "generation": generation}})
        self.tracked.status.require_refresh("edited")

    @property
    def policy(self) -> Manifest:
        return self.api.at(POLICIES, "llm", "qa")

    @property
    def status(self) -> Manifest:
        """The status with all that is packed in it or stands elsewhere."""
        return whole_status(self.api, self.policy)

    def condition(self, name: str) -> Mapping[str, Any]:
        """What the policy says under this type of condition; empty where it says nothing."""
        found: Mapping[str, Any] = next((each for each in self.status["conditions"] if each["type"] == name), {})
        return found

    def written(self, *kinds: str) -> list[str]:
        """What was written besides events, in order: status, route, service or verdict."""
        names = {"status": "/status", "route": "/httproutes", "service": "/services", "verdict": "/earlystopverdicts"}
        told = [next((name for name, part in names.items() if part in path), "") for _, path in self.api.calls]
        return [name for name in told if name in (kinds or names)]

    def restart(self) -> None:
        """The operator begins anew: it knows of the policy what is stored."""
        self.tracked = TrackedPolicy.load(self.policy, self.now, plans_recorded(self.api, self.policy))
        self.approvals = self._approvals()
        place = APPROVALS.path("llm")
        for path, made in self.api.objects.items():
            if path.startswith(place):
                self.approvals.shown(made)

    def answer(self, answer: str, by: str = "bob", **spec: Any) -> Manifest:
        """Somebody answers the decision that waits, and a watch shows it."""
        asked = {"policy": "qa", "policyUid": self.tracked.uid, "decisionDigest": self.status["awaiting"]["digest"]}
        metadata = {"name": f"{by}-{answer.lower()}", "namespace": "llm", "creationTimestamp": rfc3339(int(self.now))}
        made = {"metadata": metadata, "spec": {**asked, "answer": answer, "by": by, **spec}}
        self.approvals.shown(self.api.put(APPROVALS, made))
        return made

    def told(self) -> set[str]:
        """Reasons of the events that were made."""
        place = EVENTS.path("llm")
        return {str(made["reason"]) for path, made in self.api.objects.items() if path.startswith(place)}

    def verdicts(self) -> list[Manifest]:
        place = VERDICTS.path("llm")
        return [made for path, made in sorted(self.api.objects.items()) if path.startswith(place)]
