"""Why there are no counts: every way in which a metrics source can fail has a name and says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class FailureKind(StrEnum):
    """The value is the reason constant that a person sees in a condition."""

    UNREACHABLE = "Unreachable"
    ADDRESS_REFUSED = "AddressRefused"
    TLS_FAILED = "TlsFailed"
    TIMEOUT = "Timeout"
    UNAUTHORIZED = "Unauthorized"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, as below
    SECRET_FORBIDDEN = "SecretForbidden"  # noqa: S105
    SECRET_UNREADABLE = "SecretUnreadable"  # noqa: S105
    SECRET_UNUSABLE = "SecretUnusable"  # noqa: S105
    REJECTED = "Rejected"
    NOT_EXECUTED = "NotExecuted"
    THROTTLED = "Throttled"
    SERVER_ERROR = "ServerError"
    NOT_JSON = "NotJson"
    MALFORMED = "Malformed"
    PARTIAL = "Partial"
    TIME_MOVED = "TimeMoved"
    NOT_A_COUNT = "NotACount"
    PROCESS_MISSING = "ProcessMissing"
    PROCESS_SHARED = "ProcessShared"
    LABEL_OVERWRITTEN = "LabelOverwritten"
    TOO_LARGE = "TooLarge"
    TOO_MANY_SERIES = "TooManySeries"
    REDIRECT = "Redirect"
    NO_DATA = "NoData"
    STALE = "Stale"
    CLOCKS_DIFFER = "ClocksDiffer"
    SCALED_TO_ZERO = "ScaledToZero"
    REWRITTEN = "Rewritten"
    SOURCE_CHANGED = "SourceChanged"
    TEMPLATES_UNUSABLE = "TemplatesUnusable"


ADVICE: Mapping[FailureKind, str] = MappingProxyType(
    {
        FailureKind.UNREACHABLE: "check the MetricSource's URL, the Service behind it and any NetworkPolicy",
        FailureKind.ADDRESS_REFUSED: "name the host of a metrics source, or correct its DNS record",
        FailureKind.TLS_FAILED: "check that the server speaks TLS, that its certificate names this host and is signed "
        "by the authority in tls.caRef, and that it accepts the certificate in tls.certificateRef",
        FailureKind.TIMEOUT: "the source is overloaded or hangs; check its load and query limits",
        FailureKind.UNAUTHORIZED: "check the Secret that the MetricSource names for its credentials",
        FailureKind.SECRET_NOT_FOUND: "create it, or correct the reference in the {holder}",
        FailureKind.SECRET_FORBIDDEN: "let the operator get it: name it in the chart's metricSecrets, or in a Role",
        FailureKind.SECRET_UNREADABLE: "it is read again by itself; check the Kubernetes API if this lasts",
        FailureKind.SECRET_UNUSABLE: "write what the {holder}'s reference stands for into that key",
        FailureKind.REJECTED: "check that the URL is a Prometheus API's base and that it takes POST",
        FailureKind.NOT_EXECUTED: "its limits on samples, series or memory are too low for these policies, or a store "
        "behind it did not answer; read its log",
        FailureKind.THROTTLED: "raise the source's rate limit or look less often (rollout.lookSeconds)",
        FailureKind.SERVER_ERROR: "read the log of the metrics source",
        FailureKind.NOT_JSON: "the URL leads to something else, often a login page; name the API's base URL",
        FailureKind.MALFORMED: "the source or a proxy before it does not speak the Prometheus HTTP API version 1",
        FailureKind.PARTIAL: "some stores behind the source did not answer; counts that may be incomplete are refused",
        FailureKind.TIME_MOVED: "correct the MetricSource's flavour, or see to it that no proxy on the way changes the "
        "query",
        FailureKind.NOT_A_COUNT: "a counter must be a whole number from 0 to 2^53; check what the server exports",
        FailureKind.PROCESS_MISSING: "write no labeldrop, labelkeep or metric_relabel_configs that takes process away, "
        "and let each server export it",
        FailureKind.PROCESS_SHARED: "let each process export an id of its own, new at every start, and write no "
        "relabelling that sets process; where they are one server, scrape it at one address",
        FailureKind.LABEL_OVERWRITTEN: "write honor_labels: true in the scrape config (honorLabels in a PodMonitor or "
        "ServiceMonitor), or give the target's label another name",
        FailureKind.TOO_LARGE: "too many series carry these policies; check the labels that the servers export",
        FailureKind.TOO_MANY_SERIES: "no status can hold them; see to it that a server's process label "
        "changes only when it starts, and that nobody else exports this policy's series",
        FailureKind.REDIRECT: "redirects are not followed; name the final URL in the MetricSource",
        FailureKind.NO_DATA: "check that the server exports the earlystop_ metrics and that they are scraped",
        FailureKind.STALE: "check that the server's targets are up in the metrics source; where that was away itself, "
        "its next scrapes end this",
        FailureKind.CLOCKS_DIFFER: "put the clocks of the operator's node and of the metrics source's right (NTP)",
        FailureKind.SCALED_TO_ZERO: "nothing is rolled back for that, and the rollout goes on when there are replicas "
        "again; set spec.suspend to true if its deadline should wait as well",
        FailureKind.REWRITTEN: "samples must stay as they were scraped: check the source's deduplication, its "
        "storage, and that no two targets export the same series",
        FailureKind.SOURCE_CHANGED: "put the MetricSource's url, labels and templates back as they were, or retry "
        "the policy with the annotation earlystop.dev/retry",
        FailureKind.TEMPLATES_UNUSABLE: "correct spec.templates of the MetricSource",
    }
)

OF_ONE_POLICY = frozenset(
    {
        FailureKind.NO_DATA,
        FailureKind.STALE,
        FailureKind.CLOCKS_DIFFER,
        FailureKind.SCALED_TO_ZERO,
        FailureKind.NOT_A_COUNT,
        FailureKind.PROCESS_MISSING,
        FailureKind.PROCESS_SHARED,
        FailureKind.LABEL_OVERWRITTEN,
        FailureKind.TOO_LARGE,
        FailureKind.TOO_MANY_SERIES,
        FailureKind.REWRITTEN,
        FailureKind.SOURCE_CHANGED,
        FailureKind.TEMPLATES_UNUSABLE,
    }
)
"""What a source that answers well can say of one policy's counts."""


class MetricsFailure(Exception):
    """There are no counts that could be trusted. It is not evidence of anything.

    kind: which way it failed; message: one sentence of what happened, and what to check. It holds a status code at
    most: never text of the response, nor a URL's user and password, nor a token. holder: the kind of the object whose
    reference leads to a Secret.
    """

    def __init__(self, kind: FailureKind, what: str, holder: str = "MetricSource") -> None:
        self.kind = kind
        self.message = f"{what}; {ADVICE[kind].format(holder=holder)}"
        super().__init__(f"{kind}: {self.message}")
