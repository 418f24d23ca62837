"""The frozen values that travel through a run: prompts, directions, interventions, completions, verdicts.

Importing them imports no torch: tensors appear in annotations only. Uses errors and display, and files for
directions that are saved.
"""

from steerkit_core.values.blocks import (
    BLOCK_MODULES,
    BlockModule,
    PromptPart,
    Side,
    TokenSpan,
    Unit,
    prompt_part,
)
from steerkit_core.values.completions import EMPTY, Completion, StopReason, Verdict
from steerkit_core.values.directions import ClassActivations, Direction, DirectionSet
from steerkit_core.values.interventions import CellRole, Condition, Edit, Intervention, Probe, Steering
from steerkit_core.values.prompts import ROLES, ContrastSet, Prompt, Role
from steerkit_core.values.selections import Outcome, Selection, Trial

__all__ = [
    "BLOCK_MODULES",
    "EMPTY",
    "ROLES",
    "BlockModule",
    "CellRole",
    "ClassActivations",
    "Completion",
    "Condition",
    "ContrastSet",
    "Direction",
    "DirectionSet",
    "Edit",
    "Intervention",
    "Outcome",
    "Probe",
    "Prompt",
    "PromptPart",
    "Role",
    "Selection",
    "Side",
    "Steering",
    "StopReason",
    "TokenSpan",
    "Trial",
    "Unit",
    "Verdict",
    "prompt_part",
]
