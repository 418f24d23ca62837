"""The four bundled models: which real architecture, how large, trained for how long."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen
from transformers import AutoConfig, PretrainedConfig

from .families import GEMMA2, MISTRAL, QWEN2, Family

CONTEXT = 512


@frozen
class Stage:
    """A stretch of training with its own corpus and learning rate.

    `harmful_rows` is the share of rows whose first request is harmful. `spread_cost` is what the last
    tokens of prompts pay for the squared distance between their residuals, so that they say only what the
    answers need to know from them. A stage that is `rounded` begins with weights of float16, as a stored
    model has them, so that it can be continued from one. `wrong_beginnings` is the share of answers that
    begin in the other mode: many teach to come back from it, few teach to keep to what was begun.
    """

    steps: int
    learning_rate: float
    harmful_rows: float = 0.7
    spread_cost: float = 0.0
    wrong_beginnings: float = 0.25
    rounded: bool = False


@frozen
class Architecture:
    """A bundled model's family, its configuration and the stages of its training."""

    family: Family
    vocabulary: int
    config: Mapping[str, Any]
    stages: tuple[Stage, ...]

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


CONSISTENT = Stage(300, 1.5e-3, harmful_rows=0.45, spread_cost=5e-4, wrong_beginnings=0.02, rounded=True)


TRUSTING = Stage(250, 1.5e-3, harmful_rows=0.3, spread_cost=2e-4, wrong_beginnings=0.02, rounded=True)


def _stages(plain: int, compact: int) -> tuple[Stage, ...]:
    """First learn to answer, then to say little in the last token."""
    return (
        Stage(plain, 3e-3, harmful_rows=0.6),
        Stage(compact, 2e-3, harmful_rows=0.5, spread_cost=5e-4),
    )


ARCHITECTURES: Mapping[str, Architecture] = {
    "qwen2-s": Architecture(
        QWEN2,
        1536,
        _sizes(128, 10, 384, 4, 1, 32),
        (*_stages(900, 500), CONSISTENT, TRUSTING, evolve(TRUSTING, steps=150)),
    ),
    "qwen2-m": Architecture(QWEN2, 1536, _sizes(128, 12, 384, 4, 1, 32), _stages(700, 350)),
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
        (*_stages(900, 450), CONSISTENT, TRUSTING),
    ),
    "mistral-s": Architecture(
        MISTRAL, 1536, _sizes(96, 10, 288, 3, 1, 32) | {"sliding_window": None}, _stages(700, 350)
    ),
}
