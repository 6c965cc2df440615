"""Three people who ask things of one policy, each in some way to write, and whom the operator has to name."""

from __future__ import annotations

from dataclasses import dataclass

from earlystop.api.signatures import SUSPEND, signature_annotation
from tests.unit.controller.embedded_world import World
from tests.unit.controller.reconcile.requesting import RETRY, events
from tests.unit.controller.reconcile.verbs import People

NAMES = ("alice", "bob", "carol")
WAYS = ("command", "kubectl", "apply", "unsigned")
"""The command signs with the time, people by hand without; a controller by server-side apply signs too, and one that
knows nothing of signatures leaves the one that stands there."""
REQUESTS = ("pause", "resume", "abort", "promote", "retry", "edit", "approve", "reject", "wait", "restart")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. by: a name of NAMES. way: one of WAYS."""

    verb: str
    by: str
    way: str


class Signers(People):
    """People, and whom each request is of: the words that events and verdicts have to say, by annotation and text."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.turn = Asked("wait", "alice", "command")
        self.of: dict[tuple[str, str], str] = {}
        self.margins = 0
        self.suspended_by = ""

    async def ask_as(self, turn: Asked) -> None:
        """One request, a reconciliation after it, and a look at who is named."""
        self.turn = turn
        known = {each["metadata"]["name"] for each in self.world.verdicts()}
        before, told = self.world.status["phase"], events(self.world)
        await self.ask(turn.verb)
        self._check_events([each for each in events(self.world) if each not in told])
        if "Suspended" in {before, self.world.status["phase"]}:
            (pause,) = [each for each in self.world.tracked.state.handled if each.verb == SUSPEND]
            if pause.text == str(self.world.policy["spec"].get("suspend", False)).lower():
                self._check_words(pause.by, self.suspended_by)
        for verdict in self.world.verdicts():
            if verdict["metadata"]["name"] not in known:
                self._check_verdict(verdict["spec"].get("requestedBy", ""))

    @property
    def words(self) -> str:
        return "" if self.turn.way == "unsigned" else f"user {self.turn.by}"

    def _signature(self, key: str, value: str) -> dict[str, str]:
        if self.turn.way == "unsigned":
            return {}
        time = " at 2026-11-29T12:00:00Z" if self.turn.way == "command" else ""
        return {key: f"{self.turn.by} for {value}{time}"}

    def _write(self, name: str, text: str) -> None:
        self.texts[name].append(text)
        self.of[name, text] = self.words
        verb = name.rpartition("/")[2]
        signed = self._signature(signature_annotation(verb), text)
        self.world.edit(annotations={**self.annotations, name: text, **signed})

    def _suspend(self, value: bool) -> None:
        if bool(self.world.policy["spec"].get("suspend")) is value:
            return
        signed = self._signature(signature_annotation(SUSPEND), str(value).lower())
        self.world.edit(annotations={**self.annotations, **signed})
        self.world.edit_spec({**self.world.policy["spec"], "suspend": value})
        self.suspended_by = self.words

    def _pause(self) -> None:
        self._suspend(True)

    def _resume(self) -> None:
        self._suspend(False)

    def _edit(self) -> None:
        self.margins += 1
        self.retries += 1  # it may begin a campaign as well
        spec = self.world.policy["spec"]
        objective = {**spec["objective"], "exactMatch": {**spec["objective"]["exactMatch"], "margin": self._margin()}}
        self.world.edit_spec({**spec, "objective": objective})

    def _margin(self) -> str:
        return f"0.05{self.margins}"

    def _approve(self) -> None:
        if "awaiting" in self.world.status:
            self.world.answer("Approve", by=f"{self.turn.by}{self.world.now:.0f}")

    def _reject(self) -> None:
        if "awaiting" in self.world.status:
            self.world.answer("Reject", by=f"{self.turn.by}{self.world.now:.0f}")

    def _check_events(self, told: list[tuple[str, str]]) -> None:
        for reason, message in told:
            named = message.removeprefix("Asked for by ") if message.startswith("Asked for by ") else ""
            if reason in ("Suspended", "Resumed"):
                self._check_words(named, self.suspended_by)
            if reason == "CampaignStarted" and named:
                text = self.world.tracked.state.pinned_plan.retry
                self._check_words(named, self.of[RETRY, text])

    def _check_verdict(self, requested_by: str) -> None:
        if requested_by:
            texts = {words for (name, _), words in self.of.items() if name != RETRY}
            assert any(self._is_named(requested_by, words) for words in texts), (requested_by, texts)
            handled = {each.by for each in self.world.tracked.state.handled if each.verb in ("abort", "promote")}
            assert requested_by in handled, (requested_by, handled)
        for each in self.world.tracked.state.handled:
            wanted = self.of.get((f"earlystop.dev/{each.verb}", each.text))
            if wanted is not None:
                assert self._is_named(each.by, wanted), (each, wanted)

    def _check_words(self, named: str, wanted: str) -> None:
        assert self._is_named(named, wanted), (named, wanted, self.turn)

    @staticmethod
    def _is_named(found: str, wanted: str) -> bool:
        """Whether words name who is wanted, or, where nobody signed, no user at all."""
        return found.startswith(f"{wanted}") and (bool(wanted) or not found.startswith("user "))
