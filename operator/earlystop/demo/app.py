"""The reference inference server as an aiohttp application: how a server takes part in a rollout.

It reads the variant's headers, counts by them, answers probes, and says at which setting it answered. It believes these
headers only with the token that its revision commits to, and repeats that token to nobody. On requests that
the baseline serves it also judges the bolder rules that `<prefix>shadow` names, without acting on them.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from earlystop.api.counts import Variant
from earlystop.api.wire import (
    DEFAULT_PREFIX,
    ECHO_HEADER,
    GOLDEN_HEADER,
    MISMATCH,
    PROBE_HEADER,
    RESPONSE_HEADER,
    UNASSIGNED,
)
from earlystop.demo import chat
from earlystop.demo.knobs import KNOBS
from earlystop.demo.placement import Placement, drawn_placement, placement_of, unassigned
from earlystop.demo.replay import Replay, Reply
from earlystop.demo.shadow import LeftOut, ShadowedRule, can_be_judged
from earlystop.demo.spoiling import Outcome, Spoiling
from earlystop.demo.voting import MAXIMUM_WINDOW, StopRule
from earlystop.exporter.assignment import DEFAULT_CLASS, WORD, checked_policies, variants_beside
from earlystop.exporter.export import Assignment, Exporter, Shadow
from earlystop.exporter.receipts import Receipts
from earlystop.exporter.request_headers import MAX_NONCE, probe_nonce
from earlystop.exporter.settings import MountedSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """header_prefix: of the variant's headers; baseline_window: for requests without them, 1..40;
    milliseconds_per_word: simulated generation time, 0 for none; policies: the only ones counted, none for any;
    user_header: name of the header that says who asks, "" where none does.
    settings_file: where the one policy's settings are mounted, by which the server draws variants itself; "" where
    headers say the variant. session_header: name of the header that says of which session a request is, which then
    keeps its variant where the server draws one for each request, as sticky routing does; "" for none.
    names_variants: whether every answer names its variant, which else only those to golden questions do: a client that
    learns it could break off, or vote on, the answers of one variant alone.
    slow_wrong_answers: seconds that an answer takes longer when it is wrong, as long chains of thought do.
    spoiling: answers that go missing on purpose. spoils_later: whether none does before `begin_spoiling`, and after
    `end_spoiling`.
    receipt_keys: keys of the receipts that answers to users have, as `exporter.receipts.read_keys` gives them; none for
    none. late_labels: the server scores no answer, so that labels may come later.
    class_header, classes: name of the header that says of which query class a request is, "" where none does, and its
    values that are counted apart; a request with another one is of the class "default".

    Raises ValueError for a value out of range.
    """

    header_prefix: str = DEFAULT_PREFIX
    baseline_window: int = MAXIMUM_WINDOW
    milliseconds_per_word: float = 0.0
    policies: tuple[str, ...] = ()
    user_header: str = ""
    names_variants: bool = False
    slow_wrong_answers: float = 0.0
    spoiling: Spoiling = field(default_factory=Spoiling)
    settings_file: str = ""
    session_header: str = ""
    spoils_later: bool = False
    receipt_keys: tuple[bytes, ...] = field(default=(), repr=False)
    late_labels: bool = False
    class_header: str = ""
    classes: tuple[str, ...] = ()

    @property
    def baseline(self) -> StopRule:
        """The rule of requests without a setting of their own: the baseline's window, until it is unanimous."""
        return StopRule(self.baseline_window)

    def __post_init__(self) -> None:
        if not 1 <= self.baseline_window <= MAXIMUM_WINDOW:
            raise ValueError(f"the baseline window is {self.baseline_window}; write 1 to {MAXIMUM_WINDOW}")
        if not 0 <= self.milliseconds_per_word < float("inf"):
            raise ValueError(f"milliseconds per word is {self.milliseconds_per_word}; write 0 or more")
        if not 0 <= self.slow_wrong_answers < float("inf"):
            raise ValueError(f"slow wrong answers take {self.slow_wrong_answers} s longer; write 0 or more")
        checked_policies(self.policies)
        if self.settings_file and len(self.policies) != 1:
            raise ValueError("a settings file holds the settings of one policy; name just that one")
        if self.session_header and not self.settings_file:
            raise ValueError("a session keeps a variant only where the server draws it; name a settings file, too")
        if wrong := next((each for each in self.classes if not WORD.fullmatch(each)), None):
            raise ValueError(f"the query class {wrong!r} can be no label; write letters, digits, . _ + and -")
        if bool(self.class_header) != bool(self.classes):
            raise ValueError("query classes need both the header that says them and the values that are counted apart")

    def class_of(self, headers: Mapping[str, str]) -> str:
        """The query class of a request with these headers."""
        said = headers.get(self.class_header, "") if self.class_header else ""
        return said if said in self.classes else DEFAULT_CLASS


