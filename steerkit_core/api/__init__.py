"""steerkit from Python: for notebooks, and for models that are loaded already."""

from steerkit_core.api.directions import extract
from steerkit_core.api.models import load_model, wrap
from steerkit_core.api.report import Report, open_run
from steerkit_core.api.runs import run

__all__ = ["Report", "extract", "load_model", "open_run", "run", "wrap"]
