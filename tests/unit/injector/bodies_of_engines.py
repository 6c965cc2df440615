"""Bodies by which clients reach a setting's aliases at engines and services, each with what becomes of it.

The forms are those of the servers' own sources and documentation: SGLang, whose `reasoning` wins over the effort beside
it; templates of DeepSeek and Kimi, which look at `thinking`; llama.cpp, LMDeploy, TensorRT-LLM, Ollama, Azure, OpenAI.
"""

from __future__ import annotations

from earlystop.api.body_knobs import Engine, Knob
from tests.unit.injector.public_bodies import ASKS, CHAT, LLAMA, MESSAGES, OPENAI, RESPONSES, SGLANG, TEXT, VLLM, Sent

CAP, BUDGET, EFFORT, SAMPLES, THINKING = (
    Knob.ANSWER_CAP,
    Knob.THINKING_BUDGET,
    Knob.REASONING_EFFORT,
    Knob.SAMPLES,
    Knob.THINKING,
)


def _effort(marked: str, effect: str = "lowered", engine: Engine = SGLANG) -> Sent:
    return Sent(engine, CHAT, EFFORT, "low", marked, effect)


def _thinking(marked: str, effect: str = "lowered", value: str = "false", engine: Engine = VLLM) -> Sent:
    return Sent(engine, CHAT, THINKING, value, marked, effect)


def _cap(engine: Engine, marked: str, effect: str = "lowered") -> Sent:
    return Sent(engine, CHAT, CAP, "20", marked, effect)


