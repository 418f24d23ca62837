"""PyTorch forward hooks, which are always taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, ClassVar, cast

from attrs import define
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from steerkit_core.generation.edits import HookPoint, LayerEdit, apply_edit
from steerkit_core.model.backends.base import Backend, Inputs


class _SeenEnough(Exception):
    """Ends a forward pass behind the last hook point that is observed."""


@define(eq=False, slots=False)
class HooksBackend(Backend):
    """A hook on each module that is read or edited, for the length of one forward pass."""

    name: ClassVar[str] = "hooks"

    def observe(
        self, inputs: Inputs, points: Sequence[HookPoint], observe: Callable[[HookPoint, Tensor], None]
    ) -> None:
        """One forward pass of the decoder under hooks that only look, up to the last of them."""
        last = points[-1]

        def look_at(point: HookPoint) -> Callable[[Tensor], None]:
            def look(found: Tensor) -> None:
                observe(point, found)
                if point == last and point.layer < len(self.blocks) - 1:
                    raise _SeenEnough

            return look

        with self.hooked({point: look_at(point) for point in points}), suppress(_SeenEnough):
            self.decoder(**inputs)

    def logits(self, inputs: Inputs, edits: Mapping[HookPoint, LayerEdit]) -> Tensor:
        """One forward pass of the model under hooks that edit."""

        def edit_by(edit: LayerEdit) -> Callable[[Tensor], Tensor]:
            return lambda found: apply_edit(found, edit)

        with self.hooked({point: edit_by(edit) for point, edit in edits.items()}):
            return cast("Tensor", self.model(**inputs).logits)

    @contextmanager
    def hooked(
        self, functions: Mapping[HookPoint, Callable[[Tensor], Tensor | None]]
    ) -> Iterator[list[RemovableHandle]]:
        """Call a function of what each hook point gives; what it returns, if anything, takes its place."""

        def after(function: Callable[[Tensor], Tensor | None]) -> Callable[..., Any]:
            def hook(_module: Any, _arguments: Any, output: Any) -> Any:
                found = function(self.adapter.read(output))
                return None if found is None else self.adapter.write(output, found)

            return hook

        def before(function: Callable[[Tensor], Tensor | None]) -> Callable[..., Any]:
            def hook(_module: Any, arguments: tuple[Any, ...]) -> Any:
                found = function(arguments[0])
                return None if found is None else (found, *arguments[1:])

            return hook

        handles = []
        with ExitStack() as stack:
            for point, function in functions.items():
                target = self.target(point)
                if point.before:
                    handle = target.register_forward_pre_hook(before(function))
                else:
                    handle = target.register_forward_hook(after(function))
                stack.callback(handle.remove)
                handles.append(handle)
            yield handles
