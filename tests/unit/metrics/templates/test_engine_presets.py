"""An engine's preset counts what the engine's page says of finished sequences, and nothing that it cannot know."""

from __future__ import annotations

from earlystop.api.presets import PRESETS, traits_of
from earlystop.metrics.templates.engines import sglang, vllm
from tests.unit.metrics.templates.expositions import page


def test_vllm_completes_as_many_as_it_says_have_ended_and_their_tokens_hold_none_of_abandoned_ones() -> None:
    found = page("vllm-0.32.0-after")
    (completed,) = found.values(vllm.TEMPLATES["completed"])
    (tokens,) = found.values(vllm.TEMPLATES["tokens"])
    assert completed == sum(found.values("vllm:request_success_total{}")) > 0
    # The difference was generated for clients who had gone.
    assert tokens < sum(found.values("vllm:generation_tokens_total{}"))


def test_no_page_of_vllm_says_that_a_request_failed_so_its_preset_does_not_either() -> None:
    found = page("vllm-0.32.0-after")
    ends = [found.values(f'vllm:request_success_total{{finished_reason="{how}"}}') for how in ("abort", "error")]
    # Fifteen clients had hung up when the real page was recorded.
    assert ends == [[0.0], [0.0]]
    assert "failed" not in vllm.TEMPLATES


def test_sglang_has_a_series_for_streams_and_one_for_plain_answers_and_both_are_found() -> None:
    found = page("sglang-0.5.23-collector")
    completed, tokens = (found.values(sglang.TEMPLATES[field]) for field in ("completed", "tokens"))
    assert len(completed) == len(tokens) >= 2
    assert len(set(tokens)) == 1 and tokens[0] % completed[0] == 0, "32 tokens for each request of the recording"


def test_sglangs_count_of_messages_that_abort_is_none_of_failed_requests() -> None:
    assert len(page("sglang-0.5.23-collector").values("sglang:num_aborted_requests_total{}")) == 1
    assert "failed" not in sglang.TEMPLATES


def test_what_a_preset_counts_is_on_the_page_under_that_very_name() -> None:
    for name, engine in (("vllm-0.32.0-after", vllm), ("sglang-0.5.23-collector", sglang)):
        assert {template.partition("{")[0] for template in engine.TEMPLATES.values()} <= page(name).names


def test_llama_cpp_counts_no_requests_so_it_has_no_preset() -> None:
    found = page("llamacpp-b11434-after")
    assert not any(sample.labels for sample in found.samples)
    assert not {name for name in found.names if "request" in name} - {
        "llamacpp:requests_processing",
        "llamacpp:requests_deferred",
    }
    assert not [name for name in PRESETS if "llama" in name.lower()]


def test_every_engines_preset_counts_finished_sequences_and_tokens_and_no_failure() -> None:
    engines = [name for name, traits in PRESETS.items() if traits.needs_own_pods]
    assert engines == ["VLLM", "SGLang", "EnvoyAIGateway"]
    assert all(traits_of(name).counts == frozenset({"completed", "tokens"}) for name in engines)
