"""A model on NDIF's servers, which nnsight sends its traces to.

The blocks below travel as source with the values that they name, to a machine that has torch and nnsight
and nothing of ours. They therefore name tensors, nnsight's views and plain numbers only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from attrs import define, field

from steerkit_core.errors import ModelError
from steerkit_core.generation.edits import HookPoint, LayerEdit, select_rows, trailing_mask
from steerkit_core.model.backends.base import Inputs
from steerkit_core.model.backends.nnsight import NNsightBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from steerkit_core.components import ModelAdapter

    Projections = list[tuple[Tensor, Tensor]]
    Parts = tuple[Projections, Tensor | None, Tensor | None, Tensor | None]


@define(eq=False)
class Prefix:
    """What stands for the cache of a remote model: the tokens so far, and the edits of the prompt's.

    A cache of keys and values would have to travel with every token, so each pass reads all tokens again.
    """

    ids: Tensor | None = None
    prompt: int = 0
    edits: Mapping[HookPoint, LayerEdit] = field(factory=dict)

    def batch_select_indices(self, rows: Tensor) -> None:
        """Keep some rows, as transformers' caches do."""
        if self.ids is not None:
            self.ids = self.ids.index_select(0, rows)
        self.edits = select_rows(self.edits, rows)


@define(eq=False, slots=False)
class RemoteBackend(NNsightBackend):
    """The nnsight backend, with every forward pass on a server; `where` is nnsight's word for which."""

    name: ClassVar[str] = "nnsight"

    wrapped: Any
    where: bool | str = True

    @property
    def root(self) -> Any:
        """The model as nnsight sees it, without weights."""
        return self.wrapped

    def new_cache(self) -> Prefix:
        """An empty prefix."""
        return Prefix()

    def observe(
        self, inputs: Inputs, points: Sequence[HookPoint], observe: Callable[[HookPoint, Tensor], None]
    ) -> None:
        """One job, whose result is everything that was asked for."""
        from nnsight import save

        views = [(self.view(self.target(point)), point.before) for point in points]
        with _job(), self.root.trace(**inputs, remote=self.where):
            found: list[Tensor] = save([])
            for view, before in views:
                value = view.input if before else view.output
                found.append(value[0] if isinstance(value, tuple) else value)
        for point, tensor in zip(points, found, strict=True):
            observe(point, tensor)

    def logits(self, inputs: Inputs, edits: Mapping[HookPoint, LayerEdit]) -> Tensor:
        """One job for each token, which reads all tokens so far."""
        from nnsight import save

        prefix = cast("Prefix", inputs["past_key_values"])
        ids = cast("Tensor", inputs["input_ids"])
        seen = cast("Tensor", inputs["attention_mask"])
        if prefix.ids is None:
            prefix.ids, prefix.prompt, prefix.edits = ids, ids.shape[1], edits
        else:
            prefix.ids = torch.cat([prefix.ids, ids], dim=1)
        sent = {
            "input_ids": prefix.ids,
            "attention_mask": seen,
            "position_ids": (seen.cumsum(dim=-1) - 1).clamp_min(0),
            "use_cache": False,
        }
        later = edits if prefix.ids.shape[1] > prefix.prompt else {}
        views = [
            (self.view(self.target(point)), point.before, _parts(prefix, later, point))
            for point in sorted({*prefix.edits, *later}, key=lambda point: point.order)
        ]
        cut = prefix.prompt
        with _job(), self.root.trace(**sent, remote=self.where) as tracer:
            for view, before, phases in views:
                whole = view.input if before else view.output
                value = whole[0] if isinstance(whole, tuple) else whole
                done = []
                for phase, piece in enumerate((value[:, :cut], value[:, cut:])):
                    projections, add, mask, keep = phases[phase]
                    edited = piece
                    for axis, share in projections:
                        along = (edited.float() * axis).sum(dim=-1, keepdim=True)
                        edited = edited - (share * along * axis).to(piece.dtype)
                    if add is not None:
                        edited = edited + add
                    if keep is not None:
                        wide = edited.float()
                        norms = wide.norm(dim=-1, keepdim=True)
                        scale = piece.float().norm(dim=-1, keepdim=True)
                        scale = scale / norms.masked_fill(norms == 0.0, 1.0)
                        edited = torch.where(keep, (wide * scale).to(piece.dtype), edited)
                    if mask is not None:
                        edited = torch.where(mask, edited, piece)
                    done.append(edited)
                joined = torch.cat(done, dim=1)
                if before:
                    view.input = joined
                else:
                    view.output = (joined, *whole[1:]) if isinstance(whole, tuple) else joined
            found: Tensor = save(tracer.result.logits[:, -1:])
        return found


def open_remote(model: str, revision: str, adapter: ModelAdapter) -> RemoteBackend:
    """A backend for a repository of the hub that NDIF serves; only its config is fetched."""
    from nnsight import TransformersModel

    wrapped = TransformersModel(model, task="text-generation", revision=revision)
    skeleton = cast("Any", wrapped)._module  # noqa: SLF001  # reason: nnsight has no public name for it
    return RemoteBackend(skeleton, adapter, wrapped)


def _parts(prefix: Prefix, later: Mapping[HookPoint, LayerEdit], point: HookPoint) -> list[Parts]:
    """Of both phases the projections, what is added, a mask of the prompt's tokens, rows that keep lengths.

    They are put together here, as a job takes no functions of this module along.
    """
    none = LayerEdit()
    found: list[Parts] = []
    for edit in (prefix.edits.get(point, none), later.get(point, none)):
        add, unit, gain, trailing, keep = edit.parts
        mask = None if trailing is None else trailing_mask(trailing, prefix.prompt)
        found.append((_projections(unit, gain), add, mask, keep))
    return found


def _projections(unit: Tensor | None, gain: Tensor | None) -> Projections:
    """Each projection's unit and gain, of shapes (rows, 1, width) and (rows, 1, 1)."""
    if unit is None or gain is None:
        return []
    return [(unit[:, one : one + 1], gain[:, one : one + 1]) for one in range(unit.shape[1])]


@contextmanager
def _job() -> Iterator[None]:
    """Say in one sentence why a job could not be done."""
    from nnsight.intervention.backends.remote import RemoteError

    try:
        yield
    except (RemoteError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(f"NDIF could not do the work: {reason}") from error


def check_access(model: str) -> None:
    """Raise `ModelError` unless NDIF can be reached, knows our key, and serves `model` just now."""
    import httpx
    from nnsight.ndif import status, whoami
    from nnsight.schema.config import CONFIG

    if not CONFIG.API.APIKEY:
        raise ModelError(
            "model.remote needs access to NDIF, and there is no API key: set NDIF_API_KEY, or give the"
            " command nnsight login (keys: https://login.ndif.us)"
        )
    try:
        known = whoami()
    except (httpx.HTTPError, OSError) as error:
        where = CONFIG.API.HOST
        raise ModelError(f"model.remote: NDIF cannot be reached at {where}: {error}") from error
    if not known.get("email"):
        raise ModelError(f"model.remote: NDIF at {CONFIG.API.HOST} does not know the API key that is set")
    served = status()
    if model not in served:
        names = ", ".join(sorted(served)) or "none"
        raise ModelError(f"model.remote: NDIF does not serve {model!r} at present (served: {names})")
