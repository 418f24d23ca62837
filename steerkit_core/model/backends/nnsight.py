"""nnsight: the same reads and edits, written as traces of the forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import define

from steerkit_core.errors import ModelError
from steerkit_core.generation.edits import HookPoint, LayerEdit, apply_edit
from steerkit_core.model.backends.base import Backend, Inputs

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@contextmanager
def _explained() -> Iterator[None]:
    """Turn nnsight's complaint about the order of modules into a `ModelError`."""
    from nnsight.intervention.interleaver import OutOfOrderError

    try:
        yield
    except OutOfOrderError as error:
        raise ModelError(
            "backend 'nnsight' asks for heads, attention and MLP of a block in this order, but the model"
            " computes them in another: choose backend 'hooks'"
        ) from error


@define(eq=False, slots=False)
class NNsightBackend(Backend):
    """A trace for each forward pass, over the model that is loaded already: no weight is there twice.

    Wrapping changes the `forward` of every module once, for good; outside of a trace it does what it did.
    The plain wrapper is used, not the one for language models: tokens, masks and positions are ours.
    """

    name: ClassVar[str] = "nnsight"

    @cached_property
    def root(self) -> Any:
        """The model as nnsight sees it."""
        from nnsight import NNsight

        return NNsight(self.model)

    @cached_property
    def _views(self) -> dict[int, Any]:
        """Every module as nnsight sees it, by the module's identity."""
        by_name = dict(self.model.named_modules())
        # the path of a view begins with the root's own name; some views are of nnsight's own modules
        named = ((view.path.partition(".")[2], view) for view in self.root.modules())
        return {id(by_name[name]): view for name, view in named if name in by_name}

    def view(self, module: Module) -> Any:
        """A module as nnsight sees it.

        Raises:
            ModelError: the model has it under no name, so that nnsight cannot see it.
        """
        if id(module) not in self._views:
            raise ModelError(
                f"backend 'nnsight' cannot see the {type(module).__name__} that model adapter"
                f" {self.adapter.name!r} names, as it is no submodule of the model: choose backend 'hooks'"
            )
        return self._views[id(module)]

    @_explained()
    def observe(
        self, inputs: Inputs, points: Sequence[HookPoint], observe: Callable[[HookPoint, Tensor], None]
    ) -> None:
        """One trace of the decoder that only looks, up to the last hook point."""
        views = [(point, self.view(self.target(point))) for point in points]
        read = self.adapter.read
        # the block below runs inside of the forward pass, and must ask for hook points in its order
        early = points[-1].layer < len(self.blocks) - 1
        with self.view(self.decoder).trace(**inputs) as tracer:
            for point, view in views:
                observe(point, view.input if point.before else read(view.output))
            if early:
                tracer.stop()

    @_explained()
    def logits(self, inputs: Inputs, edits: Mapping[HookPoint, LayerEdit]) -> Tensor:
        """One trace of the model that edits."""
        views = [(point, self.view(self.target(point)), edit) for point, edit in edits.items()]
        read, write = self.adapter.read, self.adapter.write
        found: list[Tensor] = []
        with self.root.trace(**inputs) as tracer:
            for point, view, edit in views:
                if point.before:
                    view.input = apply_edit(view.input, edit)
                else:
                    output = view.output
                    view.output = write(output, apply_edit(read(output), edit))
            found.append(tracer.result.logits)
        return found[0]
