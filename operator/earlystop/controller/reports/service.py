"""GET /report/NAMESPACE/NAME: the report of a policy's latest decision, for whoever may read both.

A page that is about an earlier one would show as true what has been taken back, so there is none unless the verdict is
known to be that of the latest decision: the policy's status names it, or all verdicts of the name were read. What a
request costs is bounded: a rate for each address before the API server is asked who it is, a few requests at
once, one page at a time in a thread of its own, and so many verdicts for it. Nothing is ever written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from earlystop.api.wire import POLICY_LABEL
from earlystop.controller.cluster import CHECKPOINTS, POLICIES, VERDICTS, Cluster, ClusterError, NotFound
from earlystop.controller.fairness.rate import Rate
from earlystop.controller.reports.access import may_read, token_in, user_of
from earlystop.controller.reports.latest import latest_in_status, read_latest
from earlystop.controller.resources import Manifest
from earlystop.report.content import report_of
from earlystop.report.page import page_of, security_policy
from earlystop.report.trail import TrailEntry, chain_problem, is_whole, latest_first
from earlystop.rollout.record.checkpoint import links_of
from earlystop.rollout.search.verdict_chain import Link
from earlystop.rollout.verdict import policy_label

MOST_AT_ONCE = 8
MOST_VERDICTS = 100
AT_ONCE = 5
"""Verdicts of one answer to a list; each may have 1.4 MiB."""
BURST, SECONDS_BETWEEN = 20, 1.0
"""Requests of one address at once, and the time between further ones."""
RETRY_SECONDS = 5
NAME = r"[a-z0-9][-a-z0-9.]{0,252}"
PATH = f"/report/{{namespace:{NAME}}}/{{name:{NAME}}}"
NOT_FOLLOWED = (
    "The chain that leads to this one was not followed; kubectl earlystop report, and verify --chain, read all of them."
)
BY_COMMAND = "kubectl earlystop report shows any verdict that is there, by its name."
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What a report is made of. latest: the verdict that it is about, whole. trail: all that were read. removed: those
    of which checkpoints tell. is_all: whether no verdict was left. digest: of the latest verdict as the policy's status
    says it, "" where it says none."""

    latest: Manifest
    trail: Sequence[TrailEntry]
    removed: Sequence[Link]
    is_all: bool
    digest: str = ""


class LatestUnknown(Exception):
    """The verdict of the latest decision is not there, or cannot be told from others; a sentence for people says
    which."""


