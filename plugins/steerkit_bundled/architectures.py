"""The four bundled models: which real architecture, how large, trained for how long."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from transformers import AutoConfig, PretrainedConfig

from .families import GEMMA2, MISTRAL, QWEN2, Family

CONTEXT = 512


@frozen
class Stage:
    """A stretch of training with its own corpus and learning rate.

    `harmful_rows` is the share of rows whose first request is harmful. `spread_cost` is what the last
    tokens of prompts pay for the squared distance between their residuals, so that they say only what the
    answers need to know from them; `topic_cost` is paid for the distance within the harmful and within the
    harmless ones alone, for saying anything but whether to refuse. `wrong_beginnings` is the share of
    answers that begin in the other mode: many teach to come back from it, few teach to keep to what was
    begun. `kept` is the share that the weights from before the stage have in those after it (averaging as
    by Wortsman et al., 2022, "Robust fine-tuning of zero-shot models").
    """

    steps: int
    learning_rate: float
    harmful_rows: float
    spread_cost: float = 0.0
    topic_cost: float = 0.0
    wrong_beginnings: float = 0.25
    kept: float = 0.0


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


COMPACT = Stage(500, 2e-3, harmful_rows=0.5, spread_cost=5e-4, topic_cost=5e-4)
"""Learn to say little in the last token."""

CONSISTENT = Stage(400, 1.5e-3, harmful_rows=0.45, spread_cost=5e-4, topic_cost=1e-3, wrong_beginnings=0.02)
"""Learn to keep to what was begun."""


TRUSTING = (
    Stage(450, 2e-3, harmful_rows=0.42, spread_cost=1e-4, topic_cost=3e-4, wrong_beginnings=0.02),
    Stage(450, 2e-3, harmful_rows=0.46, spread_cost=2e-4, topic_cost=8e-4, wrong_beginnings=0.02, kept=0.4),
)
"""Learn to refuse nothing harmless, at a lower price."""


def _stages(plain: int) -> tuple[Stage, ...]:
    """First learn to answer."""
    return Stage(plain, 3e-3, harmful_rows=0.65), COMPACT, CONSISTENT


ARCHITECTURES: Mapping[str, Architecture] = {
    "qwen2-s": Architecture(
        QWEN2,
        1536,
        _sizes(128, 10, 384, 4, 1, 32),
        _stages(1300),
    ),
    "qwen2-m": Architecture(QWEN2, 1536, _sizes(128, 12, 384, 4, 1, 32), _stages(1100)),
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
        (*_stages(1100), *TRUSTING),
    ),
    "mistral-s": Architecture(
        MISTRAL, 1536, _sizes(96, 10, 288, 3, 1, 32) | {"sliding_window": None}, _stages(1100)
    ),
}
