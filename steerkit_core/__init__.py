"""steerkit: activation steering as a repeatable measurement.

The names below are what plugins may rely on. Importing this package does not import torch; the few
names that need it are imported when they are first used.
"""

from typing import TYPE_CHECKING, Any

from steerkit_core.components import (
    Classifier,
    Component,
    Extractor,
    FamilyDefaults,
    LayerSelector,
    ModelAdapter,
    ModelLoader,
    OptionError,
    Position,
    PromptSet,
    ReadingExtractor,
    SavedDirections,
    SelectionContext,
    Site,
    Sources,
    Within,
    not_empty,
    option,
    positions_once,
)
from steerkit_core.errors import (
    DegenerateDirection,
    MissingDirection,
    ModelError,
    PluginError,
    SteerkitError,
    nearest,
)
from steerkit_core.hookspecs import hookimpl
from steerkit_core.stats import (
    Estimate,
    PairedCounts,
    clustered_wilson,
    cochran_armitage,
    cohens_h,
    fisher,
    holm,
    newcombe,
    newcombe_paired,
    wilson,
)
from steerkit_core.values import (
    BLOCK_MODULES,
    BlockModule,
    ClassActivations,
    Completion,
    Condition,
    ContrastSet,
    Direction,
    DirectionSet,
    Edit,
    Intervention,
    Outcome,
    Probe,
    Prompt,
    Rate,
    Selection,
    Steering,
    TokenSpan,
    Trial,
    Unit,
    Verdict,
)

if TYPE_CHECKING:
    from steerkit_core.api import Report, extract, judge, load_model, load_prompts, open_run, run, wrap
    from steerkit_core.cli.progress import make_progress
    from steerkit_core.experiment import run_recipe
    from steerkit_core.generation import refusal_score
    from steerkit_core.kept.directions import kept_directions
    from steerkit_core.loading import load_pretrained
    from steerkit_core.model import ModelHandle
    from steerkit_core.options import ModelSpec
    from steerkit_core.passes.probing import kl_divergence
    from steerkit_core.recipe import find_recipe, load_recipe

__version__ = "0.1.0"

_LAZY = {
    "ModelHandle": "steerkit_core.model",
    "ModelSpec": "steerkit_core.options",
    "Report": "steerkit_core.api",
    "extract": "steerkit_core.api",
    "find_recipe": "steerkit_core.recipe",
    "judge": "steerkit_core.api",
    "kept_directions": "steerkit_core.kept.directions",
    "kl_divergence": "steerkit_core.passes.probing",
    "load_model": "steerkit_core.api",
    "load_pretrained": "steerkit_core.loading",
    "load_prompts": "steerkit_core.api",
    "load_recipe": "steerkit_core.recipe",
    "make_progress": "steerkit_core.cli.progress",
    "open_run": "steerkit_core.api",
    "refusal_score": "steerkit_core.generation",
    "run": "steerkit_core.api",
    "run_recipe": "steerkit_core.experiment",
    "wrap": "steerkit_core.api",
}

__all__ = [
    "BLOCK_MODULES",
    "BlockModule",
    "ClassActivations",
    "Classifier",
    "Completion",
    "Component",
    "Condition",
    "ContrastSet",
    "DegenerateDirection",
    "Direction",
    "DirectionSet",
    "Edit",
    "Estimate",
    "Extractor",
    "FamilyDefaults",
    "Intervention",
    "LayerSelector",
    "MissingDirection",
    "ModelAdapter",
    "ModelError",
    "ModelHandle",
    "ModelLoader",
    "ModelSpec",
    "OptionError",
    "Outcome",
    "PairedCounts",
    "PluginError",
    "Position",
    "Probe",
    "Prompt",
    "PromptSet",
    "Rate",
    "ReadingExtractor",
    "Report",
    "SavedDirections",
    "Selection",
    "SelectionContext",
    "Site",
    "Sources",
    "Steering",
    "SteerkitError",
    "TokenSpan",
    "Trial",
    "Unit",
    "Verdict",
    "Within",
    "clustered_wilson",
    "cochran_armitage",
    "cohens_h",
    "extract",
    "find_recipe",
    "fisher",
    "holm",
    "hookimpl",
    "judge",
    "kept_directions",
    "kl_divergence",
    "load_model",
    "load_pretrained",
    "load_prompts",
    "load_recipe",
    "make_progress",
    "nearest",
    "newcombe",
    "newcombe_paired",
    "not_empty",
    "open_run",
    "option",
    "positions_once",
    "refusal_score",
    "run",
    "run_recipe",
    "wilson",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
