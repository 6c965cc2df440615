"""The MetricSource: where counts are read. Cluster-scoped, because its writer is trusted with addresses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from earlystop.api.load import Loads
from earlystop.api.savings import Price
from earlystop.api.status.policy import StoredCondition
from earlystop.api.templates import Templates
from earlystop.api.values import ObjectName, Value, rules
from earlystop.api.wire import MARKS, SERIES_LABELS

REACHABLE = "Reachable"
"""The one condition of a MetricSource."""
LABELS_WITH_A_MEANING = ("__name__", *SERIES_LABELS, *MARKS, "reading")
"""Labels that cannot say as well from which namespace a series came: those of counters, and one of queries' own."""


def _without_another_meaning(name: str) -> str:
    """The same name of a label. Raises ValueError for one that already means something in counts."""
    if name in LABELS_WITH_A_MEANING:
        raise ValueError(f"the label {name} already has a meaning in counts; write the target label's name")
    return name


class SecretKey(Value):
    """A key of a Secret in the operator's own namespace."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: Annotated[str, Field(min_length=1, max_length=253)] = Field(description="Key in the Secret.")


class Authentication(Value):
    """How the operator proves who it is."""

    type: Literal["Bearer", "Basic"] = Field(description="Bearer token, or user:password.")
    secret_ref: SecretKey = Field(description="The token, or user:password.")


class Tls(Value):
    """Certificates for an https address."""

    model_config = rules(
        {
            "rule": "has(self.certificateRef) == has(self.keyRef)",
            "message": "tls: certificateRef and keyRef belong together; write both or neither",
        },
    )

    ca_ref: SecretKey | None = Field(None, description="Authority that signs the server's certificate.")
    certificate_ref: SecretKey | None = Field(None, description="The operator's client certificate.")
    key_ref: SecretKey | None = Field(None, description="Key of the client certificate.")


NamespaceLabel = Annotated[
    str, Field(max_length=63, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$"), AfterValidator(_without_another_meaning)
]


class SourceSpec(Value):
    """Address and habits of a Prometheus."""

    model_config = rules(
        {
            "rule": "url(self.url).getScheme() in ['http', 'https'] && url(self.url).getHost() != ''",
            "message": "url: write http:// or https:// with a host, for example http://prometheus.monitoring:9090",
        },
        {
            "rule": "url(self.url).getQuery().size() == 0",
            "message": "url: write the base address without a query, for example http://prometheus.monitoring:9090",
        },
        {
            "rule": "!self.url.contains('@')",
            "message": "url: credentials do not belong in an address; write auth.secretRef",
        },
        {
            "rule": "!has(self.tls) || url(self.url).getScheme() == 'https'",
            "message": "tls: certificates are of use for an https address only; write https:// in url or remove tls",
        },
        {
            "rule": f"!has(self.namespaceLabel) || !(self.namespaceLabel in {list(LABELS_WITH_A_MEANING)})",
            "message": "namespaceLabel: this label already has a meaning in counts; write the label that the scraper "
            "sets to the target's namespace, for example namespace",
        },
    )

    url: Annotated[str, Field(max_length=512, pattern=r"^https?://", json_schema_extra={"format": "uri"})] = Field(
        description="Base address of the query API, without /api/v1."
    )
    flavour: Literal["Prometheus", "Thanos", "VictoriaMetrics", "Mimir"] = Field(
        "Prometheus", description="Which server answers there."
    )
    auth: Authentication | None = Field(None, description="How the operator proves who it is.")
    tls: Tls | None = Field(None, description="Certificates for an https address.")
    namespace_label: NamespaceLabel | None = Field(
        None,
        description="Label that the scraper sets to the target's namespace. When written, only series of a policy's "
        "own namespace count for it.",
    )
    replica_label: Annotated[str, Field(max_length=63, pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")] | None = Field(
        None,
        description="Label that tells the scrapers of an HA pair apart, so that templates count no event twice. "
        "Flavour Thanos needs it for templates.",
    )
    templates: Templates | None = Field(
        None, description="For policies with the preset Custom: which series hold their counts, a selector for each."
    )
    scrape_interval_seconds: int = Field(15, ge=1, le=300, description="How often targets are scraped.")
    evaluation_delay_seconds: int = Field(
        5,
        ge=1,
        le=300,
        description="How long after a moment its samples are complete: scrape time, plus remote-write lag.",
    )
    timeout_seconds: int = Field(10, ge=1, le=120, description="Longest wait for one answer.")
    longest_answer: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="Most output tokens that a server which is read here gives to one answer, or to each of several "
        "choices: the length that its engine has for a model, as --max-model-len of vLLM. With it the saving of a "
        "policy without objective.tokens.longestAnswer is tested exactly, until counts show a longer answer. That "
        "takes four times as many answers where the length is fifty times the mean and 14 times where it is 200 times; "
        "a policy's own longestAnswer counts before it. A campaign keeps what it began with.",
    )
    price: Price | None = Field(None, description="What tokens cost, for policies without savings.price.")
    loads: Loads | None = Field(
        None, description="How busy the servers of a policy are, for policies with guard.whenBusy, which name one."
    )


class SourceStatus(Value):
    """What the operator knows about a source."""

    conditions: (
        Annotated[tuple[StoredCondition, ...], Field(max_length=4, json_schema_extra={"x-list-map-key": "type"})] | None
    ) = Field(None, description="Reachable: whether the source answers; its reason is the kind of the last failure.")
