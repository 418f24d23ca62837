"""The kinds of component, a small abstract class each, and `Model`, all that a plugin may do with one.

A component is a frozen attrs class whose fields are its recipe options. Building one touches no model, no
network and no GPU, so that a recipe is checked before torch is imported. Uses values and errors alone.
"""

from steerkit_core.components.adapter import FamilyDefaults, ModelAdapter
from steerkit_core.components.classifier import Classifier, ModelLoader
from steerkit_core.components.component import Component
from steerkit_core.components.core_keys import CORE_KEYS, ExtractionOptions, Source
from steerkit_core.components.extractor import (
    Extractor,
    Position,
    ReadingExtractor,
    Sources,
    positions_once,
)
from steerkit_core.components.model import Model
from steerkit_core.components.model_spec import Backend, DType, ModelSpec, Quantization
from steerkit_core.components.options import OptionError, Within, not_empty, option
from steerkit_core.components.prompt_set import PromptSet
from steerkit_core.components.selector import LayerSelector, SelectionContext
from steerkit_core.components.site import Site
from steerkit_core.components.sources import Method, ModelRecord, SavedDirections, SourceModel

__all__ = [
    "CORE_KEYS",
    "Backend",
    "Classifier",
    "Component",
    "DType",
    "ExtractionOptions",
    "Extractor",
    "FamilyDefaults",
    "LayerSelector",
    "Method",
    "Model",
    "ModelAdapter",
    "ModelLoader",
    "ModelRecord",
    "ModelSpec",
    "OptionError",
    "Position",
    "PromptSet",
    "Quantization",
    "ReadingExtractor",
    "SavedDirections",
    "SelectionContext",
    "Site",
    "Source",
    "SourceModel",
    "Sources",
    "Within",
    "not_empty",
    "option",
    "positions_once",
]
