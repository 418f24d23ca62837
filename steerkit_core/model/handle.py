"""ModelHandle: the narrow door through which plugins reach a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from attrs import define, field
from jinja2 import TemplateError
from torch import Tensor

from steerkit_core.components import ModelAdapter, Site
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import ModelError, NumericError, SteerkitError
from steerkit_core.generation import Row, Written, generate, left_pad, positions_of
from steerkit_core.generation.answers import answer_log_probs, answer_tokens
from steerkit_core.generation.cache import roomy_cache
from steerkit_core.generation.edits import (
    LayerEdit,
    Phase,
    Place,
    apply_edit,
    check_width,
    compile_edits,
    trailing_mask,
)
from steerkit_core.model.backends import Backend, HeadLayout, choose_backend, head_layout, make_backend
from steerkit_core.model.health import StreamHealth
from steerkit_core.model.in_place.steer import steer
from steerkit_core.model.in_place.steered import Steered
from steerkit_core.model.partial_passes.probing import probed_logits, probed_means
from steerkit_core.model.prompt_audit import suffix_length, template_hash
from steerkit_core.model.stream_meter import StreamGauge
from steerkit_core.recipe.lookup import built
from steerkit_core.recipe.options import GenerationOptions
from steerkit_core.values import (
    EMPTY,
    BlockModule,
    ClassActivations,
    Completion,
    Condition,
    ContrastSet,
    Direction,
    DirectionSet,
    Edit,
    Intervention,
    Probe,
    Prompt,
)

if TYPE_CHECKING:
    from torch.nn import Module
    from transformers import Cache, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

FORWARD_TOKENS = 8192
Said = tuple[tuple[tuple[str, str], ...], str]


@define(eq=False, slots=False, repr=False)
class ModelHandle:
    """A loaded model. `fingerprint` identifies weights, tokenizer and template by content or commit.

    `dtype` is the type that was loaded (`float32`, `float16` or `bfloat16`); `revision` the hub commit, or
    the empty string for a folder. `batch_rows` remembers how many rows were found to go well together, by
    the length in tokens that they end with at most; `rows_that_fit` how many did where there were no more.
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
    _encoded: dict[Said, tuple[int, ...]] = field(factory=dict, init=False, repr=False)
    _conditioned: dict[tuple[Place, int], dict[Said, Tensor]] = field(factory=dict, init=False, repr=False)

    def __repr__(self) -> str:
        what = f"{type(self.model).__name__}, {self.num_layers} layers, width {self.hidden_size}"
        precision = self.dtype if self.spec.quantization == "none" else self.spec.quantization
        return f"ModelHandle({self.spec.id!r}: {what}, {precision} on {self.device})"

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
    def record(self) -> dict[str, Any]:
        """What a file of directions says of the model that they were found in, besides its identity."""
        return {
            "id": self.spec.id,
            "revision": self.revision,
            "template": self.template_sha256,
            "model_type": self.config.model_type,
            "num_layers": self.num_layers,
            "hidden_size": self.hidden_size,
        }

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

    @torch.inference_mode()
    def in_stream(self, directions: DirectionSet) -> DirectionSet:
        """Directions in the space of the residual stream, so that they can be compared or probed there.

        Those of heads become what each block's output projection makes of them, which is what attention
        gives more when they are added to the heads. All others are in that space already.

        Raises:
            ModelError: the heads cannot be told apart in this model.
        """
        if directions.module != "heads":
            return directions
        layout, raw = self.heads, []
        for column, layer in enumerate(directions.layers):
            heads = directions.units[:, column].to(self.device, self.stream_dtype)
            check_width(Edit(layer, add=heads[0], module="heads"), layout.width)
            project = self.backend.target(Place(layer, "heads"))
            # a projection may have a bias, which nobody adds
            wide = (project(heads) - project(torch.zeros_like(heads))).double().cpu()
            raw.append(wide * directions.raw_norms[:, column, None].double())
        return DirectionSet.from_raw(
            torch.stack(raw, dim=1), directions.positions, directions.layers, "attention"
        )

    def check(self, intervention: Intervention) -> None:
        """Raise `ModelError` where an edit asks for a layer or width that the model has not."""
        for edit in intervention.edits:
            self.backend.target(Place(edit.layer, edit.module))
            check_width(edit, self.width(edit.module))
        if intervention.edits and intervention.tokens == "suffix":
            self._suffix_to_edit()
        if intervention.condition is not None:
            self.backend.target(Place(intervention.condition.layer, intervention.condition.module))

    def compiled(self, interventions: Sequence[Intervention], phase: Phase) -> dict[Place, LayerEdit]:
        """The edits of a batch, row by row, while it reads the prompts or while it writes.

        Raises:
            ModelError: an edit does not fit the model, or there is no such span of tokens in its prompts.
        """
        return compile_edits(
            interventions,
            phase,
            width=self.width,
            dtype=self.stream_dtype,
            device=self.device,
            suffix=self._suffix_to_edit,
        )

    def _suffix_to_edit(self) -> int:
        if not self.suffix_length:
            raise ModelError(
                f"site.tokens: the chat template of {self.spec.id} puts nothing behind the user's text, so"
                " that there is no 'suffix' to edit: choose 'last'"
            )
        return self.suffix_length

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

    def render(self, prompt: Prompt) -> str:
        """The prompt in the model's chat template, up to where the answer begins.

        Raises:
            ModelError: the template refuses the turns before it, such as a system prompt.
        """
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

    def completion(self, prompt: Prompt, written: Written) -> Completion:
        """What was written, as text. An empty answer is a failure to report, not a garbled one.

        Not so where its first token was watched: that is known, whatever came of the text.
        """
        text, stop, error = self.decode(written.token_ids), written.stop, written.error
        if error is None and written.score is None and not text.strip():
            stop, error = "failed", EMPTY
        return Completion(prompt, text, len(written.token_ids), stop, error, written.score)

    def new_cache(self) -> Any:
        """What a batch remembers between two calls of `next_logits`: an empty one."""
        own = self.backend.new_cache()
        return roomy_cache(self.config) if own is None else own

    @cached_property
    def suffix_length(self) -> int:
        """How many tokens the chat template puts behind the user's text."""
        return suffix_length(self.tokenizer, self.adapter)

    @property
    def template_sha256(self) -> str:
        """Hash of the chat template, by which a change of it is told from one of the weights."""
        return template_hash(self.tokenizer)

    def refusal_tokens(self, openings: Sequence[str] = ()) -> tuple[int, ...]:
        """The first tokens of answers that begin with these words; by default with those of the family.

        An answer's first word is encoded as it stands in a conversation: behind the template, and as the
        template itself writes an answer, which puts a space before it in some families.
        """
        prompt = Prompt("probe", "a")
        rendered, known = self.render(prompt), len(self.encode(prompt))
        found: dict[int, None] = {}
        for opening in openings or self.adapter.defaults.refusal_openings:
            turns = [{"role": "user", "content": prompt.text}, {"role": "assistant", "content": opening}]
            whole = cast("str", self.tokenizer.apply_chat_template(turns, tokenize=False))
            for text in (rendered + opening, whole):
                ids = cast("list[int]", self.tokenizer(text, add_special_tokens=False)["input_ids"])
                if tuple(ids[:known]) == self.encode(prompt) and len(ids) > known:
                    found[ids[known]] = None
        if not found:
            raise ModelError(
                f"none of {', '.join(map(repr, openings or self.adapter.defaults.refusal_openings))} can"
                f" begin an answer of {self.spec.id}: its tokenizer joins them with the template"
            )
        return tuple(found)

    def answer_log_probs(self, prompts: Sequence[Prompt], answers: Sequence[str]) -> Tensor:
        """Find log p that the model's answer to a prompt begins with each of some words.

        Each word is encoded as it stands behind the template, and with a space before it; the probabilities
        of both are added. Nothing is generated.

        Returns:
            float64, (prompts, answers), on the CPU.

        Raises:
            ModelError: no answer can begin with one of the words.
            NumericError: a number is not finite.
        """
        spelt = [answer_tokens(self, answer) for answer in answers]
        for answer, ways in zip(answers, spelt, strict=True):
            if not ways:
                raise ModelError(
                    f"{answer!r} can begin no answer of {self.spec.id}: its tokenizer joins it"
                    " with the template"
                )
        encoded = [
            self.tokenizer(self.render(prompt), add_special_tokens=False)["input_ids"] for prompt in prompts
        ]
        found = torch.empty(len(prompts), len(answers), dtype=torch.float64)
        order = sorted(range(len(prompts)), key=lambda index: -len(encoded[index]))
        while order:
            size = max(1, FORWARD_TOKENS // len(encoded[order[0]]))
            batch, order = order[:size], order[size:]
            each = answer_log_probs(
                self, [encoded[index] for index in batch], [tokens for ways in spelt for tokens in ways]
            )
            parts = torch.split(each, [len(ways) for ways in spelt], dim=1)
            found[batch] = torch.stack([part.logsumexp(dim=1) for part in parts], dim=1)
        if not bool(torch.isfinite(found).all()):
            raise NumericError(f"the logits of {self.spec.id} are not finite in {self.dtype}")
        return found

    @torch.inference_mode()
    def last_logits(
        self,
        rows: Sequence[tuple[Prompt, Intervention]],
        reduce: Callable[[Tensor], Tensor] = lambda logits: logits,
    ) -> Tensor:
        """Logits of the first token of an answer, for prompts under interventions; nothing is generated.

        Args:
            rows: a prompt and how it is steered, each a row of one batch or another.
            reduce: makes of a batch's logits, (rows, vocabulary), float32, what is to be kept of each row.

        Returns:
            What `reduce` gave, row by row, on the CPU.
        """
        kept: list[Tensor | None] = [None] * len(rows)
        steered = self.conditioned(rows)
        for batch in self._batches([prompt for prompt, _ in rows]):
            prompts = [rows[index][0] for index in batch]
            ids, mask = left_pad([self.encode(prompt) for prompt in prompts], self.pad_id, self.device)
            edits = self.compiled([steered[index] for index in batch], "prompt")
            logits = self.next_logits(ids, mask, positions_of(mask), self.backend.new_cache(), edits)
            for index, found in zip(batch, reduce(logits.float()).cpu(), strict=True):
                kept[index] = found
        return torch.stack([found for found in kept if found is not None])

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
        evaluations, one at the input of block l max(layers) + 1 - l, the plain pass max(layers) + 1; no LM
        head is needed.
        What all prompts begin with is computed once for each probe, where the model allows it.

        Args:
            prompts: those that are averaged.
            probes: the interventions.
            layers: the blocks whose outputs are read.
            positions: token positions counted from the end of the rendered prompt.

        Returns:
            Both float64, on the CPU: the plain means, (layers, positions, hidden), and those under the
            probes, (probes, layers, positions, hidden), which may hold numbers that are not finite.

        Raises:
            ModelError: a prompt has fewer tokens than a position asks for, or the model's blocks cannot be
                left out of a pass, as those of a model on a server.
            NumericError: a plain activation is not finite.
        """
        self._check_positions(prompts, positions)
        plain, found = probed_means(self, prompts, probes, layers, positions)
        self._check_finite(plain.permute(1, 0, 2).unsqueeze(0), layers)
        return plain, found

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
            What `compare` gave, probe by probe and prompt by prompt, on the CPU.

        Raises:
            ModelError: the model's blocks cannot be left out of a pass, as those of a model on a server.
        """
        return probed_logits(self, prompts, probes, compare)

    def next_logits(
        self,
        ids: Tensor,
        mask: Tensor,
        position_ids: Tensor,
        cache: Cache | None,
        edits: Mapping[Place, LayerEdit] | None = None,
        keep: int | None = None,
    ) -> Tensor:
        """Logits of the token after the last, (rows, vocabulary), under edits; the cache grows by `ids`.

        Without a cache nothing is remembered of the tokens. With `keep`, those after each of the last so
        many tokens, (rows, keep, vocabulary).
        """
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

    def generate(
        self, rows: Sequence[Row], options: GenerationOptions, seed: int = 0
    ) -> Iterator[tuple[int, Written]]:
        """Complete every row under its own intervention; see `steerkit_core.generation.generate`."""
        return generate(self, rows, options, seed)

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

        Inside of `steer` it is what the steered model answers.

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
        given = [prompts] if isinstance(prompts, str | Prompt) else list(prompts)
        strange = next((one for one in given if not isinstance(one, str | Prompt)), None)
        if strange is not None:
            raise SteerkitError(f"complete: expected texts or prompts, got {strange!r}")
        asked = [
            one if isinstance(one, Prompt) else Prompt(f"prompt-{number}", one)
            for number, one in enumerate(given, start=1)
        ]
        options = {
            "max_new_tokens": max_new_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "batch_size": batch_size,
        }
        rows = [Row(prompt, Intervention(), prompt.id) for prompt in asked]
        written = dict(self.generate(rows, built(GenerationOptions, options, "generation"), seed))
        return [self.completion(prompt, written[row]) for row, prompt in enumerate(asked)]

    def steer(
        self,
        direction: Direction | Sequence[Direction] | DirectionSet,
        /,
        multiplier: float | None = None,
        *,
        site: str | Site = "residual-add",
        layer: int | None = None,
        position: int | None = None,
        contrast: object = None,
        **options: Any,
    ) -> Steered:
        """A context manager under which the model itself is steered, whoever calls it.

        All rows of every pass are edited, just as a recipe's site edits them: with `complete`, with
        transformers' own `generate` (greedy, sampling, beams, with a cache or without) and `pipeline`, and
        with plain forward passes, also with gradients. Hooks do it; the weights stay as they are, and the
        hooks are gone when the block is left, however it is left. Blocks nest: an inner one edits what the
        outer one has edited. Other threads that call the model meanwhile are steered too.

        Args:
            direction: a direction, as `directions.at(layer=5)` gives it; several, which are applied one
                after another; or a whole set, with `layer`, for sites that use each layer's own.
            multiplier: strength; by default the site's own, else the family's.
            site: the name of an installed site, or a site that is built already.
            layer: which of a set's layers.
            position: which of a set's positions, where it has several.
            contrast: the prompts that the directions were found with, for sites that read them, such as
                `residual-affine`; whatever `extract` takes.
            options: those of the site, as in a recipe: `unit`, `span`, `tokens`, `preserve_norm`, ...

        Raises:
            SteerkitError: the model is on a server, has no such layer or another width, the direction was
                read elsewhere than the site edits, or an option is wrong. A span of `tokens` other than
                `all` is refused in the middle of `generate` where prompts and answers cannot be told apart,
                as without a cache.

        >>> import steerkit_core
        >>> model = steerkit_core.load_model("bundled:qwen2-s")
        >>> directions = steerkit_core.extract(model, contrast="refusal-5")
        >>> with model.steer(directions.at(layer=1), multiplier=4):
        ...     [answer] = model.complete("Name three rivers in Europe.", max_new_tokens=4)
        >>> answer.text.split()[0]
        'I'
        """
        return steer(
            self,
            direction,
            multiplier,
            site=site,
            place={"layer": layer, "position": position},
            contrast=contrast,
            options=options,
        )

    def conditioned(self, rows: Sequence[tuple[Prompt, Intervention]]) -> list[Intervention]:
        """The rows' interventions, with none for a prompt that does not meet its condition."""
        asked: dict[Condition, dict[Said, Prompt]] = {}
        for prompt, intervention in rows:
            if intervention.condition is not None:
                asked.setdefault(intervention.condition, {})[prompt.said] = prompt
        met = {
            (condition, said)
            for condition, prompts in asked.items()
            for said, holds in zip(prompts, self.meets(list(prompts.values()), condition), strict=True)
            if holds
        }
        return [
            way if way.condition is None or (way.condition, prompt.said) in met else Intervention()
            for prompt, way in rows
        ]

    def meets(self, prompts: Sequence[Prompt], condition: Condition) -> list[bool]:
        """Which prompts meet a condition. What it asks of a prompt is read once, before anything is edited.

        A prompt whose projection is not a number lies on no side, and counts as below.

        Raises:
            ModelError: a prompt has fewer tokens than the condition's position asks for.
        """
        place = Place(condition.layer, condition.module)
        known = self._conditioned.setdefault((place, condition.position), {})
        missing = list({p.said: p for p in prompts if p.said not in known}.values())
        self._check_positions(missing, (condition.position,))
        for batch in self._batches(missing):
            chosen = [missing[index] for index in batch]

            def keep(_layer: int, found: Tensor, chosen: Sequence[Prompt] = chosen) -> None:
                vectors = found[:, condition.position].float().cpu()
                known.update(zip((prompt.said for prompt in chosen), vectors, strict=True))

            self._forward(chosen, keep, place.module, (place.layer,))
        unit = condition.unit.double().cpu()
        return [condition.holds(float(known[prompt.said].double() @ unit)) for prompt in prompts]

    def mean_activations(
        self,
        groups: Sequence[Sequence[Prompt]],
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
    ) -> Tensor:
        """Mean output of every block, or of one module in it, at some positions, over groups of prompts.

        One forward pass per batch reads all layers and positions, without the LM head, and adds to running
        sums in float64: memory grows with layers x hidden, not with the number of prompts.

        Args:
            groups: prompts to be averaged, group by group.
            positions: token positions counted from the end of the rendered prompt, -1 being its last token.
            module: what is read in each block; `heads` are those of the attention side by side.

        Returns:
            float64, (groups, positions, layers, width), on the CPU.

        Raises:
            ModelError: a prompt has fewer tokens than a position asks for.
            NumericError: an activation is not finite.
        """
        shape = (len(groups), len(positions), self.num_layers, self.width(module))
        sums = torch.zeros(shape, dtype=torch.float64, device=self.device)
        columns = torch.tensor(list(positions), device=self.device)
        members = [(prompt, group) for group, prompts in enumerate(groups) for prompt in prompts]
        self._check_positions([prompt for prompt, _ in members], positions)
        for batch in self._batches([prompt for prompt, _ in members]):
            owners = torch.tensor([members[index][1] for index in batch], device=self.device)

            def add(layer: int, residual: Tensor, owners: Tensor = owners) -> None:
                read = residual[:, columns].double()
                sums[:, :, layer].index_add_(0, owners, read)

            self._forward([members[index][0] for index in batch], add, module)
        self._check_finite(sums)
        sizes = torch.tensor([len(prompts) for prompts in groups], dtype=torch.float64, device=self.device)
        return (sums / sizes.view(-1, 1, 1, 1)).cpu()

    def activations(
        self,
        prompts: Sequence[Prompt],
        positions: Sequence[int] = (-1,),
        module: BlockModule = "residual",
    ) -> Tensor:
        """Output of every block, or of one module in it, at some positions, prompt by prompt.

        Returns:
            float32, (prompts, positions, layers, width), on the CPU.

        Raises:
            ModelError: a prompt has fewer tokens than a position asks for.
            NumericError: an activation is not finite.
        """
        self._check_positions(prompts, positions)
        shape = (len(prompts), len(positions), self.num_layers, self.width(module))
        store = torch.empty(shape, dtype=torch.float32)
        columns = torch.tensor(list(positions), device=self.device)
        for batch in self._batches(prompts):
            places = torch.tensor(batch)

            def keep(layer: int, residual: Tensor, places: Tensor = places) -> None:
                store[places, :, layer] = residual[:, columns].float().cpu()

            self._forward([prompts[index] for index in batch], keep, module)
        self._check_finite(store)
        return store

    def _check_positions(self, prompts: Sequence[Prompt], positions: Sequence[int]) -> None:
        """Refuse prompts that have no token at a position; padding would be read there."""
        for prompt in prompts:
            if len(self.encode(prompt)) < -min(positions):
                raise ModelError(
                    f"prompt {prompt.id!r} has {len(self.encode(prompt))} tokens with its template, too few"
                    f" for position {min(positions)}"
                )

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
        found = self.activations((*contrast.positive, *contrast.negative), positions, module)
        chosen = range(self.num_layers) if layers is None else layers
        return ClassActivations.of(found, contrast, positions, chosen)

    def _check_finite(self, activations: Tensor, layers: Sequence[int] | None = None) -> None:
        """Refuse activations, (any, positions, layers, hidden), of which one is NaN or infinite."""
        sick = (~torch.isfinite(activations)).permute(2, 0, 1, 3).flatten(1).any(dim=1)
        if bool(sick.any()):
            row = int(sick.nonzero()[0, 0])
            layer = row if layers is None else layers[row]
            remedy = ": set model.dtype to 'bfloat16' or 'float32'" if self.dtype == "float16" else ""
            raise NumericError(f"activations at layer {layer} are not finite in {self.dtype}{remedy}")

    def residual_norms(self, prompts: Sequence[Prompt]) -> tuple[float, ...]:
        """Mean length of each block's output over all tokens of the rendered prompts, layer by layer."""
        return self.stream_health(prompts).norm_mean

    def stream_health(self, prompts: Sequence[Prompt]) -> StreamHealth:
        """Lengths of each block's output over all tokens of the rendered prompts, and what overflows."""
        gauge = StreamGauge(self.num_layers, self.hidden_size, self.device, self.suffix_length)
        for batch in self._batches(prompts):
            chosen = [prompts[index] for index in batch]
            _, mask = left_pad([self.encode(prompt) for prompt in chosen], self.pad_id, self.device)

            def add(layer: int, residual: Tensor, mask: Tensor = mask) -> None:
                gauge.add(layer, residual, mask)

            self._forward(chosen, add)
        return gauge.health()

    def mean_change(
        self, prompts: Sequence[Prompt], intervention: Intervention, layer: int
    ) -> float | None:
        """Mean length by which an intervention changes what a module of a block gives, unsteered before it.

        Over the tokens that it edits in the rendered prompts; over all of them where it edits generated
        ones alone. None where it edits nothing at that layer.
        """
        own = [edit for edit in intervention.edits if edit.layer == layer]
        if not own:
            return None
        place = Place(layer, own[0].module)
        edits = tuple(edit for edit in own if edit.module == place.module)
        span = "all" if intervention.tokens == "generated" else intervention.tokens
        total, tokens = 0.0, 0
        for batch in self._batches(prompts):
            chosen = [prompts[index] for index in batch]
            _, mask = left_pad([self.encode(prompt) for prompt in chosen], self.pad_id, self.device)
            (compiled,) = compile_edits(
                [Intervention(edits, span)] * len(chosen),
                "prompt",
                width=self.width,
                dtype=torch.float32,
                device=self.device,
                suffix=self._suffix_to_edit,
            ).values()

            def add(_layer: int, found: Tensor, mask: Tensor = mask, edit: LayerEdit = compiled) -> None:
                nonlocal total, tokens
                wide, seen = found.float(), mask.bool()
                if edit.trailing is not None:
                    seen &= trailing_mask(edit.trailing, wide.shape[1])[..., 0]
                change = (apply_edit(wide, edit) - wide).double().norm(dim=-1)
                total += float(change[seen].sum())
                tokens += int(seen.sum())

            self._forward(chosen, add, place.module, (layer,))
        return total / tokens

    def _batches(self, prompts: Sequence[Prompt]) -> Iterator[list[int]]:
        """Indices of prompts that go through the model together, longest first."""
        order = sorted(range(len(prompts)), key=lambda index: -len(self.encode(prompts[index])))
        while order:
            size = max(1, FORWARD_TOKENS // len(self.encode(prompts[order[0]])))
            yield order[:size]
            order = order[size:]

    @torch.inference_mode()
    def _forward(
        self,
        prompts: Sequence[Prompt],
        observe: Callable[[int, Tensor], None],
        module: BlockModule = "residual",
        layers: Sequence[int] | None = None,
    ) -> None:
        """Send prompts through the decoder, without the LM head, and observe a module of some blocks.

        By default of all; of fewer the pass ends behind the last.
        """
        ids, mask = left_pad([self.encode(prompt) for prompt in prompts], self.pad_id, self.device)
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": positions_of(mask),
            "use_cache": False,
        }
        places = [Place(layer, module) for layer in (range(self.num_layers) if layers is None else layers)]
        self.backend.observe(inputs, places, lambda place, found: observe(place.layer, found))
