"""EXTRACT: the directions of a group's configurations, each found once, and those of shuffled labels."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, evolve, field

from steerkit_core.extraction.extraction import Extraction, extract, extraction_identity
from steerkit_core.model.health import StreamHealth
from steerkit_core.pipeline.steps.group import LoadedGroup
from steerkit_core.recipe.direction_sources import RunSources
from steerkit_core.recipe.recipe import Setting
from steerkit_core.results.directions import ExtractionIdentity
from steerkit_core.steering.controls import shuffled_contrast
from steerkit_core.values import ClassActivations, ContrastSet


@define(eq=False)
class Extractions:
    """What was extracted for a group so far; `measured` are those of settings, with their first setting."""

    loaded: LoadedGroup
    measured: list[tuple[Setting, Extraction]] = field(factory=list)
    _found: dict[str, Extraction] = field(factory=dict)
    _classes: dict[str, ClassActivations] = field(factory=dict)

    def extract(self, setting: Setting) -> Extraction:
        """EXTRACT: directions for a configuration."""
        sources = self.loaded.open_sources()
        identity = self._identity(setting, setting.contrast, self._origin(setting, sources))
        key = identity.key
        if key not in self._found:
            size = f"{len(setting.contrast.positive)} + {len(setting.contrast.negative)} prompts"
            doing = "reusing" if self._carried(setting) else "extracting"
            self.loaded.progress.step(f"{doing} directions: {setting.extractor.name}, {size}")
            self._found[key] = self._extracted(setting, identity, sources)
            self.measured.append((setting, self._found[key]))
        return self._found[key]

    def shuffled(self, setting: Setting, index: int, extraction: Extraction) -> Extraction | None:
        """The same with the labels of the contrast set shuffled; None where they cannot be.

        Directions reused from full precision are found in the model that the others came from too. What the
        residual stream is like does not depend on labels, and is that of `extraction`.
        """
        contrast = shuffled_contrast(setting.contrast, self.loaded.seed, index)
        if contrast is None:
            return None
        sources = self.loaded.open_sources()
        origin = self._origin(setting, sources)
        if origin.get("run"):
            return None  # kept directions do not depend on these labels
        identity = self._identity(setting, contrast, origin, shuffled=index)
        key = identity.key
        if key not in self._found:
            self.loaded.progress.step(f"shuffling labels: {setting.extractor.name}, shuffle {index}")
            own = evolve(setting, contrast=contrast)
            self._found[key] = self._extracted(own, identity, sources, extraction.stream)
        return self._found[key]

    def read_classes(self, setting: Setting, extraction: Extraction) -> ClassActivations:
        """The contrast set's activations in this model, where an extraction's directions were read."""
        if extraction.key not in self._classes:
            found = extraction.directions
            self.loaded.progress.step(f"reading the contrast set: {setting.contrast.name}")
            self._classes[extraction.key] = self.loaded.model.class_activations(
                setting.contrast, found.positions, found.module
            )
        return self._classes[extraction.key]

    def _extracted(
        self,
        setting: Setting,
        identity: ExtractionIdentity,
        sources: RunSources,
        stream: StreamHealth | None = None,
    ) -> Extraction:
        with self.loaded.blamed("extractor", setting.extractor), sources:
            return extract(self.loaded.model, setting, identity, self.loaded.store, sources, stream)

    def _identity(
        self,
        setting: Setting,
        contrast: ContrastSet,
        origin: Mapping[str, object],
        *,
        shuffled: int | None = None,
    ) -> ExtractionIdentity:
        return extraction_identity(
            self.loaded.model,
            self.loaded.method("extractor", setting.extractor),
            contrast,
            carried=self._carried(setting),
            origin=origin,
            shuffled=shuffled,
        )

    def _origin(self, setting: Setting, sources: RunSources) -> Mapping[str, object]:
        """What the extractor says of directions that come from elsewhere."""
        with self.loaded.blamed("extractor", setting.extractor):
            return setting.extractor.origin(self.loaded.model, sources)

    def _carried(self, setting: Setting) -> bool:
        """Whether a configuration's directions are those of the model without quantization."""
        return setting.carried and self.loaded.group.spec.quantization != "none"
