"""What a cell adds to the residual stream, block by block, where that is all that it does.

Control vectors of other tools know one edit: the same vector added to what a block gives, at every token of
every prompt. What goes beyond it is refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from steerkit_core.components import Site
from steerkit_core.errors import SteerkitError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.lookup import kept_site
from steerkit_core.results.cell import ClassesUnknown, SteeredCell
from steerkit_core.values import Edit, Intervention

if TYPE_CHECKING:
    from torch import Tensor

REMEDY = (
    "a control vector adds one vector to what a block gives, at every token of every prompt: export a cell"
    " of residual-add with tokens 'all' and without preserve_norm, or the directions themselves with"
    " --to safetensors"
)


def additions(cell: SteeredCell, registry: Registry) -> dict[int, Tensor]:
    """What the cell adds to the outputs of blocks: (hidden,) float32 by block, counted from 0.

    The multiplier and its unit are in the vectors: their lengths are what is added.

    Raises:
        SteerkitError: the cell does something else too.
    """
    site = kept_site(str(cell.entry.site), cell.entry.options["site"], registry, cell.where)
    reason = _beyond(cell, site)
    if reason is None:
        try:
            found = cell.intervention(site)
        except ClassesUnknown:
            reason = "depends on the activations of the contrast set"
        else:
            reason = None if found.tokens == "all" else f"edits the tokens {found.tokens!r} alone"
            reason = next((beyond for beyond in map(_beyond_adding, found.edits) if beyond), reason)
            if reason is None and found.edits:
                return _summed(cell, found)
    raise SteerkitError(f"{cell.where}: site {site.name!r} {reason or 'edits nothing'}, and {REMEDY}")


def _beyond(cell: SteeredCell, site: Site) -> str | None:
    """What of a site can be told before its edits are built."""
    if cell.entry.condition is not None:
        return "edits some prompts and leaves others as they are"
    if site.module != "residual":
        return f"edits what a block's {site.module} give" + ("" if site.module == "heads" else "s")
    return None


def _beyond_adding(edit: Edit) -> str | None:
    if edit.module not in ("residual", "input"):
        return f"edits what a block's {edit.module} gives"
    if edit.unit is not None and edit.gain != 0.0:
        return "sets the component along the direction"
    if edit.preserve_norm:
        return "scales every token back to the length that it had"
    return None


def _summed(cell: SteeredCell, intervention: Intervention) -> dict[int, Tensor]:
    import torch

    found: dict[int, Tensor] = {}
    for edit in intervention.edits:
        # what a block is given is what the one before it gives
        layer = edit.layer - 1 if edit.module == "input" else edit.layer
        if edit.add is None:
            continue
        vector = edit.add.detach().to("cpu", torch.float32)
        if not bool(torch.isfinite(vector).all()):
            raise SteerkitError(f"{cell.where}: what is added at layer {layer} is not finite")
        if layer < 0:
            raise SteerkitError(
                f"{cell.where}: edits what block 0 is given, and a control vector begins with what it gives"
            )
        found[layer] = found[layer] + vector if layer in found else vector
    return dict(sorted(found.items()))
