"""Who is outside of a policy in service: a receiver of webhooks that answers gates, and Jobs that end by themselves.

What came is kept, so that it can be compared with what the policy says that it has told, and with what users got.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from typing import TYPE_CHECKING

from aiohttp import web

from earlystop.controller.cluster import Manifest
from earlystop.controller.counts.secrets import SecretReader
from earlystop.controller.hooks.ask_gate import GateAsker
from earlystop.controller.hooks.deliverer import HookDeliverer
from earlystop.controller.hooks.gatekeeper import GateKeeper
from earlystop.controller.hooks.run_job import CRON_JOBS, JOBS
from earlystop.controller.resources import Key
from tests.unit.controller.hooks.attended_world import DueTimes
from tests.unit.controller.hooks.cron_jobs import cron_job
from tests.unit.controller.hooks.receiver import NAMESPACE, Receiver, serve_hooks, target

if TYPE_CHECKING:
    from tests.simulations.service_life import Life

JOB_SECONDS = 120
"""A Job takes so long."""
FAILS = 0.3
"""Part of the requests that the receiver answers by 500 although it is up."""


def seal(text: str) -> str:
    """What only the operator can write beside a text, also after it began anew."""
    return f"sealed {text}"


class Outside:
    """A receiver, Jobs, and the parts of the operator that talk to them.

    is_up: whether the receiver answers 204 mostly, or 500. gate: what it says to gates. jobs_fail: whether Jobs that
    end have failed. taken: ids that it has answered 204, in order. restarts: how often an operator began, and so may
    not know what it has told.
    """

    def __init__(self, life: Life, receiver: Receiver) -> None:
        self.life, self.receiver, self.random = life, receiver, random.Random(JOB_SECONDS)
        self.is_up, self.gate, self.jobs_fail = True, "Open", False
        self.taken: list[str] = []
        self.numbers: list[int] = []
        self.opened: set[tuple[str, str]] = set()
        self.restarts = 0
        self.repeated: Counter[str] = Counter()
        receiver.answer = self._answered
        serve_hooks(life.api, target(receiver.url))
        for resource in (JOBS, CRON_JOBS):
            life.api.serve(resource)
        life.api.put(CRON_JOBS, cron_job())
        self.begin()

    def begin(self) -> None:
        """An operator begins, with nothing but what is stored."""
        life, self.restarts = self.life, self.restarts + 1
        self.woken = False
        self.told, self.asked = DueTimes(), DueTimes()
        tracked = {life.tracked.key: life.tracked}
        secrets = SecretReader(life.api, NAMESPACE)
        self.deliverer = HookDeliverer(life.api, secrets, tracked, self._wake, lambda: life.now, seal=seal)
        self.keeper = GateKeeper(GateAsker(life.api, secrets, (), seal=seal), tracked, self._wake, lambda: life.now)
        self.deliverer.scheduler = self.told  # type: ignore[assignment]  # it has the methods that are called
        self.keeper.scheduler = self.asked  # type: ignore[assignment]

    def _wake(self, _: Key) -> None:
        self.woken = True

    async def attend(self, following: float) -> float:
        """Tell hooks, ask gates and let Jobs end, as far as they are due now. following: when the policy is due.
        Returns when something is due again."""
        self._end_jobs()
        self.deliverer.look_at(self.life.tracked)
        self.keeper.look_at(self.life.tracked)
        for queue, attend in ((self.told, self.deliverer.attend), (self.asked, self.keeper.attend)):
            for key in queue.take(self.life.now):
                again = await attend(key)
                if again is not None:
                    queue.wake_at(key, again)
        if self.woken:
            self.woken = False
            return self.life.now + 0.1
        return self.told.next_moment(self.asked.next_moment(following))

    def _answered(self, number: int) -> web.StreamResponse:
        """The receiver's answer to what came as number `number`."""
        body = self.receiver.bodies[number]
        if not self.is_up or self.random.random() < FAILS:
            return web.Response(status=500)
        data = body["data"]
        if "proposal" in data:  # a gate is asked; hooks are told of gates without one
            if self.gate == "Open":
                self.opened.add((data["revision"], data["proposal"].get("step", "promotion")))
            return web.json_response({"gate": self.gate} if self.gate else {})
        identity = str(body["id"])
        self.repeated[identity] += identity in self.taken
        self.taken += [identity] * (identity not in self.taken)
        self.numbers.append(int(body["sequence"]))
        return web.Response(status=204)

    def _end_jobs(self) -> None:
        for made in self._jobs():
            begun = self.life.begun_jobs.setdefault(made["metadata"]["uid"], self.life.now)
            if self.life.now - begun >= JOB_SECONDS and not made.get("status"):
                kind = "Failed" if self.jobs_fail else "Complete"
                self.life.api.put(JOBS, {**made, "status": {"conditions": [{"type": kind, "status": "True"}]}})
                gate = _gate_of(made)
                if gate is not None and kind == "Complete":
                    self.opened.add(gate)

    def _jobs(self) -> list[Manifest]:
        place = JOBS.path("llm")
        return [copy.deepcopy(made) for path, made in self.life.api.objects.items() if path.startswith(place)]

    def check(self, status: Manifest) -> None:
        """What was told is what the policy says that was, in order; nothing is told twice but by a later operator."""
        assert self.numbers == sorted(self.numbers), f"out of order: {self.numbers[-20:]}"
        assert max(self.repeated.values(), default=0) <= self.restarts, self.repeated.most_common(3)
        names = [job["metadata"]["name"] for job in self._jobs()]
        assert len(names) == len(set(names))
        cursor = _cursor(status, "chat")
        if cursor is not None:
            told = {number for number in self.numbers if number <= cursor["toldTo"]}
            missing = cursor["toldTo"] - len(told)
            assert missing == cursor.get("givenUp", 0), f"{missing} were not told, {cursor}"


def _cursor(status: Manifest, hook: str) -> Manifest | None:
    found = (status.get("hooks") or {}).get("cursors") or []
    return next((each for each in found if each["name"] == hook), None)


def _gate_of(job: Manifest) -> tuple[str, str] | None:
    """Revision and step, or promotion, of the question that a gate's Job is about; None for the Job of a hook."""
    told = job["spec"]["template"]["metadata"]["annotations"].values()
    events = [json.loads(text) for text in told if '"specversion"' in text]
    data = next((each["data"] for each in events if "proposal" in each["data"]), None)
    return None if data is None else (data["revision"], data["proposal"].get("step", "promotion"))
