"""`Model`: all that a plugin may do with a loaded model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.values import (
    BlockModule,
    ClassActivations,
    Completion,
    ContrastSet,
    DirectionSet,
    Probe,
    Prompt,
)

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from steerkit_core.components.adapter import ModelAdapter


class Model(Protocol):
    """A loaded model, as plugins see it; `steerkit_core.ModelHandle` is the one that the core loads.

    Activations are read in batches, without the LM head. Positions count from the end of the rendered
    prompt: -1 is its last token. Tensors come back on the CPU.
    """

    @property
    def spec(self) -> ModelSpec:
        """What the recipe asked for."""

    @property
    def model(self) -> PreTrainedModel:
        """The model as transformers loaded it."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Its tokenizer, with the chat template."""

    @property
    def adapter(self) -> ModelAdapter:
        """The adapter that knows its family."""

    @property
    def config(self) -> PreTrainedConfig:
        """The configuration of the language model, also where it is one part of a larger model."""

    @property
    def dtype(self) -> str:
        """What was loaded: `float32`, `float16` or `bfloat16`."""

    @property
    def fingerprint(self) -> str:
        """Identifies weights, tokenizer and template by content or commit."""

    @property
    def revision(self) -> str:
        """The hub commit; empty for a folder."""

    @property
    def identity(self) -> Mapping[str, str]:
        """Everything that determines the model's numbers."""

    @property
    def num_layers(self) -> int:
        """How many blocks there are."""

    @property
    def num_parameters(self) -> int:
        """How many parameters there are, embeddings included, tied ones once.

        Of a model in int4, whose tensors hold two parameters in each byte, it is the number before packing.
        """

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""

    @property
    def suffix_length(self) -> int:
        """How many tokens the chat template puts behind the user's text."""

    @property
    def template_sha256(self) -> str:
        """Hash of the chat template."""

    def width(self, module: BlockModule = "residual") -> int:
        """How wide what a module of a block gives is: the hidden size, or all heads side by side."""

    def render(self, prompt: Prompt) -> str:
        """The prompt in the model's chat template, up to where the answer begins.

        Raises:
            ModelError: the template refuses the turns before it, such as a system prompt.
        """

    def encode(self, prompt: Prompt) -> tuple[int, ...]:
        """Token ids of the rendered prompt; the template has written every special token already."""

    def refusal_tokens(self, openings: Sequence[str] = ()) -> tuple[int, ...]:
        """The first tokens of answers that begin with these words, by default with those of the family.

        Each is encoded behind the template, as it stands and as the template itself writes an answer.

        Raises:
            ModelError: none of them can begin an answer.
        """

    def answer_log_probs(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> Tensor:
        """Find log p that the model's answer to a prompt begins with each of some words.

        Each word is encoded as it stands behind the template, and with a space before it; the probabilities
        of both are added. Nothing is generated.

        Returns:
            float64, (prompts, answers).

        Raises:
            ModelError: no answer can begin with one of the words.
            NumericError: a number is not finite.
        """

    def mean_activations(
        self,
        groups: Sequence[Sequence[Prompt]],
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
    ) -> Tensor:
        """Mean output of every block, or of one module in it, at some positions, over groups of prompts.

        One forward pass per batch reads all layers and positions, and adds to running sums in float64:
        memory grows with layers x width, not with the number of prompts.

        Args:
            groups: prompts to be averaged, group by group.
            positions: token positions counted from the end of the rendered prompt.
            module: what is read in each block; `heads` are those of the attention side by side.

        Returns:
            float64, (groups, positions, layers, width).

        Raises:
            ModelError: a prompt has fewer tokens than a position asks for.
            NumericError: an activation is not finite.
        """

    def activations(
        self,
        prompts: Sequence[Prompt],
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
    ) -> Tensor:
        """Output of every block, or of one module in it, at some positions, prompt by prompt.

        Returns:
            float32, (prompts, positions, layers, width).

        Raises:
            ModelError: a prompt has fewer tokens than a position asks for.
            NumericError: an activation is not finite.
        """

    def class_activations(
        self,
        contrast: ContrastSet,
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
        layers: Sequence[int] | None = None,
    ) -> ClassActivations:
        """Both classes' activations, prompt by prompt, at some positions of some layers (by default all).

        One forward pass for each prompt, in batches. For the means alone `mean_activations` needs less
        memory.

        Raises:
            ModelError: a prompt has fewer tokens than a position asks for.
            NumericError: an activation is not finite.
        """

    def residual_norms(self, prompts: Sequence[Prompt]) -> tuple[float, ...]:
        """Mean length of each block's output over all tokens of the rendered prompts, layer by layer."""

    def in_stream(self, directions: DirectionSet) -> DirectionSet:
        """Directions in the space of the residual stream; those of heads go through the output projection.

        Raises:
            ModelError: the heads cannot be told apart in this model.
        """

    def probed_means(
        self,
        prompts: Sequence[Prompt],
        probes: Sequence[Probe],
        layers: Sequence[int],
        positions: Sequence[int] = (-1,),
    ) -> tuple[Tensor, Tensor]:
        """Mean outputs of some blocks over prompts: as they are, and under each of many interventions.

        A pass ends with the last of `layers`, and begins where its probe does, with what the plain pass has
        given that block. For each prompt a probe everywhere costs at most max(layers) + 1 block
        evaluations, one at the input of block l max(layers) + 1 - l, the plain pass max(layers) + 1.
        What all prompts begin with is computed once for each probe, where the model allows it.

        Args:
            prompts: those that are averaged.
            probes: the interventions.
            layers: the blocks whose outputs are read.
            positions: token positions counted from the end of the rendered prompt.

        Returns:
            Both float64: the plain means, (layers, positions, hidden), and those under the probes,
            (probes, layers, positions, hidden), which may hold numbers that are not finite.

        Raises:
            ModelError: a prompt has fewer tokens than a position asks for, or blocks cannot be left out of
                a pass, as those of a model on a server.
            NumericError: a plain activation is not finite.
        """

    def probed_logits(
        self,
        prompts: Sequence[Prompt],
        probes: Sequence[Probe],
        compare: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        """What is made of the logits of the first answer token, for every probe and prompt.

        For each prompt a probe everywhere costs a forward pass at most, one at the input of block l the
        blocks from l on, and all of them together one plain pass.

        Args:
            prompts: the prompts.
            probes: the interventions.
            compare: called batch by batch with plain logits, (prompts, vocabulary), and those of some
                probes, (probes, prompts, vocabulary), both float32; gives (probes, prompts) or
                (probes, prompts, any).

        Returns:
            What `compare` gave, probe by probe and prompt by prompt.

        Raises:
            ModelError: blocks cannot be left out of a pass, as those of a model on a server.
        """

    def complete(
        self,
        prompts: str | Prompt | Sequence[str | Prompt],
        *,
        max_new_tokens: int = 100,
        temperature: float = 0.0,
        top_p: float = 1.0,
        batch_size: int | Literal["auto"] = "auto",
        seed: int = 0,
    ) -> list[Completion]:
        """What the model answers to some requests, in their order, each in the model's chat template.

        Args:
            prompts: a text, or texts or prompts, without the chat template.
            max_new_tokens: longest answer, in tokens.
            temperature: 0 is greedy decoding.
            top_p: nucleus of the distribution to sample from.
            batch_size: rows that are generated together; auto measures it.
            seed: of sampling.

        Returns:
            Completions; `text` is what was written.

        Raises:
            SteerkitError: an option is of another type or size.

        >>> import steerkit_core
        >>> model = steerkit_core.load_model("bundled:qwen2-s")
        >>> [answer] = model.complete("Name three rivers in Europe.", max_new_tokens=4)
        >>> answer.tokens
        4
        """