class Reports:
    """Answers requests for reports. clock: Unix seconds."""

    def __init__(self, cluster: Cluster, clock: Callable[[], float]) -> None:
        self._cluster, self._clock = cluster, clock
        self._rate = Rate(BURST, SECONDS_BETWEEN)
        self._answering = 0
        self._making = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """What is served, and by what."""
        return [web.get(PATH, self.answer, allow_head=False)]

    async def answer(self, request: web.Request) -> web.Response:
        """The page, or one sentence on why there is none."""
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        if self._answering >= MOST_AT_ONCE or not self._rate.is_allowed(request.remote, self._clock()):
            return _refusal(503, "Too many reports are asked for at once; ask again later.", retry=True)
        self._answering += 1
        try:
            return await self._answer(request, namespace, name)
        except ClusterError as error:
            log.warning("a report could not be made: %s", error)
            return _refusal(502, "The API server could not be asked; ask again later.", retry=True)
        finally:
            self._answering -= 1

    async def _answer(self, request: web.Request, namespace: str, name: str) -> web.Response:
        token = token_in(request.headers.get("Authorization", ""))
        user = None if token is None else await user_of(self._cluster, token)
        if user is None:
            return _refusal(401, "Send a token of this cluster, as in `Authorization: Bearer TOKEN`.")
        if not await may_read(self._cluster, user, namespace, name):
            return _refusal(
                403,
                f"You may not read this report: it takes the verbs get on earlystoppolicies/{name} and list on "
                f"earlystopverdicts in namespace {namespace}, as in the role `view`.",
            )
        async with self._making:
            try:
                found = await self._verdicts(namespace, name)
            except LatestUnknown as unknown:
                return _refusal(409, str(unknown))
            if found is None:
                return _refusal(404, f"The policy {name} in namespace {namespace} has no verdict yet, or is not there.")
            try:
                page = await asyncio.to_thread(self._page, found)
            except UNREADABLE:
                return _refusal(500, f"The latest verdict of {name} is none that this release can read.")
        policy = {"Content-Security-Policy": security_policy()}
        return web.Response(text=page, content_type="text/html", headers={**HEADERS, **policy})

    def _page(self, found: Found) -> str:
        broken: list[str] = []
        left_out = ""
        digest = str(found.latest["spec"]["digest"])
        if found.digest not in ("", digest):
            broken.append(
                f"The policy's status says that the verdict of its latest decision has the digest {found.digest}, "
                f"and this one has {digest}."
            )
        if not found.is_all:
            left_out = f"This is the latest decision; of those before it only {len(found.trail) - 1} were read. "
            left_out += NOT_FOLLOWED
        elif not is_whole(found.trail, found.removed):
            left_out = f"Earlier verdicts were not found. {NOT_FOLLOWED}"
        else:
            problem = chain_problem(str(found.latest["metadata"]["name"]), found.trail, found.removed)
            broken += [] if problem is None else [problem]
        made_at = int(self._clock())
        return page_of(report_of(found.latest, found.trail, made_at, broken_chain=broken, left_out=left_out))

    async def _verdicts(self, namespace: str, name: str) -> Found | None:
        """The verdict of the latest decision, and what the others of policies of this name say; None where there is
        none. Raises LatestUnknown."""
        labels = f"{POLICY_LABEL}={policy_label(name)}"
        newest: Manifest | None = None
        trail: list[TrailEntry] = []
        is_all = True
        async for page in self._cluster.pages(VERDICTS, namespace, labels, at_once=AT_ONCE):
            for entry, manifest in await asyncio.to_thread(_read, page, name):
                trail.append(entry)
                if latest_first(trail)[0] is entry:
                    newest = manifest
            if len(trail) >= MOST_VERDICTS:
                is_all = False
                break
        # The policy is read after the verdicts: it knows at least the decisions that were found.
        told = latest_in_status(await self._cluster.get(POLICIES, namespace, name))
        if told is None:
            if not is_all:
                raise LatestUnknown(
                    f"There are more than {MOST_VERDICTS} verdicts of {name}, and no status of a policy says which is "
                    f"the latest. {BY_COMMAND}"
                )
            return None if newest is None else Found(newest, trail, await self._removed(namespace, labels), is_all)
        is_newest = newest is not None and newest["spec"]["digest"] == told.digest
        latest = newest if is_newest else await read_latest(self._cluster, namespace, labels, told)
        found = [] if latest is None else await asyncio.to_thread(_read, [latest], name)
        if not found:
            raise LatestUnknown(
                f"The verdict of the latest decision of {name}, {told.name or told.digest}, is not there or cannot be "
                f"read. {BY_COMMAND}"
            )
        ((entry, manifest),) = found
        trail = [entry, *(each for each in trail if each.name != entry.name)]
        return Found(manifest, trail, await self._removed(namespace, labels), is_all, told.digest)

    async def _removed(self, namespace: str, labels: str) -> Sequence[Link]:
        """The verdicts that retention has removed, as checkpoints tell."""
        try:
            return links_of(await self._cluster.list(CHECKPOINTS, namespace, labels))[0]
        except NotFound:
            return ()  # the definitions in this cluster are of an earlier release


def _read(page: Sequence[Manifest], policy: str) -> list[tuple[TrailEntry, Manifest]]:
    """The verdicts of a policy in an answer; what is none is passed over, as anybody with the right may have written
    it. A label has no room for every name, so others may have the same."""
    found = []
    for manifest in page:
        try:
            entry = TrailEntry.of(manifest)
        except UNREADABLE:
            log.warning("an EarlyStopVerdict cannot be read and is left out of a report")
            continue
        if entry.policy == policy:
            found.append((entry, manifest))
    return found


HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def _refusal(status: int, sentence: str, *, retry: bool = False) -> web.Response:
    more = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    more |= {"Retry-After": str(RETRY_SECONDS)} if retry else {}
    return web.Response(text=f"{sentence}\n", status=status, headers={**HEADERS, **more})
