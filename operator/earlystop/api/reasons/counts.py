"""The reasons of counts that cannot be used, and of a MetricSource, with a sentence each, as in `every.py`."""

from __future__ import annotations

from collections.abc import Mapping

from earlystop.api.conditions import ConditionType as Type
from earlystop.api.reasons.label import LABEL_REASONS
from earlystop.api.reasons.traffic import EVENT
from earlystop.api.source import REACHABLE

SOURCE = f"MetricSource {REACHABLE}"
COUNTS = (Type.METRICS_AVAILABLE.value, Type.READY.value, EVENT, SOURCE)

COUNT_ROWS: tuple[tuple[tuple[str, ...], Mapping[str, str]], ...] = (
    (
        COUNTS,
        {
            "Unreachable": "The metrics source could not be reached; check the MetricSource's url, the Service behind "
            "it and any NetworkPolicy.",
            "AddressRefused": "The url leads to an address that the operator never asks; name the host of a metrics "
            "source, or correct its DNS record.",
            "TlsFailed": "No trusted TLS connection came about; check the server's certificate and the MetricSource's "
            "tls.caRef.",
            "Timeout": "The source did not answer in time; check its load and its query limits.",
            "Unauthorized": "The source refused the credentials; check the Secret that the MetricSource names.",
            "SecretNotFound": "The Secret or its key does not exist; create it, or correct the reference.",
            "SecretForbidden": "The operator may not get the Secret; name it in the chart's metricSecrets, or in a "
            "Role.",
            "SecretUnreadable": "The Secret could not be read just now; it is read again by itself, and if this lasts, "
            "check the Kubernetes API.",
            "SecretUnusable": "The Secret's key does not hold what it stands for; write it anew.",
            "Rejected": "The source refused the query; check that the url is a Prometheus API's base and that it takes "
            "POST.",
            "NotExecuted": "The source could not execute the query; raise its limits on samples, series or memory.",
            "Throttled": "The source limits how often it is asked; raise its limit, or rollout.lookSeconds.",
            "ServerError": "The source answered with an error of its own; read its log.",
            "NotJson": "The url leads to something else, often a login page; name the API's base url.",
            "Malformed": "The answer is not of the Prometheus HTTP API version 1; check the source and proxies before "
            "it.",
            "Partial": "Some stores behind the source did not answer, and counts that may be incomplete are refused; "
            "check those stores.",
            "TimeMoved": "The source answered for another moment than was asked; correct the MetricSource's flavour, "
            "or the proxy on the way.",
            "NotACount": "A counter is no whole number from 0 to 2^53; check what the server exports.",
            "TooLarge": "The answer is too large; check the labels that the servers export.",
            "TooManySeries": "More series carry the policy than its status can hold; run fewer server processes or "
            "query classes, and keep a server's process label the same for its life.",
            "Redirect": "The source redirects, which is not followed; name the final url.",
            "NoData": "No series of this policy exist; check that the server exports the metrics and that they are "
            "scraped.",
            "Stale": "The newest sample is too old; check that the server's targets are up in the metrics source. "
            "Where that was away itself, its next scrapes end this.",
            "ClocksDiffer": "The source has no counts for the operator's time, since their clocks differ; put them "
            "right (NTP).",
            "ScaledToZero": "The target's Deployment has 0 replicas, so there are no counts; the rollout waits and is "
            "not rolled back for it; scale the Deployment up to go on.",
            "Rewritten": "Counters that had been read are no longer there as they were; check the source's "
            "deduplication, downsampling and retention.",
            "SourceChanged": "The MetricSource leads to other series than the campaign began with; put it back as it "
            "was, or retry the policy.",
            "TemplatesUnusable": "A template of the MetricSource cannot be used; correct spec.templates.",
        },
    ),
    (COUNTS, LABEL_REASONS),
    (
        (Type.METRICS_AVAILABLE.value,),
        {
            "Readable": "Counts can be read; nothing is to be done.",
            "NotRead": "Counts could not be used when they were last asked for, and the campaign has ended, so nothing "
            "reads them; nothing is to be done before another one begins.",
        },
    ),
    (
        (Type.METRICS_AVAILABLE.value, EVENT),
        {
            "ScrapeIntervalDiffers": "Counts can be read, but targets are scraped in another interval than the "
            "MetricSource declares; write the measured one into scrapeIntervalSeconds.",
            "CountsDisagree": "The engine's own counters differ from the injector's by more than what is in flight; "
            "look at what the message names. It is no evidence, and nothing waits for it.",
        },
    ),
    (
        (Type.METRICS_AVAILABLE.value, EVENT, SOURCE),
        {
            "ClockBehind": "Counts can be read, but those of some time ago, since the operator's clock is behind the "
            "source's, and harm is found as much later; put the clocks right (NTP).",
        },
    ),
    ((SOURCE,), {"Answering": "The metrics source answers queries; nothing is to be done."}),
)
