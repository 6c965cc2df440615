"""Months of a policy's service in memory: what happens is drawn by chance, and what must hold is checked all along.

People edit, ask and err, servers are replaced and get worse, sources and the API fail, and operators die at any write.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

from earlystop.controller.cluster import LEASES, POLICIES, PROPOSALS, ROUTES, ClusterError, Manifest
from earlystop.controller.counts.part_reading import Result
from earlystop.controller.proposals import Proposals
from earlystop.controller.record.keeper import RecordKeeper, RecordSettings
from earlystop.controller.store.recall import note_missing
from earlystop.controller.store.status_writer import StatusConflict
from earlystop.delivery.names import overlay_name
from earlystop.metrics.convention.evaluators import EvaluatorDigests, EvaluatorsQuestion
from earlystop.metrics.convention.reading import Reading
from earlystop.metrics.count_ledger import AnyRequest
from earlystop.metrics.source.answer import Sample
from earlystop.metrics.source.failures import FailureKind, MetricsFailure
from earlystop.rollout.formatting import rfc3339
from earlystop.rollout.record.retention import Retention
from earlystop.rollout.search.external import WaitingOffer
from earlystop.rollout.search.offers import SearchView
from earlystop.rollout.state import RolloutState
from earlystop.rollout.trials.view import search_view
from tests.simulations.service_outside import Outside
from tests.simulations.service_rules import ServiceRules
from tests.simulations.service_traffic import Counters, Served, Service, served_by
from tests.turns import Turns
from tests.unit.controller.busy_world import SOURCE
from tests.unit.controller.certified_world import EVALUATOR
from tests.unit.controller.embedded_world import Counts, World
from tests.unit.controller.hooks.receiver import Receiver
from tests.unit.controller.killed import Dying, Killed
from tests.unit.controller.stored_status import stored_state
from tests.unit.rollout.traffic import SAVING

DAY = 86_400
MOST_VISITS_AT_ONCE, MOST_VISITS_A_SECOND = 300, 0.2
KEPT = Retention(verdicts=4)
LEASE = {"metadata": {"namespace": "system", "name": "record", "annotations": {}}}
OUTAGE = MetricsFailure(FailureKind.UNREACHABLE, "The source does not answer.")


class ServedCounts(Counts):
    """A Prometheus that has scraped the servers behind the overlay. load: what its query for a queue gives."""

    def __init__(self, counters: Counters, service: Service) -> None:
        super().__init__(SAVING)
        self.counters, self.service = counters, service
        self.sources["default"] = SOURCE
        self.load = 3.0

    def instant_vector(self, query: str, at: float) -> list[Sample]:
        return [Sample({}, self.load)]

    async def read_evaluators(self, source: str, question: EvaluatorsQuestion, at: int) -> EvaluatorDigests:
        return EVALUATOR

    async def read_of_one(self, source: str, policy: str, read: Any) -> Any:
        return read(self)

    async def read(self, source: str, request: AnyRequest, at: int) -> Result:
        if self.failure is not None:
            return self.failure
        return Reading(at, dict(self.counters.read(request.revision, at, self.service.process)), float(at), 0)


class Life(World):
    """A policy in service, its clock, its servers and everybody around it.

    rules: what must hold, asked after each write and each reconciliation. deaths: operators that died.
    """

    def __init__(self, seed: int, changes: Mapping[str, Any]) -> None:
        super().__init__(SAVING, changes)
        self.random = random.Random(seed)
        self.service, self.counters = Service(), Counters(seed)
        self.counts = self.served = ServedCounts(self.counters, self.service)
        self.api = self.dying = _Watched(copy.deepcopy(self.api.objects), self)
        self.api.put(LEASES, LEASE)
        self.rules = ServiceRules()
        self.served_until = self.now
        self.next_pass = self.now
        self.deaths = self.visits = 0
        self.blind_since: float | None = None
        self.seen: tuple[str, ...] = ()
        self.happened: list[str] = []
        self.begun_jobs: dict[str, float] = {}
        self.outside: Outside | None = None
        self.proposals = self._proposals()
        self.restart()

    def connect(self, receiver: Receiver) -> None:
        """Hooks and gates of the policy lead to this receiver from now on."""
        self.outside = Outside(self, receiver)

    def restart(self) -> None:
        """The operator begins anew, also that part of it which talks to those outside."""
        super().restart()
        self.proposals, place = self._proposals(), PROPOSALS.path("llm")
        for made in [made for path, made in self.api.objects.items() if path.startswith(place)]:
            self.proposals.shown(made)
        if self.outside is not None:
            self.outside.begin()

    def _proposals(self) -> Proposals:
        return Proposals(self.api, self._search_view, lambda _: None, lambda: self.now)

    def _search_view(self, _: tuple[str, str]) -> SearchView | str:
        tracked = self.tracked
        return search_view(tracked.spec, tracked.state, tracked.retry_token, int(self.now))

    def proposed(self, key: tuple[str, str]) -> tuple[WaitingOffer, ...]:
        """What others propose, as watches have shown it."""
        return self.proposals.waiting_for(key)

    @property
    def overlay(self) -> Manifest | None:
        return self.api.objects.get(ROUTES.path("llm", overlay_name("qa")))

    @property
    def users_get(self) -> tuple[Served, ...]:
        """What users get at this moment."""
        return served_by(self.overlay)

    @property
    def stored(self) -> RolloutState:
        """The state that a restarted operator would go on from."""
        return stored_state(self.api, self.policy)

    def serve(self) -> None:
        """The servers count until now."""
        if self.now > self.served_until:
            self.counters.serve(self.served_until, self.now, self.service, self.users_get)
            self.served_until = self.now

    async def live(self, seconds: float) -> None:
        """Time passes, and the operator reconciles whenever the policy is due, which is not all the time."""
        until, most = self.now + seconds, self.visits + MOST_VISITS_AT_ONCE + seconds * MOST_VISITS_A_SECOND
        turns = Turns()
        while self.now < until and turns.another():
            self.serve()
            await self._keep_record()
            begun = self.now
            self.visits += 1
            is_whole = await self._visit()
            self.now = max(min(self.now, until), begun + 0.1)
            if is_whole and self._versions() != self.seen:
                self.seen = self._versions()
                blind = 0.0 if self.blind_since is None else begun - self.blind_since
                self.rules.after_visit(self.policy, self.stored, self.users_get, blind)
                if self.outside is not None:
                    self.outside.check(self.status)
                    gates = self.policy["spec"]["rollout"].get("gates", ())
                    self.rules.after_gates(self.stored, self.users_get, gates, self.outside.opened)
            assert self.visits <= most, f"{self.status.get('phase')} is reconciled all the time"

    def _versions(self) -> tuple[str, ...]:
        """Of the objects that the rules are about."""
        there = [self.policy] if self.overlay is None else [self.policy, self.overlay]
        return tuple(each["metadata"]["resourceVersion"] for each in there)

    async def _visit(self) -> bool:
        """One reconciliation. Returns whether nothing cut it short."""
        assert self.reconciler is not None
        try:
            begun, self.now = self.now, await self.reconciler.reconcile(self.tracked)
            if self.outside is not None:
                following, self.now = self.now, begun
                self.now = await self.outside.attend(following)
        except StatusConflict:
            self.now += 0.2
        except ClusterError:
            self.now += 5
        except Killed:
            self.deaths += 1
            self.dying.kill_at = None
            self.now += self.random.choice((1, 10, 120, 7200))
            self.restart()
        else:
            return True
        return False

    async def _keep_record(self) -> None:
        """The record is kept every six hours, and the operator is told which verdicts there are."""
        if self.now < self.next_pass:
            return
        self.next_pass = self.now + DAY / 4
        keeper = RecordKeeper(
            self.api,
            lambda: self.now,
            [],
            RecordSettings("record", KEPT),
            "system",
            lambda there: note_missing([self.tracked], there, lambda _: None),
        )
        try:
            await keeper.keep()
        except (ClusterError, Killed):
            self.dying.kill_at = None
            self.restart()
        self.rules.after_pass(self.api)

    def annotate(self, annotations: Mapping[str, str]) -> None:
        """Somebody writes annotations beside those that are there."""
        present = self.policy["metadata"].get("annotations", {})
        self.edit(annotations={**present, **annotations})

    def change(self, **fields: Any) -> None:
        """Somebody changes fields of the spec; None removes one."""
        spec = {**self.policy["spec"], **fields}
        self.edit_spec({name: value for name, value in spec.items() if value is not None})

    def fail(self) -> None:
        """The source answers nothing from now on."""
        self.counts.failure, self.blind_since = OUTAGE, self.blind_since or self.now

    def recover(self) -> None:
        """It answers again."""
        self.counts.failure, self.blind_since = None, None


class _Watched(Dying):
    """An API that asks the rules after every write."""

    def __init__(self, objects: dict[str, Manifest], life: Life) -> None:
        super().__init__(objects)
        self.life, self.told = life, Counter[str]()

    def _versioned(self, manifest: Manifest) -> Manifest:
        """Objects are made at the clock of the world, which the publication of the record goes by."""
        created = rfc3339(int(self.life.now))
        return super()._versioned({**manifest, "metadata": {"creationTimestamp": created, **manifest["metadata"]}})

    async def _call(
        self, method: str, path: str, body: Manifest | None = None, content_type: str = "application/json"
    ) -> Manifest:
        answer = await super()._call(method, path, body, content_type)
        if method != "GET" and "/events" in path:
            self.told[str(answer.get("reason"))] += 1
        return answer

    def check(self) -> None:
        """After a write: what is stored and what users get fit."""
        self.calls.clear()
        if POLICIES.path("llm", "qa") in self.objects:
            self.life.rules.after_write(self.life.stored, self.life.users_get, self.life.verdicts())
