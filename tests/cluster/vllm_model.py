"""The small language model in the form that vLLM reads, made of the GGUF file by vLLM's own Python."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.cluster.cache import CACHE, fetched
from tests.cluster.engine_model import engine_model
from tests.cluster.errors import ClusterError
from tests.cluster.processes import child_environment

UNPACK = Path(__file__).parent / "engine" / "unpack_model.py"
UNPACKED_PATH = CACHE / "models" / "gemma-3-270m"
"""Where the model's directory is, once it is made: 540 MB."""


def vllm_model(vllm: Path) -> Path:
    """The model's directory, made once. vllm: the command of that name, whose Python has the package gguf beside it.
    Raises ClusterError where it cannot be made."""
    return fetched(UNPACKED_PATH, partial(_unpacked, vllm.parent / "python", engine_model()))


def _unpacked(python: Path, packed: Path, scratch: Path) -> Path:
    print("unpacking the model for vLLM, about a minute", file=sys.stderr, flush=True)
    directory = scratch / UNPACKED_PATH.name
    directory.mkdir()
    command = [python, UNPACK, packed, directory]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(PYTHONPATH=""))
    if done.returncode != 0:
        tail = "\n".join(done.stderr.splitlines()[-5:])
        raise ClusterError(f"{python} could not unpack the model; it needs vLLM's packages, and gguf\n{tail}")
    return directory
