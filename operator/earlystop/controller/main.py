"""The operator's process: `earlystop-operator`, or `python -m earlystop.controller`."""

from __future__ import annotations

import asyncio
import gc
import logging
import platform
import sys
import time
from asyncio.sslproto import SSLProtocol
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from earlystop.system_trust import without_system_trust

with without_system_trust():  # before anything else imports aiohttp; commands that ask no cluster never do
    import kopf
    from aiohttp import web

from earlystop.controller import handlers
from earlystop.controller.cluster import Cluster, ClusterError
from earlystop.controller.counts.secrets import own_namespace
from earlystop.controller.ending import end_by_force_later, fail_without_served_watches, fail_without_watches
from earlystop.controller.health import Health, serve
from earlystop.controller.logs import log_as_json, log_beginning
from earlystop.controller.nothing_remembered import NothingRemembered
from earlystop.controller.options import Options, options_of, settings_in
from earlystop.controller.record.keeper import RecordKeeper
from earlystop.controller.release_lease import ReleaseLease
from earlystop.controller.runtime import Runtime
from earlystop.controller.telemetry import POLICY_SERIES
from earlystop.controller.traffic.neighbourhood import LISTING_SECONDS, reader_of
from earlystop.delivery.probes.session import probe_session

COMPARE_SECONDS = 600.0
START_CHECK_SECONDS = 1.0
# Answers are tens of thousands of small dicts without cycles. Looking for cycles after every 700 of them costs a third
# of the time of reading counts; after 10,000 it hardly shows. What outlives one such look is looked through after two
# more, and not after Python's ten or more: Kopf leaves each event's whole object behind in a cycle, and of a fleet that
# begins these are several MiB.
COLLECT_AFTER = (10_000, 2, 20)
# asyncio holds a buffer for each TLS connection, 256 KiB by default. Each kind that is watched has a connection of its
# own, and what comes by it is read as well record by record.
TLS_BUFFER_BYTES = 16 * 1024
RETRY_SECONDS = 2.0
LATE_KEY_SECONDS = 20.0

