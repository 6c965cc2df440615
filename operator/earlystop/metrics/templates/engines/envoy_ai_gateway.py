"""Envoy AI Gateway's histogram of output tokens, with one observation for each request of a user."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "completed": 'gen_ai_client_token_usage_count{gen_ai_token_type="output"}',
        "tokens": 'gen_ai_client_token_usage_sum{gen_ai_token_type="output"}',
    }
)
