"""steerkit from Python: for notebooks, and for models that are loaded already."""

from steerkit_core.api.directions import extract
from steerkit_core.api.models import load_model, wrap
from steerkit_core.api.report import Report, open_run
from steerkit_core.api.runs import run
from steerkit_core.api.texts import judge, load_prompts

__all__ = ["Report", "extract", "judge", "load_model", "load_prompts", "open_run", "run", "wrap"]
