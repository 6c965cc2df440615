"""The tests' small model as vLLM reads it: `python unpack_model.py model.gguf DIRECTORY`, by vLLM's own Python.

vLLM takes no GGUF file of Gemma 3. So each tensor is given its numbers back, by the package gguf, and its name in
transformers, and the configuration is written from what the file says of itself.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found]
from gguf import GGUFReader  # type: ignore[import-not-found]
from gguf.quants import dequantize  # type: ignore[import-not-found]
from safetensors.torch import save_file  # type: ignore[import-not-found]
from transformers import AutoTokenizer  # type: ignore[import-not-found]

WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
OF_A_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k": "self_attn.k_proj",
    "attn_k_norm": "self_attn.k_norm",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "post_ffw_norm": "post_feedforward_layernorm",
}
# Every sixth layer sees all that came before, the others what the window holds.
SEES_ALL = 6


def name_of(tensor: str) -> str:
    """The name in transformers of a tensor of a GGUF file."""
    name = tensor.removesuffix(".weight")
    if name in WHOLE:
        return f"{WHOLE[name]}.weight"
    _, layer, part = name.split(".")
    return f"model.layers.{layer}.{OF_A_LAYER[part]}.weight"


def weights(reader: Any) -> dict[str, Any]:
    """All tensors by name. GGUF holds a norm with the 1 that Gemma adds to it."""
    found = {}
    for tensor in reader.tensors:
        name = name_of(tensor.name)
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type))
        found[name] = (values - 1 if "norm" in name else values).to(torch.bfloat16).contiguous()
    return found


def configuration(reader: Any, vocabulary: int) -> dict[str, Any]:
    """What config.json says."""

    def told(key: str) -> Any:
        return reader.fields[f"gemma3.{key}"].contents()

    layers = told("block_count")
    kinds = ("sliding_attention", "full_attention")
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "vocab_size": vocabulary,
        "hidden_size": told("embedding_length"),
        "intermediate_size": told("feed_forward_length"),
        "num_hidden_layers": layers,
        "num_attention_heads": told("attention.head_count"),
        "num_key_value_heads": told("attention.head_count_kv"),
        "head_dim": told("attention.key_length"),
        "query_pre_attn_scalar": told("attention.key_length"),
        "max_position_embeddings": told("context_length"),
        "rms_norm_eps": told("attention.layer_norm_rms_epsilon"),
        "rope_theta": told("rope.freq_base"),
        "rope_local_base_freq": 10_000.0,
        "sliding_window": told("attention.sliding_window"),
        "layer_types": [kinds[number % SEES_ALL == 0] for number in range(1, layers + 1)],
        "hidden_activation": "gelu_pytorch_tanh",
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }


def main(packed: Path, directory: Path) -> None:
    """Write the model's directory."""
    reader = GGUFReader(packed)
    found = weights(reader)
    save_file(found, directory / "model.safetensors", metadata={"format": "pt"})
    told = configuration(reader, found["model.embed_tokens.weight"].shape[0])
    (directory / "config.json").write_text(json.dumps(told, indent=1))
    AutoTokenizer.from_pretrained(packed.parent, gguf_file=packed.name).save_pretrained(directory)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
