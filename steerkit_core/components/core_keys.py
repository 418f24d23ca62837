"""The keys of component tables that mean the same whichever component is used."""

from typing import Literal

from attrs import frozen

from steerkit_core.components.options import option

Source = Literal["self", "unquantized"]


@frozen(kw_only=True)
class ExtractionOptions:
    """The keys of `[extractor]` that mean the same whichever extractor is used."""

    source: Source = option(
        "self",
        help="where directions are extracted: self is the model that is steered, unquantized the same model"
        " in full precision, whose directions are reused",
    )


# by component table; a component cannot have an option of such a name
CORE_KEYS: dict[str, type] = {"extractor": ExtractionOptions}
