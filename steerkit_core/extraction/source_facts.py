"""Which directions a report is about: their model, extractor and contrast set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs
from attrs import frozen

if TYPE_CHECKING:
    from steerkit_core.components import Extractor
    from steerkit_core.model.handle import ModelHandle
    from steerkit_core.values import ContrastSet


# without slots, so that an entry of a report can be these facts and what was measured in one
@frozen(kw_only=True, slots=False)
class SourceFacts:
    """The columns of a report that say what was measured; `positive`, `negative` are the classes' sizes."""

    model: str
    quantization: str
    dtype: str
    extractor: str
    options: Mapping[str, object]
    contrast: str
    positive: int
    negative: int

    @classmethod
    def of(cls, model: ModelHandle, extractor: Extractor, contrast: ContrastSet) -> SourceFacts:
        """What is to be told of an extractor that looks for directions in a model."""
        return SourceFacts(
            model=model.spec.id,
            quantization=model.spec.quantization,
            dtype=model.dtype,
            extractor=extractor.name,
            options=attrs.asdict(cast("Any", extractor)),
            contrast=contrast.name,
            positive=len(contrast.positive),
            negative=len(contrast.negative),
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The facts by name."""
        return attrs.asdict(self, recurse=False)
