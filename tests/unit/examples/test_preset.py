"""A preset's queries are those of its own metrics, and each variant has its own."""

from __future__ import annotations

from earlystop.api.counts import Variant
from earlystop.metrics.templates.pod_names import PodOwner
from earlystop.metrics.templates.presets import PresetRequest, field_queries

WORKLOADS = {Variant.BASELINE: PodOwner("qa"), Variant.CANDIDATE: PodOwner("qa-fast")}
REQUEST = PresetRequest("llm/qa", "r1", 60, "namespace", WORKLOADS)


def test_tokens_of_the_candidate_are_read_from_the_pods_of_its_workload_only() -> None:
    texts = {(query.variant, query.field): query.text for query in field_queries("VLLM", REQUEST)}
    tokens = texts[Variant.CANDIDATE, "tokens"]
    assert tokens.startswith("vllm:request_generation_tokens_sum{")
    assert 'pod=~"qa-fast-' in tokens and tokens.endswith("[60s]")