@dataclass(frozen=True, slots=True)
class _Answered:
    """The question, what became of its reply, and the response's body."""

    question: str
    outcome: Outcome
    body: bytes


class ReferenceServer:
    """Serves one replay. Make one for each start of a process, since its counters begin at 0."""

    def __init__(self, replay: Replay, settings: ServerSettings | None = None, process: str | None = None) -> None:
        self._replay = replay
        self._settings = settings or ServerSettings()
        self._registry = CollectorRegistry()
        self._exporter = Exporter(self._registry, process, policies=self._settings.policies)
        self._mounted = self._mounted_settings()
        self._receipts = Receipts(self._settings.receipt_keys) if self._settings.receipt_keys else None
        self._left_out = LeftOut()
        self._registry.register(self._left_out)
        self._answered = 0
        self._chance = random.Random(0)
        self._spoiling = Spoiling() if self._settings.spoils_later else self._settings.spoiling
        self._open = 0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    def application(self) -> web.Application:
        """The application: chat completions, models, metrics, and `/healthz` and `/readyz` for Kubernetes."""
        app = web.Application(middlewares=[self._answer_probes])
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthy)
        app.router.add_get("/readyz", self._ready)
        return app

    def _mounted_settings(self) -> MountedSettings | None:
        settings = self._settings
        if not settings.settings_file:
            return None
        return MountedSettings(settings.settings_file, settings.policies[0], self._exporter)

    async def drain(self) -> None:
        """Refuses new chat requests from now on and returns when the running ones have ended."""
        self._draining = True
        await self._idle.wait()

    async def _chat(self, request: web.Request) -> web.Response:
        if self._draining:
            # Not started, so counted nowhere; the closed connection sends the client to another server.
            error = chat.ChatError(503, "shutting_down", "the server is stopping; ask another one")
            response = _json(error.body(), error.status)
            response.force_close()
            return response
        self._open += 1
        self._idle.clear()
        try:
            return await (self._uncounted(request) if GOLDEN_HEADER in request.headers else self._counted(request))
        finally:
            self._open -= 1
            if not self._open:
                self._idle.set()

    async def _counted(self, request: web.Request) -> web.Response:
        """Answers; whatever happens, the request is counted as started and as either completed or failed."""
        arrived = time.time()
        placement = self._place(request)
        self._exporter.started(placement.assignment)
        try:
            answered = await self._answer(await request.read(), placement)
        except chat.ChatError as error:
            self._exporter.failed(placement.assignment)
            return self._live(_json(error.body(), error.status), placement.echoed)
        except BaseException:  # a client that went away, a body over the limit, the end of the process
            self._exporter.failed(placement.assignment)
            raise
        outcome = answered.outcome
        shadows = self._shadows(answered.question, placement)
        result = None if self._settings.late_labels else outcome.result
        self._exporter.completed(placement.assignment, outcome.tokens, result, shadows, cut=outcome.cut)
        return self._live(self._with_receipt(_json(answered.body), placement.assignment, arrived), placement.echoed)

    def _with_receipt(self, response: web.Response, assignment: Assignment, arrived: float) -> web.Response:
        """The response to a user, with what votes and labels on it are counted by."""
        is_scored = not self._settings.late_labels
        receipt = "" if self._receipts is None else self._receipts.issue(assignment, arrived, is_scored=is_scored)
        if receipt:
            response.headers[RESPONSE_HEADER] = receipt
        return response

    def _shadows(self, question: str, placement: Placement) -> list[Shadow]:
        """What each candidate that can be judged would have made of the question."""
        judged = self._judged(placement)
        self._left_out.count += len(placement.shadows) - len(judged)
        replies = [(each.variant, self._replay.reply(question, *each.rule)) for each in judged]
        return [Shadow(variant, reply.vote.words, reply.result) for variant, reply in replies if reply is not None]

    def _judged(self, placement: Placement) -> list[ShadowedRule]:
        full, most = placement.rule, self._replay.most_samples
        return [each for each in placement.shadows if full is not None and can_be_judged(each.rule, full, most)]

    async def _uncounted(self, request: web.Request) -> web.Response:
        """Answers an evaluator's request. It is not live traffic, whose shares and sums it would distort."""
        placement = self._place(request)
        try:
            answered = await self._answer(await request.read(), placement)
        except chat.ChatError as error:
            return self._named(_json(error.body(), error.status), placement.echoed)
        return self._named(_json(answered.body), placement.echoed)

    async def _answer(self, request_body: bytes, placement: Placement) -> _Answered:
        """The answer by the placement's rule. Raises ChatError for a request without an answer."""
        rule = placement.rule
        if rule is None:
            where = f"the header '{self._settings.header_prefix}param-{placement.invalid}'"
            if self._mounted is not None:
                where = f"the parameter '{placement.invalid}' of the mounted settings"
            message = f"{where} must be {KNOBS[placement.invalid].meaning}"
            raise chat.ChatError(400, "invalid_parameter", message)
        question = chat.read_question(request_body)
        reply = self._replay.reply(question, *rule)
        if reply is None:
            raise chat.ChatError(404, "question_not_found", "the question is not among the recordings")
        if seconds := self._seconds(reply):
            await asyncio.sleep(seconds)
        self._answered += 1
        outcome = self._spoiling.outcome(placement.echoed.variant, reply, self._chance)
        usage = chat.Usage(prompt=len(question.split()), completion=outcome.tokens)
        identity = f"chatcmpl-{self._answered}"
        body = chat.completion(identity, int(time.time()), outcome.text, usage, cut=outcome.cut)
        return _Answered(question, outcome, body)

    def begin_spoiling(self) -> None:
        """Answers go missing from now on, where the settings say that they do so later."""
        self._spoiling = self._settings.spoiling

    def end_spoiling(self) -> None:
        """From now on no answer goes missing."""
        self._spoiling = Spoiling()

    def _seconds(self, reply: Reply) -> float:
        """How long the simulated generation of an answer takes."""
        more = self._settings.slow_wrong_answers if reply.result == MISMATCH else 0.0
        return reply.vote.words * self._settings.milliseconds_per_word / 1000 + more

    def _place(self, request: web.Request) -> Placement:
        """The request's placement, with room among the revisions and its setting exported."""
        settings = self._settings
        if self._mounted is not None:
            user = request.headers.get(settings.user_header, "") if settings.user_header else None
            session = request.headers.get(settings.session_header) if settings.session_header else None
            return drawn_placement(self._mounted.choose(user=user, request=session), settings.baseline)
        placement = placement_of(request.headers, settings.header_prefix, settings.baseline, settings.user_header)
        if not placement.is_assigned:
            return placement
        own = replace(placement.assignment, query_class=settings.class_of(request.headers))
        placement = replace(placement, assignment=own)
        revision = (own.policy, own.revision)
        if not self._register(placement):
            # The gateway asked for this setting, so it is served; but it is evidence for no one.
            return replace(placement, assignment=unassigned(own.policy, None).assignment, shadows=())
        if placement.rule is not None:
            for name, value in placement.values.items():
                self._exporter.setting(*revision, own.variant, name, value)
        return placement

    def _register(self, placement: Placement) -> bool:
        """Exposes what the request is counted by. Shadows for which there is no room are counted nowhere."""
        own = placement.assignment
        # Of a baseline with shadows, candidates have names of their own.
        variants = (Variant.BASELINE,) if placement.shadows else variants_beside(own.variant)
        if not self._exporter.register(own.policy, own.revision, own.step, own.query_class, variants=variants):
            return False
        if judged := self._judged(placement):
            names = [each.variant for each in judged]
            self._exporter.register(own.policy, own.revision, own.step, own.query_class, variants=names)
        return True

    @web.middleware
    async def _answer_probes(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers a probe on any path. The operator's own is told how a request with these headers would be counted; a
        client's, which has no nonce that fits the token, learns no variant."""
        nonces = request.headers.getall(PROBE_HEADER, ())
        if not nonces:
            return await handler(request)
        nonce = probe_nonce(nonces)
        if nonce is None:
            message = f"the header '{PROBE_HEADER}' must be 1 to {MAX_NONCE} printable ASCII characters"
            return _json(chat.ChatError(400, "invalid_probe", message).body(), 400)
        placement = self._place(request)
        echoed = placement.echoed if placement.answers(nonce) else unassigned(UNASSIGNED, None).assignment
        echo = f"{nonce};{echoed.revision};{echoed.variant}"
        return web.Response(status=204, headers={ECHO_HEADER: echo})

    async def _models(self, _: web.Request) -> web.Response:
        return _json(chat.models())

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def _healthy(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response(text="stopping\n", status=503) if self._draining else web.Response(text="ok\n")

    def _live(self, response: web.Response, assignment: Assignment) -> web.Response:
        """The response to a user, who is not told a variant unless the settings say so."""
        return self._named(response, assignment) if self._settings.names_variants else response

    def _named(self, response: web.Response, assignment: Assignment) -> web.Response:
        """The response with the revision, step and variant that it belongs to."""
        response.headers[f"{self._settings.header_prefix}revision"] = assignment.revision
        response.headers[f"{self._settings.header_prefix}step"] = str(assignment.step)
        response.headers[f"{self._settings.header_prefix}variant"] = assignment.variant
        return response


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