log = logging.getLogger(__name__)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the operator as arguments of its command say, those of this process by default."""
    settings = settings_in(arguments)
    log_as_json(settings.log_level)
    log_beginning(vars(settings))
    _spare_memory_and_time()
    try:
        asyncio.run(operate(options_of(settings)))
    except Exception:
        # The last line of the log is read by the same tools as all others.
        log.exception("the operator ends; Kubernetes restarts it")
        raise SystemExit(1) from None


def _spare_memory_and_time() -> None:
    gc.set_threshold(*COLLECT_AFTER)
    sys.path_importer_cache.clear()  # names of the libraries' thousands of files: 0.3 MiB; imports read them anew
    gc.freeze()  # modules stay, so no search for cycles need pass through them
    SSLProtocol.max_size = TLS_BUFFER_BYTES


async def operate(options: Options) -> None:
    """Run until a signal, or until a watch dies: then the process ends and Kubernetes starts a new one."""
    namespaces = options.namespaces
    async with await Cluster.connect() as cluster, probe_session() as http:
        cluster.injector_image, cluster.writes_gateway_objects = options.injector_image, options.gateway_bodies
        cluster.inference_pools = options.inference_pools
        own = platform.node()
        lease = ReleaseLease(cluster, time.time, own_namespace(), options.lease_name, identity=own, serves=namespaces)
        runtime = Runtime(
            cluster,
            http,
            time.time,
            own,
            namespaces,
            options.token_key,
            options.refused_networks,
            signature=lease.signature,
        )
        if options.policy_metrics:
            POLICY_SERIES.show(runtime.policy_views)
        ready = asyncio.Event()
        health = Health(time.time, lambda: runtime.scheduler.beat_at, handlers.missing_watches, lease.second_to)
        reports = _report_routes(cluster) if options.serve_reports else ()
        probes = await serve(health, options.host, options.port, reports)
        # These tasks start before Kopf, which takes every later task for its own and cancels it at exit.
        jobs = [
            runtime.scheduler.run(),
            runtime.source_watch.run(),
            runtime.proposals.run(),
            runtime.hooks.scheduler.run(),
            runtime.gates.scheduler.run(),
            RecordKeeper(cluster, time.time, namespaces, options.record, note_listed=runtime.verdicts_listed).run(),
            runtime.approvals.run(),
            _keep_ready(health, ready),
            _compare(runtime),
            _follow_from_the_start(runtime),
            _sweep(runtime),
            _follow_attached_policies(runtime),
            reader_of(cluster).follow(),
            lease.keep(),
            _watch_when_free(runtime, lease, namespaces, ready),
            _learn_late_key(runtime),
            fail_without_watches(handlers.missing_watches, ready),
            fail_without_served_watches(
                lambda: handlers.unwatched(runtime.follower.kinds), runtime.follower.is_served, ready
            ),
        ]
        try:
            await _until_one_ends(jobs)
        finally:
            runtime.reader.close()
            await probes.cleanup()


async def _until_one_ends(jobs: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all jobs. Whatever ends first ends the process: an operator that is half alive would be worse than a
    restart."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        end_by_force_later()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _report_routes(cluster: Cluster) -> Sequence[web.RouteDef]:
    # Imported where they are asked for: templates take memory that most operators never need.
    from earlystop.controller.reports.service import Reports

    return Reports(cluster, time.time).routes()


async def _watch_when_free(runtime: Runtime, lease: ReleaseLease, namespaces: list[str], ready: asyncio.Event) -> None:
    await lease.until_free()
    await _learn_key_and_watch(runtime, namespaces, ready)


async def _learn_key_and_watch(runtime: Runtime, namespaces: list[str], ready: asyncio.Event) -> None:
    await _until_answered(runtime.token_key.learn, "the key of campaigns' tokens cannot be read; this is tried again")
    await _watch(runtime, namespaces, ready)


async def _until_answered(ask: Callable[[], Awaitable[None]], failed: str) -> None:
    """Ask the API server until it answers. failed: what is logged when it does not."""
    while True:
        try:
            return await ask()
        except ClusterError as error:
            log.warning("%s: %s", failed, error)
            await asyncio.sleep(RETRY_SECONDS)


async def _learn_late_key(runtime: Runtime) -> None:
    while True:
        await asyncio.sleep(LATE_KEY_SECONDS)
        await runtime.token_key.learn_late()


async def _watch(runtime: Runtime, namespaces: list[str], ready: asyncio.Event) -> None:
    await _until_answered(runtime.learn_sources, "the sources could not be listed; this is tried again")
    # Kopf would ask for the name of the process's user, and a container's user has none.
    identity: Any = platform.node()
    await kopf.operator(
        identity=identity,
        registry=handlers.registry(runtime),
        settings=handlers.settings(namespaces, runtime.follower.kinds),
        memories=NothingRemembered(),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        ready_flag=ready,
    )


async def _keep_ready(health: Health, ready: asyncio.Event) -> None:
    await ready.wait()
    health.ready = True
    await asyncio.Event().wait()


async def _log_failures(work: Callable[[], Awaitable[None]], failed: str) -> None:
    """Do some work that is done again later. failed: what is logged when it does not succeed: an object that anybody
    may have written must not end the operator for everybody."""
    try:
        await work()
    except ClusterError as error:
        log.warning("%s: %s", failed, error)
    except Exception:
        log.exception(failed)


async def _compare(runtime: Runtime) -> None:
    """Compare with the API's list now and then: Kopf reports no deletion that happened while its watch was away."""
    while True:
        await runtime.follower.wait(COMPARE_SECONDS)
        await _log_failures(
            runtime.compare_with_lists, "policies could not be compared with the API's list; this is tried again"
        )


async def _follow_from_the_start(runtime: Runtime) -> None:
    """Find what was edited while no operator watched, as the watches list it."""
    while True:
        await asyncio.sleep(START_CHECK_SECONDS)
        try:
            runtime.follower.check_listed()
        except Exception:
            # An object that anybody may have written must not end the operator for everybody.
            log.exception("edits from before the operator's start could not be looked for; this is tried again")


async def _follow_attached_policies(runtime: Runtime) -> None:
    """Look now and then for policies of gateways that were attached to users' routes. For that they are listed only
    where a watch saw a change, or where there is none."""
    while True:
        await asyncio.sleep(LISTING_SECONDS)
        await _log_failures(
            runtime.follower.follow_attached_policies, "policies of gateways could not be listed; this is tried again"
        )


async def _sweep(runtime: Runtime) -> None:
    """Sweep at the start, for policies that were deleted while no operator ran, and then after each deletion."""
    while True:
        await _log_failures(
            runtime.orphan_collector.sweep,
            "objects of deleted policies could not be looked for; the next sweep tries again",
        )
        await runtime.orphan_collector.wait(COMPARE_SECONDS)


def main() -> None:
    """Entry point of the command."""
    run()


if __name__ == "__main__":
    main()
