"""What a run was made with, gathered for its manifest."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, cast

import attrs
from attrs import evolve

from steerkit_core.components import Component
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.prompts import fingerprint as prompts_fingerprint
from steerkit_core.recipe.recipe import NamedPrompts, Recipe, Setting
from steerkit_core.results.manifest import (
    ClassesFacts,
    ComponentFacts,
    Hardware,
    Manifest,
    ModelFacts,
    ModelWanted,
    ParityCheck,
    PluginFacts,
    PromptAudit,
    PromptsFacts,
    SettingFacts,
    SettingPrompts,
)
from steerkit_core.values import ContrastSet

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle

DISTRIBUTIONS = ("torch", "transformers", "tokenizers", "safetensors", "bitsandbytes", "nnsight", "numpy")


def describe_run(
    recipe: Recipe, registry: Registry, planned: int | None, earlier: Manifest | None = None
) -> Manifest:
    """The manifest as it stands before a model is loaded; `earlier` is that of a resumed run."""
    begun = () if earlier is None else (earlier.started, *earlier.resumed)
    now = _now()
    return Manifest(
        name=recipe.run.name,
        seed=recipe.run.seed,
        recipe=recipe.source,
        shipped=_shipped(recipe.source, registry),
        changes=recipe.changes,
        recipe_fingerprint=recipe.fingerprint,
        started=begun[0] if begun else now,
        resumed=(*begun[1:], now) if begun else (),
        steerkit=_version("steerkit-core") or "",
        python=platform.python_version(),
        versions={name: _version(name) for name in DISTRIBUTIONS},
        hardware=describe_hardware(),
        plugins=tuple(PluginFacts(**attrs.asdict(record)) for record in registry.host.records.values()),
        settings=tuple(describe_setting(setting) for setting in recipe.settings),
        models=(),
        planned=planned,
    )


def _shipped(source: str, registry: Registry) -> str | None:
    """The name by which a shipped recipe is run; its file lies elsewhere on every machine."""
    return next((name for name, path in registry.recipes.items() if str(path) == source), None)


def describe_setting(setting: Setting) -> SettingFacts:
    """All options of a setting as they were resolved, defaults included, with the hashes of its prompts."""
    model = attrs.asdict(setting.model)
    extractor = _component(setting.extractor)
    return SettingFacts(
        overrides=dict(setting.overrides),
        model=ModelWanted(id=model.pop("id"), quantization=model.pop("quantization"), options=model),
        generation=attrs.asdict(setting.generation),
        calibration=attrs.asdict(setting.calibration),
        controls=attrs.asdict(setting.controls),
        extractor=evolve(extractor, options={**extractor.options, **attrs.asdict(setting.extraction)}),
        selector=_component(setting.selector),
        site=_component(setting.site),
        classifier=_component(setting.classifier),
        prompts=SettingPrompts(
            contrast=_classes(setting.contrast),
            validation=_classes(setting.validation),
            evaluation=_prompts(setting.evaluation),
            selection=_prompts(setting.selection),
        ),
    )


def describe_model(
    model: ModelHandle, prompts: PromptAudit | None = None, parity: ParityCheck | None = None
) -> ModelFacts:
    """What was loaded, and how it was checked."""
    config, sizes = model.config, {**model.rows_that_fit, **model.batch_rows}
    return ModelFacts(
        id=model.spec.id,
        family=model.adapter.name,
        architecture=type(model.model).__name__,
        model_type=config.model_type,
        num_layers=model.num_layers,
        hidden_size=model.hidden_size,
        parameters=model.num_parameters,
        backend=model.backend.name,
        attention=getattr(config, "_attn_implementation", None),
        revision=model.revision,
        batch_rows={str(tokens): rows for tokens, rows in sizes.items()},
        prompts=prompts,
        parity=parity,
        **model.identity,
    )


def known_batch_rows(earlier: Manifest | None, model: ModelHandle) -> dict[int, int]:
    """How many rows an earlier run of this folder found to go well together, by their length in tokens."""
    for known in () if earlier is None else earlier.models:
        if all(getattr(known, name) == value for name, value in model.identity.items()):
            return {int(tokens): rows for tokens, rows in known.batch_rows.items()}
    return {}


def describe_hardware() -> Hardware:
    """Processor, memory and accelerators, as far as they can be told without importing torch."""
    memory, accelerators = None, None
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    torch = cast("Any", sys.modules.get("torch"))
    if torch is not None and torch.cuda.is_available():
        count = torch.cuda.device_count()
        accelerators = tuple(torch.cuda.get_device_name(index) for index in range(count))
    return Hardware(
        platform=platform.platform(),
        machine=platform.machine(),
        cores=os.cpu_count(),
        memory_bytes=memory,
        accelerators=accelerators,
    )


def finish(manifest: Manifest) -> Manifest:
    """The manifest with the time at which the run ended."""
    return evolve(manifest, finished=_now())


def _component(component: Component) -> ComponentFacts:
    return ComponentFacts(use=component.name, options=attrs.asdict(cast("Any", component)))


def _classes(contrast: ContrastSet) -> ClassesFacts:
    return ClassesFacts(
        name=contrast.name,
        sha256=prompts_fingerprint((*contrast.positive, *contrast.negative)),
        positive=len(contrast.positive),
        negative=len(contrast.negative),
    )


def _prompts(prompts: NamedPrompts) -> PromptsFacts:
    own = prompts.unrepeated
    return PromptsFacts(name=prompts.name, sha256=prompts_fingerprint(own), n=len(own))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
