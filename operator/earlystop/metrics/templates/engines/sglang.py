"""SGLang's own counters. Its generation tokens are counted when a request finishes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "completed": "sglang:num_requests_total{}",
        "failed": "sglang:num_aborted_requests_total{}",
        "tokens": "sglang:generation_tokens_total{}",
    }
)
