"""From the cluster to the screen of a policy: its events and how long it still takes are asked for beside it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType

from earlystop.api.policy import PolicySpec
from earlystop.cli.connection import ABOUT_POLICIES, EVENTS_AT_ONCE
from earlystop.cli.failure import CommandFailure
from earlystop.cli.screen.stored_status import UNREADABLE
from earlystop.cli.screen.view import Event, View, lacks_plan, status_of, view_of
from earlystop.cli.screen.whole import drawn
from earlystop.controller.cluster_errors import ClusterError
from earlystop.controller.resources import EVENTS, Manifest
from earlystop.rollout.state import RolloutState
from earlystop.rollout.stored.status_codec import from_status
from earlystop.simulation.remaining_time import Remaining, forecast_of

if TYPE_CHECKING:
    from earlystop.controller.cluster import Cluster

MOST_EVENTS = 5


async def latest_events(cluster: Cluster, policy: Manifest) -> tuple[Event, ...]:
    """What happened to a policy last, the latest first. Nothing where events may not be read: they tell nothing that
    the status does not."""
    metadata = policy["metadata"]
    fields = f"{ABOUT_POLICIES},involvedObject.name={metadata['name']}"
    try:
        pages = cluster.pages(EVENTS, metadata["namespace"], fields=fields, at_once=EVENTS_AT_ONCE)
        found = [each async for page in pages for each in page]
        own = [_event(each) for each in found if each["involvedObject"]["uid"] == metadata["uid"]]
    except (ClusterError, *UNREADABLE):
        return ()
    return tuple(sorted((each for each in own if each), key=lambda each: each.at, reverse=True)[:MOST_EVENTS])


def _event(manifest: Manifest) -> Event | None:
    moment = manifest.get("lastTimestamp") or manifest.get("eventTime")
    try:
        at = datetime.fromisoformat(str(moment))
    except ValueError:
        return None
    return Event(int(at.timestamp()), str(manifest.get("reason", "")), str(manifest.get("message", "")))


def remaining_of(policy: Manifest, now: float) -> Remaining | None:
    """How long a policy still takes at Unix time `now`; None where nobody can say."""
    try:
        state, _ = from_status(status_of(policy))
        return _remaining(policy, state, now)
    except (ArithmeticError, *UNREADABLE):
        return None


def with_remaining(view: View) -> View:
    """The view with how long its policy still takes, where somebody can say that."""
    try:
        return replace(view, remaining=_remaining(view.policy, view.state, view.now))
    except (ArithmeticError, *UNREADABLE):
        return view


def _remaining(policy: Manifest, state: RolloutState, now: float) -> Remaining | None:
    if not forecast_of(state):
        return None
    from earlystop.simulation.remaining import remaining  # it takes numpy, which a screen without one need not

    return remaining(PolicySpec.model_validate(policy["spec"]), state, now)


def reading(policy: Manifest, shown: Console, left: Remaining | None = None, events: tuple[Event, ...] = ()) -> View:
    """The view of a policy now. Raises CommandFailure for one that another release wrote."""
    try:
        return view_of(policy, time.time(), shown.width, left, events)
    except UNREADABLE:
        raise CommandFailure(unreadable(policy)) from None


def screen_of(view: View, height: int | None = None) -> RenderableType:
    """The screen of a view now. Raises CommandFailure as `reading`."""
    try:
        return drawn(replace(view, now=time.time()), height)
    except UNREADABLE:
        raise CommandFailure(unreadable(view.policy)) from None


def unreadable(policy: dict[str, Any]) -> str:
    """What is said of a policy that this release cannot read."""
    name = f"{policy['metadata']['namespace']}/{policy['metadata']['name']}"
    if missing := lacks_plan(policy):
        return f"{name} cannot be shown: {missing}"
    return f"{name} is not of a form that this release can show; the operator may be of another. See it with -o yaml."


async def forecast_beside(policy: Manifest) -> Remaining | None:
    """What `remaining_of` gives now, worked out in a thread of its own while other things go on."""
    return await asyncio.to_thread(remaining_of, policy, time.time())
