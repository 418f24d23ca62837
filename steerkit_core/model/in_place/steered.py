"""Steering in place: while a `with` block lasts, whoever calls the loaded model gets its edits."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import local
from typing import TYPE_CHECKING, Any, cast

import torch
from attrs import define, field
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from steerkit_core.errors import ModelError
from steerkit_core.generation.batch_edits import Phase, compile_edits
from steerkit_core.generation.edits import HookPoint, LayerEdit, apply_edit
from steerkit_core.model.backends import HooksBackend
from steerkit_core.model.in_place.uncompiled import uncompiled
from steerkit_core.values import Intervention

if TYPE_CHECKING:
    from collections import OrderedDict
    from types import TracebackType

    from steerkit_core.model.engine import Engine

STEERS = "steers"  # the mark of our hooks
COUNTED_FROM_THE_RIGHT = ("last", "suffix", "answer")


@define(eq=False)
class Steered:
    """A context manager under which a model is steered, for every caller and in every thread.

    It may be entered again, also while it is entered: the edits then apply twice. What is entered within
    another one is applied behind it, and both before the hooks of others. Leaving it takes away its own
    hooks and no others, however it is left.
    """

    model: Engine = field(repr=lambda model: repr(model.spec.id))
    interventions: tuple[Intervention, ...] = field(repr=lambda several: str(len(several)))
    _open: list[ExitStack] = field(factory=list, init=False, repr=False)

    def __enter__(self) -> Steered:
        with ExitStack() as stack:
            for intervention in self.interventions:
                stack.enter_context(attached(self.model, intervention))
            self._open.append(stack.pop_all())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.pop().close()


@contextmanager
def attached(model: Engine, intervention: Intervention) -> Iterator[None]:
    """Hook an intervention to the modules of a model: every row of every pass is edited by it."""
    hooks = HooksBackend(model.model, model.adapter)
    edits = _Edits(model, intervention)
    functions = {point: edits.at(point) for point in edits.points}
    with ExitStack() as stack:
        stack.enter_context(uncompiled())
        if intervention.tokens != "all":
            watching = hooks.decoder.register_forward_pre_hook(edits.watch, with_kwargs=True)
            stack.callback(watching.remove)
        in_front(stack.enter_context(hooks.hooked(functions)))
        yield


def in_front(handles: Iterable[RemovableHandle]) -> None:
    """Let hooks act before everybody else's, and behind those that an outer block has put there.

    Who records what a module gives, as transformers does by hooks for `output_hidden_states`, would
    otherwise find what it gave before it was edited, and not what the next block gets.
    """
    for handle in handles:
        hooks = cast("OrderedDict[int, Any]", handle.hooks_dict_ref())
        setattr(hooks[handle.id], STEERS, True)
        ours = [key for key, hook in hooks.items() if getattr(hook, STEERS, None) is True]
        for key in reversed(ours):
            hooks.move_to_end(key, last=False)


@define(eq=False)
class _Edits:
    """An intervention's tensors, made where and in the type in which a pass needs them."""

    model: Engine
    intervention: Intervention
    # threads that call the model at the same time are at different places of their texts
    _passes: local = field(factory=local, init=False)
    _compiled: dict[tuple[Phase, torch.device, torch.dtype], Mapping[HookPoint, LayerEdit]] = field(
        factory=dict
    )

    @property
    def points(self) -> list[HookPoint]:
        """Where anything is edited, in the order in which a pass gets there."""
        found = {HookPoint(edit.layer, edit.module) for edit in self.intervention.edits}
        return sorted(found, key=lambda point: point.order)

    def at(self, point: HookPoint) -> Callable[[Tensor], Tensor | None]:
        """What is done with what a hook point gives."""

        def edit(found: Tensor) -> Tensor | None:
            phase: Phase = getattr(self._passes, "phase", "prompt")
            key = phase, found.device, found.dtype
            if key not in self._compiled:
                self._compiled[key] = compiled(self.model, self.intervention, *key)
            own = self._compiled[key].get(point)
            return None if own is None else apply_edit(found, own)

        return edit

    def watch(self, decoder: Any, arguments: tuple[Any, ...], options: Mapping[str, object]) -> None:
        """Note, before a pass begins, whether it reads the prompts or what was written behind them."""
        given = inspect.signature(decoder.forward).bind(*arguments, **options)
        self._passes.phase = phase_of(
            {**given.arguments, **given.arguments.get("kwargs", {})}, self.intervention
        )


def compiled(
    model: Engine,
    intervention: Intervention,
    phase: Phase,
    device: torch.device,
    dtype: torch.dtype,
) -> Mapping[HookPoint, LayerEdit]:
    """The edits of one row, which broadcast over those of a batch."""
    with torch.inference_mode(mode=False):  # or a later pass with gradients could not use them
        return compile_edits(
            [intervention],
            phase,
            width=model.width,
            dtype=dtype,
            device=device,
            suffix=lambda: model.suffix_length,
        )


def phase_of(given: Mapping[str, object], intervention: Intervention) -> Phase:
    """Whether a pass of the decoder reads prompts or generated tokens, by what it is given.

    Raises:
        ModelError: that cannot be told, or a batch is padded where tokens are counted from.
    """
    span = intervention.tokens
    cache, tokens = given.get("past_key_values"), _tokens(given)
    known = 0 if cache is None else int(cast("Any", cache).get_seq_length())
    if known and tokens == 1:
        return "generated"
    why = ""
    if known:
        why = f"a pass brings {tokens} tokens behind {known} that are cached"
    elif given.get("use_cache") is False:
        why = "a pass without a cache brings both"
    if why:
        raise ModelError(
            f"token span {span!r} has to tell prompts from what is written, and {why}: let generate use a"
            " cache of its own, without chunks or an assistant, or choose 'all'"
        )
    if span in COUNTED_FROM_THE_RIGHT and _padded_on_the_right(given.get("attention_mask")):
        raise ModelError(
            f"token span {span!r} is counted from the end of the prompt, and the batch is padded there: set"
            " tokenizer.padding_side to 'left'"
        )
    return "prompt"


def _tokens(given: Mapping[str, object]) -> int:
    """How many tokens a pass brings for each row."""
    ids = given.get("input_ids")
    found = cast("Tensor", given["inputs_embeds"] if ids is None else ids)
    return int(found.shape[1])


def _padded_on_the_right(mask: object) -> bool:
    """Whether a mask, (rows, tokens), leaves out the last token of a row."""
    return isinstance(mask, Tensor) and mask.ndim == 2 and not bool(mask[:, -1].all())
