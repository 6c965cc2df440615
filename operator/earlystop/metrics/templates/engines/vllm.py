"""vLLM's own counters. An aborted request is both completed and failed, because it took its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        # As many requests as are in the sum below, aborted ones too: a mean over others would be biased.
        "completed": "vllm:request_generation_tokens_count{}",
        "failed": 'vllm:request_success_total{finished_reason=~"abort|error"}',
        # Not generation_tokens_total, which grows while requests still run.
        "tokens": "vllm:request_generation_tokens_sum{}",
    }
)
