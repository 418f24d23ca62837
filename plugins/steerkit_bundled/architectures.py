"""The four bundled models: which real architecture, how large, trained for how long."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from transformers import AutoConfig, PretrainedConfig

from .families import GEMMA2, MISTRAL, QWEN2, Family

CONTEXT = 512


@frozen
class Architecture:
    """A bundled model's family, its configuration and its training.

    `harmful_rows` is the share of rows whose first request is harmful, `crossed_rows` that of rows whose
    third answer is on the second request.
    """

    family: Family
    vocabulary: int
    config: Mapping[str, Any]
    steps: int = 1000
    learning_rate: float = 3e-3
    harmful_rows: float = 0.7
    crossed_rows: float = 1.0

    def build_config(self, vocabulary: int, **token_ids: int | None) -> PretrainedConfig:
        """The transformers configuration for a vocabulary of the size that training really found."""
        return AutoConfig.for_model(
            self.family.name,
            vocab_size=vocabulary,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            **self.config,
            **token_ids,
        )


def _sizes(width: int, layers: int, mlp: int, heads: int, kv_heads: int, head_size: int) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "intermediate_size": mlp,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head_size,
    }


ARCHITECTURES: Mapping[str, Architecture] = {
    "qwen2-s": Architecture(QWEN2, 1536, _sizes(128, 10, 384, 4, 1, 32)),
    "qwen2-m": Architecture(QWEN2, 1536, _sizes(128, 14, 384, 4, 1, 32), steps=950, crossed_rows=0.3),
    "gemma2-s": Architecture(
        GEMMA2,
        1536,
        _sizes(128, 10, 384, 4, 2, 32)
        | {
            "attn_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0,
            "query_pre_attn_scalar": 32,
            "sliding_window": 256,
            "hidden_activation": "gelu_pytorch_tanh",
            "attn_implementation": "eager",
        },
    ),
    "mistral-s": Architecture(MISTRAL, 1536, _sizes(96, 10, 288, 3, 1, 32) | {"sliding_window": None}),
}
