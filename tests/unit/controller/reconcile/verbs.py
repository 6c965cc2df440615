"""People and controllers who ask things of one policy, in any order, and what holds whatever they ask."""

from __future__ import annotations

from typing import Any

from earlystop.controller.cluster import ROUTES
from earlystop.delivery.gateway_header import weights_in
from earlystop.delivery.names import overlay_name
from earlystop.rollout.state import DECIDED, Phase
from earlystop.rollout.stored.status_codec import digest_of_decision
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import ABORT, PROMOTE, RETRY

VERBS = (
    "pause",
    "resume",
    "abort",
    "old abort",
    "promote",
    "old promote",
    "retry",
    "old retry",
    "prune",
    "write again",
    "approve",
    "reject",
    "restart",
    "wait",
)
OVER = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.HELD, Phase.REPORTED})


class People:
    """What people ask of the policy of a world, and what has to follow from it.

    `aborted`: revisions that somebody wanted aborted while they were under way. `retries`: new retry tokens so far.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.aborted: set[str] = set()
        self.first_revisions: list[str] = []
        self.texts: dict[str, list[str]] = {ABORT: [], PROMOTE: [], RETRY: []}
        self.retries = 0

    @property
    def annotations(self) -> dict[str, str]:
        return dict(self.world.policy["metadata"].get("annotations") or {})

    @property
    def revision(self) -> str:
        return str(self.world.status["revision"])

    async def ask(self, verb: str) -> None:
        """One of `VERBS`, and one reconciliation after it."""
        getattr(self, f"_{verb.replace(' ', '_')}")()
        await self._reconcile()

    def _write(self, name: str, text: str) -> None:
        self.texts[name].append(text)
        self.world.edit(annotations={**self.annotations, name: text})

    def _new(self, name: str, base: str) -> str:
        return base if base not in self.texts[name] else f"{base}#{len(self.texts[name])}"

    def _pause(self) -> None:
        self.world.edit_spec({**self.world.policy["spec"], "suspend": True})

    def _resume(self) -> None:
        self.world.edit_spec({**self.world.policy["spec"], "suspend": False})

    def _abort(self) -> None:
        self.aborted.add(self.revision)
        self._write(ABORT, self._new(ABORT, self.revision))

    def _promote(self) -> None:
        self._write(PROMOTE, self._new(PROMOTE, self.revision))

    def _retry(self) -> None:
        self.retries += 1
        self._write(RETRY, f"token-{self.retries}")

    def _old(self, name: str) -> None:
        used = [each for each in self.texts[name] if each != self.annotations.get(name)]
        if used:
            self.world.edit(annotations={**self.annotations, name: used[0]})

    def _old_abort(self) -> None:
        self._old(ABORT)

    def _old_promote(self) -> None:
        self._old(PROMOTE)

    def _old_retry(self) -> None:
        self._old(RETRY)

    def _prune(self) -> None:
        """A controller makes the object what its file says, which has none of the annotations."""
        self.world.edit(annotations={})

    def _write_again(self) -> None:
        """A controller writes what it once read."""
        self.world.edit(annotations={name: used[-1] for name, used in self.texts.items() if used})

    def _approve(self) -> None:
        if "awaiting" in self.world.status:
            self.world.answer("Approve", by=f"bob{self.world.now:.0f}")

    def _reject(self) -> None:
        if "awaiting" in self.world.status:
            self.world.answer("Reject", by=f"eve{self.world.now:.0f}")

    def _restart(self) -> None:
        self.world.restart()

    def _wait(self) -> None:
        """Nobody asks for anything."""

    async def _reconcile(self, times: int = 3) -> None:
        for _ in range(times):
            before, suspended = self.in_force, bool(self.world.policy["spec"].get("suspend"))
            await self.world.reconcile()
            assert not (suspended and self.in_force > before), "weight rose while the policy was suspended"
            self.check()

    @property
    def in_force(self) -> int:
        """Percent of requests that candidates get."""
        overlay = self.world.api.objects.get(ROUTES.path("llm", overlay_name("qa")))
        return 0 if overlay is None else max(sum(each[1:]) for each in weights_in(overlay))

    def check(self) -> None:
        status: dict[str, Any] = self.world.status
        if not status.get("revision"):
            return
        campaign, revision = status["campaign"], status["revision"]
        if revision in self.aborted:
            assert self.in_force == 0, f"campaign {revision} was aborted, and its candidate gets {self.in_force} %"
        assert campaign <= 1 + self.retries, f"campaign {campaign} began though {self.retries} were asked for"

    async def come_to_an_end(self) -> None:
        """Nobody asks for anything more; what waits for people is approved, and a pause ends."""
        if self.world.policy["spec"].get("suspend"):
            self._resume()
        for _ in range(400):
            state = self.world.tracked.state
            if state.phase in OVER and not self.world.tracked.is_edited(state):
                break
            self._approve()
            await self._reconcile(1)
        else:
            raise AssertionError(f"the policy is stuck in {self.world.status.get('phase')}")
        self._check_record()

    def _check_record(self) -> None:
        state, verdicts = self.world.tracked.state, self.world.verdicts()
        names = [each["metadata"]["name"] for each in verdicts]
        assert len(set(names)) == len(names)
        assert state.phase in DECIDED or state.phase in OVER
        latest = digest_of_decision("qa", self.world.tracked.uid, state)
        digests = [each["spec"]["digest"] for each in verdicts]
        assert latest in digests, "the last decision has no verdict"
        previous = [each["spec"].get("previous", "") for each in verdicts]
        assert len(set(previous)) == len(previous), "two verdicts follow one"
        assert set(previous) <= {"", *digests}, "a verdict follows one that is missing"
