"""The loaded model itself: its parts, and from prompts to tokens to logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import torch
from attrs import define, field
from jinja2 import TemplateError
from torch import Tensor

from steerkit_core.components import ModelAdapter, ModelRecord
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import ModelError
from steerkit_core.generation.batch_edits import check_width
from steerkit_core.generation.cache import roomy_cache
from steerkit_core.generation.decoder import Cache
from steerkit_core.generation.edits import HookPoint, LayerEdit
from steerkit_core.model.backends import Backend, HeadLayout, choose_backend, head_layout, make_backend
from steerkit_core.model.template import suffix_length, template_hash
from steerkit_core.values import BlockModule, Intervention, Prompt

if TYPE_CHECKING:
    from torch.nn import Module
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Said = tuple[tuple[tuple[str, str], ...], str]


@define(eq=False, slots=False, repr=False)
class Engine:
    """A loaded model, and what is known of it without a forward pass of a prompt.

    `dtype` is the type that was loaded (`float32`, `float16` or `bfloat16`); `fingerprint` identifies
    weights, tokenizer and template by content or commit; `revision` is the hub commit, or the empty string
    for a folder. `batch_rows` remembers how many rows were found to go well together, by the length in
    tokens that they end with at most; `rows_that_fit` how many did where there were no more.
    """

    spec: ModelSpec
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    adapter: ModelAdapter
    dtype: str
    fingerprint: str
    revision: str = ""
    batch_rows: dict[int, int] = field(factory=dict)
    rows_that_fit: dict[int, int] = field(factory=dict)
    _encoded: dict[Said, tuple[int, ...]] = field(factory=dict, init=False)
    # by where a condition reads: the vector of each prompt that was asked for
    read_for_conditions: dict[tuple[HookPoint, int], dict[Said, Tensor]] = field(factory=dict, init=False)

    @property
    def identity(self) -> dict[str, str]:
        """Everything that determines the model's numbers; part of every cell's key."""
        return {
            "fingerprint": self.fingerprint,
            "dtype": self.dtype,
            "quantization": self.spec.quantization,
            "device": self.device.type,
        }

    @property
    def record(self) -> ModelRecord:
        """What a file of directions says of the model that they were found in, besides its identity."""
        return ModelRecord(
            id=self.spec.id,
            revision=self.revision,
            template=self.template_sha256,
            model_type=self.config.model_type,
            num_layers=self.num_layers,
            hidden_size=self.hidden_size,
        )

    @cached_property
    def blocks(self) -> Sequence[Module]:
        """The decoder blocks, in order."""
        return self.adapter.blocks(self.model)

    @cached_property
    def backend(self) -> Backend:
        """How the model's tensors are reached."""
        return make_backend(choose_backend(self.spec), self.model, self.adapter)

    @cached_property
    def heads(self) -> HeadLayout:
        """Where the attention heads are; proved on a tiny forward pass when it is first asked for.

        Raises:
            ModelError: they cannot be told apart in this model.
        """
        return head_layout(self.model, self.adapter)

    @property
    def num_layers(self) -> int:
        """How many blocks there are."""
        return len(self.blocks)

    @property
    def num_parameters(self) -> int:
        """How many parameters there are, embeddings included, tied ones once.

        Of a model in int4, whose tensors hold two parameters in each byte, it is the number before packing.
        """
        return int(self.model.num_parameters())

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        return int(self.config.hidden_size)

    def width(self, module: BlockModule = "residual") -> int:
        """How wide what a module of a block gives is: the hidden size, or all heads side by side."""
        return self.heads.width if module == "heads" else self.hidden_size

    @property
    def config(self) -> PreTrainedConfig:
        """The configuration of the language model, also where it is one part of a larger model."""
        return self.model.config.get_text_config()

    @property
    def device(self) -> torch.device:
        """Where inputs must be; for a remote model, which has no weights here, the CPU."""
        found = cast("torch.device", cast("Any", self.model.get_input_embeddings()).weight.device)
        return torch.device("cpu") if found.type == "meta" else found

    @property
    def stream_dtype(self) -> torch.dtype:
        """The type of the residual stream."""
        return cast("torch.dtype", getattr(torch, self.dtype))

    @cached_property
    def eos_ids(self) -> frozenset[int]:
        """The tokens that end an answer, from the generation config and the tokenizer."""
        configured = getattr(self.model.generation_config, "eos_token_id", None)
        ids = configured if isinstance(configured, list) else [configured]
        return frozenset(i for i in [*ids, self.tokenizer.eos_token_id] if isinstance(i, int))

    @property
    def pad_id(self) -> int:
        """A token to pad with; masked, so that any will do."""
        pad = self.tokenizer.pad_token_id
        return pad if isinstance(pad, int) else next(iter(self.eos_ids), 0)

    def check(self, intervention: Intervention) -> None:
        """Refuse an intervention that could not be applied, before anything is generated.

        Raises:
            ModelError: an edit asks for a layer, width or span of tokens that the model does not have.
        """
        for edit in intervention.edits:
            self.backend.target(HookPoint(edit.layer, edit.module))
            check_width(edit, self.width(edit.module))
        if intervention.edits and intervention.tokens == "suffix":
            self.suffix_to_edit()
        if intervention.condition is not None:
            self.backend.target(HookPoint(intervention.condition.layer, intervention.condition.module))

    def render(self, prompt: Prompt) -> str:
        """See `Model.render`."""
        if not prompt.before:
            return self.adapter.render(self.tokenizer, prompt.text)
        turns = [{"role": role, "content": text} for role, text in (*prompt.before, ("user", prompt.text))]
        try:
            return self.adapter.render_turns(self.tokenizer, turns)
        except TemplateError as error:
            raise ModelError(f"the chat template of {self.spec.id} refuses these turns: {error}") from None

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of the rendered prompt.

        The template has written every special token already, so none is added: Gemma and Mistral would
        otherwise begin with two BOS.
        """
        if prompt.said not in self._encoded:
            encoding = self.tokenizer(self.render(prompt), add_special_tokens=False)
            self._encoded[prompt.said] = tuple(cast("list[int]", encoding["input_ids"]))
        return self._encoded[prompt.said]

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of tokens, without special ones."""
        return cast("str", self.tokenizer.decode(list(token_ids), skip_special_tokens=True))

    def new_cache(self) -> Cache:
        """What a batch remembers between two calls of `next_logits`: an empty one."""
        own = self.backend.new_cache()
        return roomy_cache(self.config) if own is None else own

    @cached_property
    def suffix_length(self) -> int:
        """How many tokens the chat template puts behind the user's text."""
        return suffix_length(self.tokenizer, self.adapter)

    def suffix_to_edit(self) -> int:
        """See `Decoder.suffix_to_edit`."""
        if not self.suffix_length:
            raise ModelError(
                f"site.tokens: the chat template of {self.spec.id} puts nothing behind the user's text, so"
                " that there is no 'suffix' to edit: choose 'last'"
            )
        return self.suffix_length

    @property
    def template_sha256(self) -> str:
        """Hash of the chat template, by which a change of it is told from one of the weights."""
        return template_hash(self.tokenizer)

    def next_logits(
        self,
        ids: Tensor,
        mask: Tensor,
        position_ids: Tensor,
        cache: Cache | None,
        edits: Mapping[HookPoint, LayerEdit] | None = None,
        keep: int | None = None,
    ) -> Tensor:
        """See `Decoder.next_logits`."""
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": position_ids,
            "past_key_values": cache,
            "use_cache": cache is not None,
            "logits_to_keep": keep or 1,
        }
        logits = self.backend.logits(inputs, edits or {})
        return logits[:, -1] if keep is None else logits[:, -keep:]
