"""A real vLLM with a small language model, as a process. Whoever has one installed names its command."""

from __future__ import annotations

import json
from pathlib import Path

from earlystop.demo.chat import MODEL
from tests.cluster.processes import Child
from tests.cluster.vllm_model import vllm_model
from tests.e2e.stage import status_of

NAMES = (MODEL, "default")
"""What clients call the model: the load's name for it, and the evaluator's."""
TEMPLATE = "<bos>{% for message in messages %}{{ message.content }}{% endfor %}"
"""The model was never taught to chat: it gets the text of the messages, and goes on with it."""
ENVIRONMENT = {
    "PYTHONPATH": "",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_HOST_IP": "127.0.0.1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
}
"""For the build for CPUs: it looks nothing up in a network, and takes no core that others compute on."""
READY_SECONDS = 150.0
"""It imports for a minute and a half on idle cores; the waiting has a patience besides."""


def start_vllm(vllm: Path, directory: Path, host: str, port: int, longest_answer: int) -> Child:
    """Start it, ready to answer; the caller stops it. Answers are greedy, and end after `longest_answer` tokens where a
    client asks for no fewer.

    vllm: its command. directory: where its log is kept. Raises ClusterError where it has no model, or does not become
    ready.
    """
    settings = {
        "host": host,
        "port": port,
        "dtype": "bfloat16",
        "max-model-len": 1024,
        "max-num-seqs": 16,
        "chat-template": TEMPLATE,
        "override-generation-config": json.dumps({"temperature": 0, "max_new_tokens": longest_answer}),
    }
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    command: list[str | Path] = [vllm, "serve", vllm_model(vllm), "--enforce-eager"]
    command += ["--served-model-name", *NAMES, *words]
    engine = Child("vllm", command, directory, environment=ENVIRONMENT)
    try:
        engine.wait_ready(lambda: status_of(f"http://{host}:{port}/health") == 200, READY_SECONDS)
    except BaseException:
        engine.stop(patience_seconds=5.0)
        raise
    return engine
