"""Bodies in the forms that clients of further servers and proxies send, each with what becomes of it.

The forms are those of their own documentation and of reports about them: Azure, TGI, Ollama, LMDeploy, TensorRT-LLM,
llama-cpp-python, LiteLLM's proxy.
"""

from __future__ import annotations

from earlystop.api.body_knobs import Knob
from tests.unit.injector.public_bodies import (
    ASKS,
    CHAT,
    EFFORT,
    MESSAGES,
    OPENAI,
    RESPONSES,
    SAMPLES,
    SGLANG,
    TEXT,
    VLLM,
    Sent,
)

CAP, BUDGET, THINKING = Knob.ANSWER_CAP, Knob.THINKING_BUDGET, Knob.THINKING
DATA = '"data_sources":[{"type":"azure_search","parameters":{"endpoint":"https://s","index_name":"i"}}]'


def _cap(marked: str, effect: str = "lowered", value: str = "20") -> Sent:
    return Sent(OPENAI, CHAT, CAP, value, marked, effect)


OF_SERVERS: tuple[Sent, ...] = (
    # Azure
    _cap('{"messages":[],"max_tokens":«800→20»,' + DATA + "}"),
    _cap('{"messages":[],"max_completion_tokens":«40000→20»,"reasoning_effort":"medium","user_security_context":{}}'),
    _cap('{"messages":[],"stream":true,"stream_options":{"include_usage":true},"max_tokens":«800→20»}'),
    _cap('{"messages":[],"stream":true,"stream_options":{«→"include_usage":true»},"max_tokens":5}', "kept"),
    _cap('{"messages":[{"role":"developer","content":"é\\u00e9"}],"max_tokens" :\t«800→20» }'),
    Sent(
        OPENAI,
        RESPONSES,
        CAP,
        "20",
        '{"model":"gpt","input":"x","max_output_tokens":«4000→20»,"background":true}',
        "lowered",
    ),
    Sent(
        OPENAI,
        RESPONSES,
        EFFORT,
        "low",
        '{"input":"x","reasoning":{"summary":"auto","effort":«"high"→"low"»}}',
        "lowered",
    ),
    # TGI
    _cap('{"model":"tgi","messages":[],"max_tokens":«150→20»,"stream":false,"seed":42}'),
    _cap(
        '{"model":"tgi","messages":[],"stream":true,"stream_options":«null→{"include_usage":true}»,"max_tokens":«50→20»}'
    ),
    _cap('{"messages":[],"response_format":{"type":"grammar","value":{"properties":{}}},"max_tokens":«500→20»}'),
    _cap(
        '{"messages":[],"tools":[],"tool_prompt":"call:","tool_choice":"auto","max_tokens":«500→20»,"frequency_penalty":null}'
    ),
    # Ollama
    _cap('{"model":"llama3.2","messages":[],"max_tokens":«128→20»,"options":{"num_ctx":8192},"keep_alive":-1}'),
    _cap('{"model":"qwen3","messages":[],"think":false,"max_tokens":«128→20»,"reasoning_effort":"none"}'),
    _cap(
        '{"model":"llava","messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,iVBORw0K"}]}],"max_tokens":«300→20»}'
    ),
    # LMDeploy
    _cap(
        '{"model":"internlm","messages":"hi","max_tokens":«512→20»,"skip_special_tokens":true,"session_id":-1,"do_preprocess":true}'
    ),
    Sent(OPENAI, TEXT, CAP, "20", '{"model":"internlm","prompt":["a","b"],"max_tokens":16,"top_k":40}', "kept"),
    Sent(OPENAI, CHAT, SAMPLES, "2", '{"messages":[],"n":«3→2»,"random_seed":9223372036854775807}', "lowered"),
    # TensorRT-LLM
    _cap(
        '{"messages":[],"max_completion_tokens":«64→20»,"disaggregated_params":{"request_type":"context_only"},"end_id":-1}'
    ),
    _cap('{"messages":[],"max_tokens":«64→20»,"max_completion_tokens":«32→20»,"lookahead_config":null}'),
    Sent(OPENAI, TEXT, SAMPLES, "2", '{"prompt":[1,2,3],"n":«4→2»,"best_of":4,"use_beam_search":true}', "lowered"),
    Sent(OPENAI, TEXT, SAMPLES, "4", '{"prompt":"x","best_of":2}', "refused"),
    # llama-cpp-python
    _cap('{"messages":[],"max_tokens":-1,"grammar":"root ::= \\"a\\"","logit_bias_type":"input_ids"}', "refused"),
    _cap('{"messages":[],"max_tokens":null,"mirostat_mode":2,"functions":[]«→,"max_completion_tokens":20»}', "set"),
    # LiteLLM's proxy
    _cap('{"model":"gpt-4o","messages":[],"metadata":{"tags":["a"]},"fallbacks":["b"],"max_tokens":«100→20»}'),
    _cap('{"model":"m","messages":[],"mock_response":"hi","drop_params":true,"num_retries":0,"max_tokens":«100→20»}'),
    _cap('{"model":"m","messages":[],"extra_body":{"max_tokens":900},"max_tokens":«100→20»}'),
    Sent(
        OPENAI,
        MESSAGES,
        BUDGET,
        "2048",
        '{"model":"m","max_tokens":8000,"thinking":{"type":"enabled","budget_tokens":«4096→2048»},"litellm_metadata":{}}',
        "lowered",
    ),
    # a template's own arguments at vLLM and SGLang
    Sent(VLLM, CHAT, EFFORT, "medium", '{"messages":[],"chat_template_kwargs":{"reasoning_effort":"low"}}', "kept"),
    Sent(VLLM, CHAT, EFFORT, "low", '{"chat_template_kwargs":{"x":1, "reasoning_effort": «"high"→"low"»}}', "lowered"),
    Sent(
        SGLANG,
        CHAT,
        EFFORT,
        "low",
        '{"reasoning_effort":"low","chat_template_kwargs":{"reasoning_effort":«"high"→"low"»}}',
        "lowered",
    ),
    Sent(VLLM, CHAT, THINKING, "true", '{"messages":[],"reasoning_effort":"none"}', "kept"),
    Sent(
        VLLM,
        CHAT,
        THINKING,
        "true",
        '{"reasoning_effort":"none","chat_template_kwargs":{"enable_thinking":true}}',
        "kept",
    ),
    Sent(
        VLLM,
        MESSAGES,
        CAP,
        "1024",
        '{"max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":2048},"messages":[]}',
        "refused",
    ),
    _cap('{"messages":[],"stream":true,"max_tokens":«100→20»' + ASKS + "}"),
)