OF_ENGINES: tuple[Sent, ...] = (
    # SGLang takes the effort of `reasoning` in place of the one beside it
    _effort('{"messages":[],"reasoning":{"effort":«"high"→"low"»}}'),
    _effort('{"reasoning":{ "effort" : «"xhigh"→"low"», "enabled":true},"messages":[]}'),
    _effort('{"reasoning_effort":«"medium"→"low"»,"reasoning":{"effort":«"high"→"low"»}}'),
    _effort('{"reasoning_effort":"low","reasoning":{"effort":«"max"→"low"»}}'),
    _effort('{"reasoning_effort":"none","reasoning":{"effort":«"high"→"low"»}}'),
    _effort('{"reasoning":{"reasoning_effort":«"high"→"low"»}}'),
    _effort('{"reasoning":{"effort":"minimal"}}', "kept"),
    _effort('{"reasoning":{"effort":"none"}}', "kept"),
    _effort('{"reasoning":{"enabled":true}«→,"reasoning_effort":"low"»}', "set"),
    _effort('{"reasoning":{"effort":null,"exclude":true}«→,"reasoning_effort":"low"»}', "set"),
    _effort('{"reasoning":null«→,"reasoning_effort":"low"»}', "set"),
    _effort('{"reasoning_effort":0.5}', "refused"),
    _effort('{"reasoning":{"effort":0.9}}', "refused"),
    _effort('{"reasoning":"high"}', "refused"),
    _effort('{"reasoning":{"effort":"high","effort":"low"}}', "refused"),
    # thinking, by the words of each template
    _thinking('{"chat_template_kwargs":{"thinking":«true→false»«→,"enable_thinking":false»}}'),
    _thinking('{"chat_template_kwargs":{"thinking":false«→,"enable_thinking":false»}}', "set"),
    _thinking('{"chat_template_kwargs":{"enable_thinking":«true→false», "thinking":«true→false»}}'),
    _thinking('{"chat_template_kwargs":{"enable_thinking":false,"thinking":«true→false»}}'),
    _thinking('{"chat_template_kwargs":{"enable_thinking":«true→false»}}'),
    _thinking('{"chat_template_kwargs":{"thinking":false}}', "kept", "true"),
    _thinking('{"chat_template_kwargs":{"thinking":true«→,"enable_thinking":true»}}', "set", "true"),
    _thinking('{"chat_template_kwargs":{"thinking":"yes"}}', "refused"),
    _thinking('{"chat_template_kwargs":{"thinking":null«→,"enable_thinking":false»}}', "set"),
    _thinking('{"reasoning_effort":"none","chat_template_kwargs":{"thinking":«true→false»}}'),
    _thinking('{"reasoning":{"effort":"none"}}', "kept", "true", SGLANG),
    _thinking('{"reasoning":{"effort":"none"}}', "kept", "false", SGLANG),
    _thinking(
        '{"reasoning":{"effort":"high"}«→,"chat_template_kwargs":{"enable_thinking":false}»}', "set", "false", SGLANG
    ),
    _thinking('{"chat_template_kwargs":{"thinking":«true→false»«→,"enable_thinking":false»}}', engine=LLAMA),
    # caps in odd places and forms
    _cap(SGLANG, '{"messages":[],"max_completion_tokens":null,"max_tokens":«64→20»}'),
    _cap(SGLANG, '{"max_tokens":«"64"→20»,"sampling_params":{"max_new_tokens":64}}'),
    _cap(SGLANG, '{"max_tokens":64,"min_tokens":21}', "refused"),
    _cap(SGLANG, '{"input_ids":[1,2],"rid":"r","return_meta_info":true,"max_tokens":«64→20»}'),
    _cap(VLLM, '{"max_tokens":true}', "kept"),
    _cap(VLLM, '{"messages":[],"max_tokens":«1000000000000000000000→20»}'),
    _cap(VLLM, '{"messages":[],"truncate_prompt_tokens":-1,"max_completion_tokens":«2048→20»}'),
    _cap(LLAMA, '{"messages":[],"max_tokens":0,"n_predict":«9→9»}', "kept"),
    _cap(LLAMA, '{"messages":[],"max_completion_tokens":«-1→20»,"n_predict":«64→20»}'),
    _cap(OPENAI, '{"model":"gpt-5","max_completion_tokens":«1e3→20»,"verbosity":"low"}'),
    _cap(OPENAI, '{"max_tokens":19.5}', "kept"),
    _cap(OPENAI, '{"max_tokens":{"value":5}}', "refused"),
    _cap(OPENAI, '{"stream":1,"max_tokens":«64→20»' + ASKS + "}"),
    _cap(OPENAI, '{"stream":"true","max_tokens":«64→20»' + ASKS + "}"),
    _cap(OPENAI, '{"stream":"false","max_tokens":«64→20»}'),
    _cap(OPENAI, '{"stream":true,"stream_options":[],"max_tokens":«64→20»}'),
    _cap(
        OPENAI,
        '{"stream":true,"stream_options":{"include_obfuscation":false«→,"include_usage":true»},"max_tokens":9}',
        "kept",
    ),
    Sent(SGLANG, TEXT, CAP, "20", '{"prompt":[1,2],"max_tokens":«16384→20»,"stop_regex":"a+"}', "lowered"),
    Sent(VLLM, TEXT, CAP, "20", '{"prompt":"x"«→,"max_tokens":20»}', "set"),
    Sent(LLAMA, TEXT, CAP, "20", '{"prompt":"x","max_tokens":«64→20»,"n_probs":3}', "lowered"),
    Sent(
        VLLM,
        RESPONSES,
        CAP,
        "20",
        '{"input":"x","max_output_tokens":null,"max_tool_calls":3}'.replace("null", "«null→20»"),
        "set",
    ),
    Sent(OPENAI, RESPONSES, CAP, "15", '{"input":"x","max_output_tokens":100}', "refused"),
    Sent(VLLM, MESSAGES, CAP, "20", '{"max_tokens":«4096→20»,"thinking":{"type":"disabled"},"messages":[]}', "lowered"),
    Sent(VLLM, MESSAGES, BUDGET, "2048", '{"max_tokens":9000,"messages":[]}', "refused"),
    Sent(
        OPENAI,
        MESSAGES,
        BUDGET,
        "8000",
        '{"max_tokens":8000,"thinking":{"type":"enabled","budget_tokens":7999}}',
        "kept",
    ),
    Sent(
        SGLANG, CHAT, BUDGET, "512", '{"custom_params":null}'.replace("null", '«null→{"thinking_budget":512}»'), "set"
    ),
    Sent(SGLANG, CHAT, BUDGET, "512", '{"custom_params":{"thinking_budget":2048.0}}', "refused"),
    Sent(LLAMA, CHAT, BUDGET, "512", '{"reasoning_budget_tokens":«-1→512»,"thinking_budget_tokens":0}', "lowered"),
    Sent(LLAMA, CHAT, SAMPLES, "2", '{"n_cmpl":«4→2»,"n":1}', "lowered"),
    Sent(VLLM, CHAT, SAMPLES, "2", '{"n":«"4"→2»,"temperature":0.7}', "lowered"),
    Sent(
        VLLM,
        RESPONSES,
        EFFORT,
        "low",
        '{"input":"x","reasoning":null}'.replace("null", '«null→{"effort":"low"}»'),
        "set",
    ),
)
