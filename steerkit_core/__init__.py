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
    Method,
    Model,
    ModelAdapter,
    ModelLoader,
    ModelSpec,
    OptionError,
    Position,
    PromptSet,
    ReadingExtractor,
    SavedDirections,
    SelectionContext,
    Site,
    SourceModel,
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
from steerkit_core.plugin.hookspecs import hookimpl
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
from steerkit_core.stats.estimate import Rate
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
    from steerkit_core.generation import kl_divergence, refusal_score
    from steerkit_core.model.handle import ModelHandle
    from steerkit_core.model.loading import load_pretrained
    from steerkit_core.pipeline.recipe_run import run_recipe
    from steerkit_core.plugin.registry import Registry
    from steerkit_core.progress import Progress
    from steerkit_core.recipe.parsing import find_recipe, load_recipe
    from steerkit_core.recipe.recipe import Recipe
    from steerkit_core.results.cells import CellResult
    from steerkit_core.results.directions import kept_directions
    from steerkit_core.results.findings import TransferResult
    from steerkit_core.results.manifest import ModelFacts
    from steerkit_core.results.results import RunResults
    from steerkit_core.results.rows import JudgedRow
    from steerkit_core.results.run import KeptRun, read_run

__version__ = "0.1.0"

_LAZY = {
    "CellResult": "steerkit_core.results.cells",
    "JudgedRow": "steerkit_core.results.rows",
    "KeptRun": "steerkit_core.results.run",
    "ModelFacts": "steerkit_core.results.manifest",
    "ModelHandle": "steerkit_core.model.handle",
    "Progress": "steerkit_core.progress",
    "Recipe": "steerkit_core.recipe.recipe",
    "Registry": "steerkit_core.plugin.registry",
    "Report": "steerkit_core.api",
    "RunResults": "steerkit_core.results.results",
    "TransferResult": "steerkit_core.results.findings",
    "extract": "steerkit_core.api",
    "find_recipe": "steerkit_core.recipe.parsing",
    "judge": "steerkit_core.api",
    "kept_directions": "steerkit_core.results.directions",
    "kl_divergence": "steerkit_core.generation",
    "load_model": "steerkit_core.api",
    "load_pretrained": "steerkit_core.model.loading",
    "load_prompts": "steerkit_core.api",
    "load_recipe": "steerkit_core.recipe.parsing",
    "make_progress": "steerkit_core.cli.progress",
    "open_run": "steerkit_core.api",
    "read_run": "steerkit_core.results.run",
    "refusal_score": "steerkit_core.generation",
    "run": "steerkit_core.api",
    "run_recipe": "steerkit_core.pipeline.recipe_run",
    "wrap": "steerkit_core.api",
}

__all__ = [
    "BLOCK_MODULES",
    "BlockModule",
    "CellResult",
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
    "JudgedRow",
    "KeptRun",
    "LayerSelector",
    "Method",
    "MissingDirection",
    "Model",
    "ModelAdapter",
    "ModelError",
    "ModelFacts",
    "ModelHandle",
    "ModelLoader",
    "ModelSpec",
    "OptionError",
    "Outcome",
    "PairedCounts",
    "PluginError",
    "Position",
    "Probe",
    "Progress",
    "Prompt",
    "PromptSet",
    "Rate",
    "ReadingExtractor",
    "Recipe",
    "Registry",
    "Report",
    "RunResults",
    "SavedDirections",
    "Selection",
    "SelectionContext",
    "Site",
    "SourceModel",
    "Sources",
    "Steering",
    "SteerkitError",
    "TokenSpan",
    "TransferResult",
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
    "read_run",
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
