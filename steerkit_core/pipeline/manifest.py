"""What a run was made with, so that someone else can make it again."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, cast

import attrs

from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.prompts import fingerprint as prompts_fingerprint
from steerkit_core.recipe.recipe import Recipe, Setting
from steerkit_core.recipe.tables import COMPONENT_TABLES
from steerkit_core.results.files import SCHEMA_VERSION
from steerkit_core.values import ContrastSet

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle

DISTRIBUTIONS = ("torch", "transformers", "tokenizers", "safetensors", "bitsandbytes", "nnsight", "numpy")


def describe_run(
    recipe: Recipe, registry: Registry, earlier: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The manifest as it stands before a model is loaded; `earlier` is that of a run that goes on."""
    begun = [] if earlier is None else [earlier["started"], *earlier["resumed"]]
    now = _now()
    return {
        "schema_version": SCHEMA_VERSION,
        "name": recipe.run.name,
        "seed": recipe.run.seed,
        "recipe": recipe.source,
        "shipped": _shipped(recipe.source, registry),
        "changes": list(recipe.changes),
        "recipe_fingerprint": recipe.fingerprint,
        "started": begun[0] if begun else now,
        "resumed": [*begun[1:], now] if begun else [],
        "finished": None,
        "steerkit": _version("steerkit-core"),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in DISTRIBUTIONS},
        "hardware": describe_hardware(),
        "plugins": [attrs.asdict(record) for record in registry.host.records.values()],
        "settings": [describe_setting(setting) for setting in recipe.settings],
        "models": [],
    }


def _shipped(source: str, registry: Registry) -> str | None:
    """The name by which a shipped recipe is run; its file lies elsewhere on every machine."""
    return next((name for name, path in registry.recipes.items() if str(path) == source), None)


def describe_setting(setting: Setting) -> dict[str, Any]:
    """All options of a setting as they were resolved, defaults included, with the hashes of its prompts."""
    components = {table: getattr(setting, table) for table in COMPONENT_TABLES}
    return {
        "overrides": dict(setting.overrides),
        "model": attrs.asdict(setting.model),
        "generation": attrs.asdict(setting.generation),
        "calibration": attrs.asdict(setting.calibration),
        "controls": attrs.asdict(setting.controls),
        **{table: {"use": part.name, **attrs.asdict(part)} for table, part in components.items()},
        "extractor": {
            "use": setting.extractor.name,
            **attrs.asdict(cast("Any", setting.extractor)),
            **attrs.asdict(setting.extraction),
        },
        "prompts": {
            "contrast": _describe_classes(setting.contrast),
            "validation": _describe_classes(setting.validation),
            "evaluation": _describe_prompts(setting.evaluation.name, setting.evaluation.prompts),
            "selection": _describe_prompts(setting.selection.name, setting.selection.prompts),
        },
    }


def describe_model(model: ModelHandle) -> dict[str, Any]:
    """What was loaded."""
    config, sizes = model.config, {**model.rows_that_fit, **model.batch_rows}
    return {
        "id": model.spec.id,
        "family": model.adapter.name,
        "architecture": type(model.model).__name__,
        "model_type": config.model_type,
        "num_layers": model.num_layers,
        "hidden_size": model.hidden_size,
        "parameters": model.num_parameters,
        "backend": model.backend.name,
        "attention": getattr(config, "_attn_implementation", None),
        "revision": model.revision,
        "batch_rows": {str(tokens): rows for tokens, rows in sizes.items()},
        **model.identity,
    }


def known_batch_rows(earlier: Mapping[str, Any] | None, model: ModelHandle) -> dict[int, int]:
    """How many rows an earlier run of this folder found to go well together, by their length in tokens."""
    for entry in [] if earlier is None else earlier["models"]:
        if all(entry.get(key) == value for key, value in model.identity.items()):
            return {int(tokens): rows for tokens, rows in entry.get("batch_rows", {}).items()}
    return {}


def describe_hardware() -> dict[str, Any]:
    """Processor, memory and accelerators, as far as they can be told without importing torch."""
    found: dict[str, Any] = {
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
    }
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found["memory_bytes"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    torch = cast("Any", sys.modules.get("torch"))
    if torch is not None and torch.cuda.is_available():
        found["accelerators"] = [
            torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())
        ]
    return found


def finish(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the time at which the run ended."""
    return manifest | {"finished": _now()}


def _describe_classes(contrast: ContrastSet) -> dict[str, Any]:
    return {
        "name": contrast.name,
        "sha256": prompts_fingerprint((*contrast.positive, *contrast.negative)),
        "positive": len(contrast.positive),
        "negative": len(contrast.negative),
    }


def _describe_prompts(name: str, prompts: Sequence[Any]) -> dict[str, Any]:
    own = [prompt for prompt in prompts if not prompt.repeat]
    return {"name": name, "sha256": prompts_fingerprint(own), "n": len(own)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
