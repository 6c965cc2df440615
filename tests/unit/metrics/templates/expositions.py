"""Pages that engines print under /metrics: as recorded from real ones where these are at hand, else as short ones."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

_CHECKOUT = Path(__file__).resolve().parents[4]
_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\}")
_EQUAL = re.compile(r'([a-z_]+)="([^"]*)"')

VLLM_LABELS = '{engine="0",model_name="m"'
SHORT: Mapping[str, str] = {
    "vllm-0.32.0-after": f"""
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{VLLM_LABELS}}} 90
# TYPE vllm:request_success_total counter
vllm:request_success_total{VLLM_LABELS},finished_reason="stop"}} 1
vllm:request_success_total{VLLM_LABELS},finished_reason="length"}} 4
vllm:request_success_total{VLLM_LABELS},finished_reason="abort"}} 0
vllm:request_success_total{VLLM_LABELS},finished_reason="error"}} 0
vllm:request_success_total{VLLM_LABELS},finished_reason="repetition"}} 0
# TYPE vllm:request_generation_tokens histogram
vllm:request_generation_tokens_bucket{VLLM_LABELS},le="+Inf"}} 5
vllm:request_generation_tokens_sum{VLLM_LABELS}}} 70
vllm:request_generation_tokens_count{VLLM_LABELS}}} 5
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1795731618
""",
    "sglang-0.5.23-collector": """
# TYPE sglang:generation_tokens_total counter
sglang:generation_tokens_total{engine_type="unified",is_streaming="false",model_name="m"} 64
sglang:generation_tokens_total{engine_type="unified",is_streaming="true",model_name="m"} 64
# TYPE sglang:num_requests_total counter
sglang:num_requests_total{engine_type="unified",is_streaming="false",model_name="m"} 2
sglang:num_requests_total{engine_type="unified",is_streaming="true",model_name="m"} 2
# TYPE sglang:num_aborted_requests_total counter
sglang:num_aborted_requests_total{engine_type="unified",model_name="m"} 1
""",
    "llamacpp-b11434-after": """
# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 4724
# TYPE llamacpp:tokens_predicted_total counter
llamacpp:tokens_predicted_total 2239
# TYPE llamacpp:requests_processing gauge
llamacpp:requests_processing 0
""",
}


class Page:
    """The samples of one page."""

    def __init__(self, text: str) -> None:
        self.samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        self.names = {sample.name for sample in self.samples}

    def values(self, selector: str) -> list[float]:
        """What a selector with equalities finds. Raises ValueError for one with other matchers."""
        found = _SELECTOR.fullmatch(selector)
        if found is None or _EQUAL.sub("", found[2]).strip(", "):
            raise ValueError(f"{selector!r} is no selector with equalities alone")
        wanted = dict(_EQUAL.findall(found[2]))
        return [each.value for each in self.samples if each.name == found[1] and wanted.items() <= each.labels.items()]


def page(name: str) -> Page:
    """A page of this name."""
    folder = Path(os.environ.get("EARLYSTOP_DATA") or _CHECKOUT.parent / "shared" / "data") / "expositions"
    file = folder / f"{name}.prom"
    return Page(file.read_text() if file.is_file() else SHORT[name])
