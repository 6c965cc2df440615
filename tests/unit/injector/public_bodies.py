"""Bodies in the forms that clients of public engines send, each with what becomes of it.

The forms are those of the engines' own documentation and of reports about them: OpenAI, Anthropic, vLLM, SGLang,
llama.cpp, TGI, Ollama. Each text is written as it is sent, with `«was→is»` around what alone may change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from earlystop.api.body_knobs import Api, Engine, Knob

CHAT, TEXT, RESPONSES, MESSAGES = Api
VLLM, SGLANG, LLAMA, OPENAI = Engine
CAP, EFFORT, SAMPLES = Knob.ANSWER_CAP, Knob.REASONING_EFFORT, Knob.SAMPLES
BUDGET, THINKING, REPETITION = Knob.THINKING_BUDGET, Knob.THINKING, Knob.REPETITION_STOP
ASKS = '«→,"stream_options":{"include_usage":true}»'
_CHANGE = re.compile("«(.*?)→(.*?)»", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sent:
    """One body. marked: its text, with its changes; effect: what becomes of the setting."""

    engine: Engine
    api: Api
    knob: Knob
    value: str
    marked: str
    effect: str

    @property
    def before(self) -> bytes:
        """As the client sends it."""
        return _CHANGE.sub(lambda found: found[1], self.marked).encode()

    @property
    def after(self) -> bytes:
        """As the engine gets it."""
        return _CHANGE.sub(lambda found: found[2], self.marked).encode()


def _cap(engine: Engine, api: Api, marked: str, effect: str = "lowered") -> Sent:
    return Sent(engine, api, CAP, "20", marked, effect)


BODIES: tuple[Sent, ...] = (
    # vLLM: quick start, structured outputs, tools, pictures, sampling, penalties, priorities
    _cap(
        VLLM,
        CHAT,
        '{"model":"Qwen/Qwen2.5-1.5B-Instruct","messages":[{"role":"user","content":"Hi"}]«→,'
        '"max_completion_tokens":20»}',
        "set",
    ),
    _cap(
        VLLM,
        CHAT,
        '{"structured_outputs":{"json":{"type":"object",'
        '"properties":{"max_tokens":{"type":"integer"}}}},"max_tokens":«512→20»}',
    ),
    _cap(
        VLLM,
        CHAT,
        '{"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"n":{},'
        '"max_tokens":{"default":900}}}}}],"tool_choice":"auto","max_completion_tokens" : «1024→20» }',
    ),
    _cap(
        VLLM,
        CHAT,
        '{"messages":[{"role":"user","content":[{"type":"image_url",'
        '"image_url":{"url":"data:image/png;base64,iVBORw0KGgo=\\/+"}}]}],"max_tokens":«300→20»}',
    ),
    _cap(
        VLLM,
        CHAT,
        '{"messages":[{"role":"user","content":"write {\\"max_tokens\\": 100, \\"n\\": 3}"}],"max_tokens":7}',
        "kept",
    ),
    _cap(
        VLLM,
        CHAT,
        '{"stop":["\\u003c|im_end|\\u003e","\\ud83d\\ude00"],"max_tokens":«64→20»,"logit_bias":{"50256":-100.0}}',
    ),
    _cap(
        VLLM,
        CHAT,
        '{"seed":18446744073709551615,"temperature":0.70,"top_p":1E-1,"max_tokens":«4.0e3→20»,"min_p":0.050}',
    ),
    _cap(VLLM, CHAT, '{\r\n\t"model" : "m",\r\n\t"max_tokens"\t:\t«4096→20»,\r\n\t"user":"é€😀"\r\n}\r\n'),
    _cap(VLLM, CHAT, '{"max\\u005ftokens":«99→20»,"model":"m"}'),
    _cap(VLLM, CHAT, '{"vllm_xargs":{"a":1,"a":2},"max_tokens":«99→20»}'),
    _cap(VLLM, CHAT, '{"stream":true,"max_tokens":«99→20»' + ASKS + "}"),
    _cap(
        VLLM,
        CHAT,
        '{"stream":true,"stream_options":{"include_usage":«false→true»,"continuous_usage_stats":false},"max_tokens":9}',
        "kept",
    ),
    _cap(
        VLLM,
        CHAT,
        '{"stream":true,"stream_options":{"include_usage":true, "continuous_usage_stats":true},"max_tokens":«99→20»}',
    ),
    _cap(
        VLLM,
        CHAT,
        '{"stream":true,"stream_options":«null→{"include_usage":true}»,"max_tokens":null«→,'
        '"max_completion_tokens":20»}',
        "set",
    ),
    _cap(VLLM, CHAT, '{"max_tokens":«50→20»,"max_completion_tokens":«60→20»,"min_tokens":5}'),
    _cap(VLLM, CHAT, '{"max_tokens":50,"min_tokens":40}', "refused"),
    _cap(VLLM, TEXT, '{"prompt":[[1,2,3],[4]],"max_tokens":«128→20»,"echo":true,"logprobs":1,"prompt_logprobs":null}'),
    _cap(VLLM, TEXT, '{"prompt":["a","b"],"best_of":2,"use_beam_search":true,"max_tokens":20}', "kept"),
    _cap(
        VLLM,
        RESPONSES,
        '{"input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}],'
        '"max_output_tokens":«4096→20»,"store":false,"stream":true}',
    ),
    _cap(
        VLLM,
        MESSAGES,
        '{"model":"m","max_tokens":«1024→20»,"system":[{"type":"text","text":"s",'
        '"cache_control":{"type":"ephemeral"}}],"messages":[]}',
    ),
    Sent(
        VLLM,
        CHAT,
        BUDGET,
        "512",
        '{"thinking_token_budget":«2048→512»,"chat_template_kwargs":{"enable_thinking":true},"include_reasoning":true}',
        "lowered",
    ),
    Sent(VLLM, CHAT, BUDGET, "512", '{"thinking_token_budget":«-1.0→512»}', "lowered"),
    Sent(
        VLLM,
        MESSAGES,
        BUDGET,
        "2048",
        '{"max_tokens":16000,"thinking":{"type":"enabled", "budget_tokens": «10000→2048» },"messages":[]}',
        "lowered",
    ),
    Sent(
        VLLM,
        MESSAGES,
        BUDGET,
        "512",
        '{"max_tokens":16000,"thinking":{"type":"enabled","budget_tokens":10000},"messages":[]}',
        "refused",
    ),
    Sent(
        VLLM,
        MESSAGES,
        BUDGET,
        "512",
        '{"max_tokens":16000,"thinking":{"type":"adaptive"},"output_config":{"effort":"high"},"messages":[]}',
        "refused",
    ),
    Sent(
        VLLM,
        CHAT,
        EFFORT,
        "low",
        '{"model":"openai/gpt-oss-20b","reasoning_effort":«"medium"→"low"»,"messages":[]}',
        "lowered",
    ),
    Sent(
        VLLM, CHAT, EFFORT, "low", '{"reasoning":{"effort":"high","exclude":true}«→,"reasoning_effort":"low"»}', "set"
    ),
    Sent(
        VLLM,
        RESPONSES,
        EFFORT,
        "low",
        '{"reasoning":{"effort":«"high"→"low"»,"summary":"auto"},"include":["reasoning.encrypted_content"]}',
        "lowered",
    ),
    Sent(
        VLLM,
        CHAT,
        THINKING,
        "false",
        '{"chat_template_kwargs":{"thinking":«true→false»,"tools_in_user":false«→,"enable_thinking":false»}}',
        "lowered",
    ),
    Sent(VLLM, CHAT, SAMPLES, "2", '{"n":«4→2»,"temperature":0.8,"seed":9007199254740993}', "lowered"),
    Sent(VLLM, CHAT, SAMPLES, "2", '{"n":4,"temperature":0}', "refused"),
    Sent(
        VLLM,
        CHAT,
        REPETITION,
        "4",
        '{"messages":[]«→,"repetition_detection":{"max_pattern_size":20,"min_count":4}»}',
        "set",
    ),
    # SGLang: separate reasoning, grammars, custom parameters
    Sent(
        SGLANG,
        CHAT,
        BUDGET,
        "512",
        '{"custom_params":{"thinking_budget":«2048→512»,"x":[1.50]},"separate_reasoning":true}',
        "lowered",
    ),
    Sent(
        SGLANG,
        CHAT,
        THINKING,
        "false",
        '{"separate_reasoning":true,"chat_template_kwargs":{"enable_thinking":«true→false»}}',
        "lowered",
    ),
    _cap(
        SGLANG,
        CHAT,
        '{"ebnf":"root ::= \\"{\\" [a-z]+ \\"}\\"","regex":"(Paris|London)","max_tokens":«64→20»,"lora_path":null}',
    ),
    _cap(SGLANG, CHAT, '{"max_completion_tokens":«0→20»,"ignore_eos":true,"no_stop_trim":false}'),
    # llama.cpp: its own names beside OpenAI's
    _cap(
        LLAMA,
        TEXT,
        '{"prompt":"Building a website can be done in 10 simple steps:","n_predict":«128→20»,'
        '"cache_prompt":true,"samplers":["top_k","min_p"]}',
    ),
    _cap(LLAMA, TEXT, '{"prompt":"x","n_predict":«-1→20»,"logit_bias":[[15043,false],["Hello",-0.5]],"id_slot":-1}'),
    _cap(
        LLAMA,
        CHAT,
        '{"messages":[],"grammar":"root ::= \\"yes\\" | \\"no\\"","timings_per_token":true,'
        '"max_tokens":«100→20»,"n_predict":12}',
    ),
    Sent(
        LLAMA,
        CHAT,
        BUDGET,
        "512",
        '{"reasoning_format":"deepseek","thinking_budget_tokens":«-1→512»,"messages":[]}',
        "lowered",
    ),
    Sent(
        LLAMA,
        CHAT,
        EFFORT,
        "low",
        '{"chat_template_kwargs":{"reasoning_effort":«"high"→"low"»,"model_identity":"x"}}',
        "lowered",
    ),
    # OpenAI and services that speak its API
    _cap(
        OPENAI,
        CHAT,
        '{"model":"gpt-4o-audio-preview","modalities":["text","audio"],"audio":{"voice":"alloy",'
        '"format":"wav"},"max_completion_tokens":«256→20»}',
    ),
    _cap(
        OPENAI,
        CHAT,
        '{"model":"llama3.2","messages":[],"options":{"num_predict":128,"num_ctx":8192},'
        '"keep_alive":"5m"«→,"max_completion_tokens":20»}',
        "set",
    ),
    _cap(
        OPENAI,
        CHAT,
        '{"model":"tgi","messages":[],"max_tokens":null,"top_n_tokens":null«→,"max_completion_tokens":20»}',
        "set",
    ),
    _cap(
        OPENAI,
        CHAT,
        '{"response_format":{"type":"json_schema","json_schema":{"name":"a","strict":true,'
        '"schema":{"required":["max_tokens"]}}},"max_tokens":«100→20»}',
    ),
    _cap(
        OPENAI,
        CHAT,
        '{"prediction":{"type":"content","content":"class A {}"},"metadata":{"max_tokens":"900"},'
        '"max_completion_tokens":«900→20»}',
    ),
    _cap(
        OPENAI,
        RESPONSES,
        '{"input":"x","tools":[{"type":"web_search"}],"max_output_tokens":«300→20»,'
        '"truncation":"auto","previous_response_id":"resp_1"}',
    ),
    _cap(
        OPENAI,
        MESSAGES,
        '{"max_tokens":8000,"thinking":{"type":"enabled","budget_tokens":4000},"messages":[]}',
        "refused",
    ),
    Sent(
        OPENAI,
        MESSAGES,
        BUDGET,
        "2048",
        '{"max_tokens":16000,"thinking":{"budget_tokens":«10000→2048»,"type":"enabled"},'
        '"tools":[{"name":"t","input_schema":{"type":"object"}}]}',
        "lowered",
    ),
    Sent(
        OPENAI,
        RESPONSES,
        EFFORT,
        "minimal",
        '{"reasoning":{"effort":«"xhigh"→"minimal"»},"text":{"verbosity":"low"},"input":[]}',
        "lowered",
    ),
    Sent(OPENAI, TEXT, SAMPLES, "3", '{"prompt":"x","n":2,"best_of":5,"suffix":null}', "kept"),
)

UNREADABLE: tuple[bytes, ...] = (
    b"",
    b"null",
    b"[]",
    b'"max_tokens"',
    b'{"max_tokens":99,}',
    b"{'max_tokens':99}",
    b'{"max_tokens":99}{"max_tokens":1}',
    b'{"max_tokens":99 /* all */}',
    b'{"max_tokens":99,"max_tokens":98}',
    b'{"max_tokens":99,"temperature":NaN}',
    b'{"max_tokens":99,"temperature":-Infinity}',
    b'{"max_tokens":099}',
    b'{"max_tokens":99,"x":"\x01"}',
    b'{"max_tokens":99,"x":"\xff\xfe"}',
    b'\xef\xbb\xbf{"max_tokens":99}',
    '{"max_tokens":99}'.encode("utf-16"),
    b'{"max_tokens":99,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b"model=m&max_tokens=99",
    b'--x\r\nContent-Disposition: form-data; name="max_tokens"\r\n\r\n99\r\n--x--\r\n',
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    b"<request><max_tokens>99</max_tokens></request>",
)
"""Bodies in which nothing can be written without doubt."""
