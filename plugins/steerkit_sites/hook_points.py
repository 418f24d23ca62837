"""The hook points of a block, and the sites that an operation makes at them.

A fifth hook point is one more row of `HOOK_POINTS`, and one more name at the end of each operation's file.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, cast

from attrs import frozen

from steerkit_core import BlockModule, option
from steerkit_sites.block_site import SPAN, BlockSite, Span
from steerkit_sites.layers import Blocks, Heads


@frozen
class HookPoint:
    """One place in a block where sites edit.

    Args:
        prefix: the first word of the names of its sites.
        module: what is edited there, and where directions are read that are used there.
        kind: which layers are edited, each with which direction.
        phrase: what stands for `{hook_point}` in the docstrings of operations.
        note: the paragraph that the docstring of each of its sites ends with.
    """

    prefix: str
    module: BlockModule
    kind: type[Any]  # abstract, which `type[BlockSite]` excludes
    phrase: str
    note: str


READ_THERE = 'The directions must have been read there: `extractor.module = "{module}"`.'
OUTPUT = f"""\
{READ_THERE} The edit comes before the block
adds {{hook_point}} to its input. Gemma 2 and 3 normalise it before they add it; the edit comes before
this norm too, which therefore decides its length in the residual stream."""
HEADS = f"""\
{READ_THERE} The edit comes before the heads are
projected. Of the direction over all heads side by side the chosen heads' parts are kept and scaled to
length 1 together; its length before normalising is theirs too. Other layers have other heads, so that
each is edited with its own direction. Heads are measured in another space than the residual stream, whose
norm is a yardstick and no more."""
INPUT = """\
Directions that were read in the input of blocks, `extractor.module = "input"`, are used there too."""

HOOK_POINTS = (
    HookPoint("residual", "residual", Blocks, "the residual stream", INPUT),
    HookPoint("attention", "attention", Blocks, "the attention output", OUTPUT),
    HookPoint("mlp", "mlp", Blocks, "the MLP output", OUTPUT),
    HookPoint("head", "heads", Heads, "single heads", HEADS),
)


def at_every_hook_point(
    operation: type[Any],
    *,
    spans: Mapping[str, Span] | None = None,
    references: Mapping[str, str] | None = None,
) -> tuple[type[BlockSite], ...]:
    """One site of an operation for each of `HOOK_POINTS`, in their order.

    The class `Add` becomes `ResidualAdd`, which recipes call `residual-add`, and so on. The docstring of
    each is the operation's, with the hook point's phrase for `{hook_point}`, and then its note.

    Args:
        operation: a `BlockSite` with an `edit` and its own options.
        spans: the default of the option `span` by prefix, where it is not `layer`.
        references: where the method comes from by prefix, where the operation's `reference` is not right.
    """
    return tuple(
        _site(operation, point, (spans or {}).get(point.prefix), (references or {}).get(point.prefix))
        for point in HOOK_POINTS
    )


def _site(
    operation: type[Any], point: HookPoint, span: Span | None, reference: str | None
) -> type[BlockSite]:
    doc = f"{inspect.getdoc(operation)}\n\n{point.note}"
    body: dict[str, object] = {
        "__doc__": doc.replace("{hook_point}", point.phrase).replace("{module}", point.module),
        "__module__": operation.__module__,
        "name": f"{point.prefix}-{operation.__name__.lower()}",
        "reference": reference or operation.reference,
        "module": point.module,
    }
    if span is not None:
        body |= {"__annotations__": {"span": Span}, "span": option(span, help=SPAN)}
    made = type(f"{point.prefix.title()}{operation.__name__}", (point.kind, operation), body)
    return cast("type[BlockSite]", frozen(kw_only=True)(made))
