"""Extractor `transfer`: directions from elsewhere, at the same relative depth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from attrs import asdict, evolve, frozen

from steerkit_core import (
    ContrastSet,
    DirectionSet,
    Extractor,
    ModelError,
    ModelSpec,
    Prompt,
    ReadingExtractor,
    SavedDirections,
    Sources,
    SteerkitError,
    Within,
    option,
)
from steerkit_transfer.depth import matched_layer
from steerkit_transfer.maps import procrustes_map, ridge_map, share_spanned

if TYPE_CHECKING:
    from steerkit_core import Model

ENOUGH = 2  # prompts less their mean say nothing where there is only one


@frozen(kw_only=True)
class Transfer(ReadingExtractor):
    """Directions of a saved run, of a file or of another model, taken from the same relative depth.

    Layer l of the L layers of the model that is steered takes the direction of layer int(Ls l / L) of the
    Ls layers of the source, as it is: only equal hidden sizes transfer directly. With a `map` it goes
    through a matrix that is fitted for the two layers on the same neutral prompts in both models, which is
    a method of its own and is reported as one. The raw norm is that of the source, or of what the map
    gives.
    """

    name: ClassVar[str] = "transfer"
    reference: ClassVar[str] = (
        "Mohammad, 2026 (transfer); maps: Hoerl and Kennard, 1970 (ridge), Schoenemann, 1966 (Procrustes)"
    )
    cost: ClassVar[str] = (
        "none for a run or file, else those of the method in the source; with a map one for each map prompt"
        " in both"
    )

    run: str = option("", help="a run directory, or a name below runs/, whose directions are taken")
    extraction: str = option(
        "", help="which extraction of the run, by the beginning of its key; empty where it has only one"
    )
    file: str = option(
        "", help="a file of directions, as `steerkit export`, `steerkit import` or Python writes it"
    )
    source_model: str = option("", help="another model, in which the directions are found first")
    source_revision: str = option("main", help="its branch, tag or commit on the hub")
    source_dtype: Literal["auto", "float32", "float16", "bfloat16"] = option(
        "auto", help="how it is loaded, on the device of the model that is steered"
    )
    method: str = option("dim", help="the extractor that is used in the source model")
    options: tuple[str, ...] = option((), help="further options of that extractor, each written key=value")
    map: Literal["none", "ridge", "procrustes"] = option(
        "none", help="how a direction is made to fit another width; none takes equal widths only"
    )
    map_prompts: str = option(
        "refusal-64", help="prompt set whose neutral and negative prompts a map is fitted on"
    )
    ridge: float = option(
        0.01,
        help="strength of the ridge map, as a share of the mean squared length of the centred activations",
        checks=[Within(0, open=True)],
    )
    allow_other: bool = option(
        False,
        help="take the directions of a run or file though model, revision or template are not the same",
    )

    def __attrs_post_init__(self) -> None:
        """Refuse options that contradict each other."""
        given = [name for name in ("run", "file", "source_model") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                f"expected one of run, file and source_model, got {' and '.join(given) or 'none'}"
            )
        if self.kept and self.map != "none":
            raise ValueError(
                f"map {self.map!r} needs the source model itself: set source_model instead of {given[0]}"
            )
        if self.extraction and not self.run:
            raise ValueError("extraction names what a run has kept, and there is no run")
        if self.method == self.name:
            raise ValueError(f"method {self.name!r} finds no directions, expected another extractor")

    @property
    def kept(self) -> str:
        """The run or file whose directions are taken; empty where a model's are."""
        return self.run or self.file

    def check_model(self, model: ModelSpec, sources: Sources) -> None:
        """Refuse unequal widths as soon as both are known, and a source that is not there."""
        width: int | None
        if self.kept:
            saved = self._saved(sources)
            width, what = saved.width, f"the directions of {self.kept}"
        else:
            spec = self._spec(model)
            method = self._method(sources)
            method.check_model(spec, sources)
            if self.map != "none":
                self._neutral(sources)
            width, what = sources.hidden_size(spec), self.source_model
        if self.module != "heads":  # whose width is known to a loaded model only
            self._check_widths(what, width, model.id, sources.hidden_size(model))

    def origin(self, model: Model, sources: Sources) -> Mapping[str, object]:
        """The source by content, and what of it is not as in the model that is steered."""
        if self.kept:
            saved = self._saved(sources)
            differs = _differences(saved, model)
            if differs and not self.allow_other:
                raise SteerkitError(
                    f"extractor.{'run' if self.run else 'file'}: the directions of {self.kept} were found"
                    f" in {saved.model.id or 'an unnamed model'}, which is not"
                    f" {model.spec.id} as it is steered (not the same: {', '.join(differs)}): set"
                    " extractor.allow_other to true to take them all the same"
                )
            return {
                "model": saved.model.id,
                "revision": saved.model.revision,
                "run": self.kept,
                "extraction": saved.key,
                "digest": saved.digest,
                "fingerprint": saved.model.fingerprint,
                "map": "none",
                "method": asdict(saved.extractor, recurse=False),
                "differs": list(differs),
            }
        identity = sources.identity(self._spec(model.spec))
        same = identity["fingerprint"] == model.fingerprint
        return {
            "model": self.source_model,
            "revision": self.source_revision,
            "run": None,
            "extraction": None,
            "digest": _digest(self._neutral(sources)) if self.map != "none" else None,
            **identity,
            "map": self.map,
            "method": asdict(sources.describe(self._method(sources)), recurse=False),
            "differs": [] if same else ["model"],
        }

    def extract(self, model: Model, contrast: ContrastSet, layers: Sequence[int]) -> DirectionSet:
        """Refuse: there is more to a transfer than one model."""
        raise SteerkitError("extractor 'transfer' needs a source besides the model: call extract_with")

    def extract_with(
        self, model: Model, contrast: ContrastSet, layers: Sequence[int], sources: Sources
    ) -> DirectionSet:
        """Find or read the source's directions, and put each at the depth where it belongs."""
        import torch

        positions = self.positions_in(model)
        if self.kept:
            saved = self._saved(sources)
            # of a model that is not known, layers are taken as this one's
            depth, what = saved.num_layers or model.num_layers, f"the directions of {self.kept}"
            found, source = _at_all_layers(saved.directions(), depth), None
        else:
            source = sources.load(self._spec(model.spec))
            depth, what = source.num_layers, self.source_model
            wanted = sorted({matched_layer(layer, model.num_layers, depth) for layer in layers})
            found = self._method(sources).extract_with(source, contrast, wanted, sources)
        _check_positions(found, positions, what, model)
        width = model.width(self.module)
        self._check_widths(what, int(found.units.shape[-1]), model.spec.id, width)
        matched = [matched_layer(layer, model.num_layers, depth) for layer in layers]
        columns = [found.layers.index(layer) for layer in matched]
        rows = [found.positions.index(position) for position in positions]
        units = found.units[rows][:, columns]
        norms = found.raw_norms[rows][:, columns].double()
        scores = {"source_layer": torch.tensor(matched, dtype=torch.float64).repeat(len(rows), 1)}
        axes = None if found.axes is None else found.axes[rows][:, columns].clone()
        taken = DirectionSet(
            positions, tuple(layers), units.clone(), norms, scores, found.module, axes=axes
        )
        if source is None or self.map == "none":
            return taken
        return self._mapped(taken, (source, matched), model, sources)

    def _mapped(
        self,
        taken: DirectionSet,
        source: tuple[Model, Sequence[int]],
        target: Model,
        sources: Sources,
    ) -> DirectionSet:
        """The source's directions through their maps, with the share that these know."""
        import torch

        prompts = self._neutral(sources)
        read = [
            model.activations(prompts, taken.positions, self.module)[:, :, list(layers)]
            for model, layers in (source, (target, taken.layers))
        ]
        raw = taken.units.double() * taken.raw_norms.unsqueeze(-1)
        mapped = torch.empty(*raw.shape[:2], read[1].shape[-1], dtype=torch.float64)
        spanned = torch.empty(raw.shape[:2], dtype=torch.float64)
        axes = None if taken.axes is None else mapped.new_zeros(*taken.axes.shape[:3], mapped.shape[-1])
        for row in range(raw.shape[0]):
            for column in range(raw.shape[1]):
                x, y = (found[:, row, column] for found in read)
                linear = ridge_map(x, y, self.ridge) if self.map == "ridge" else procrustes_map(x, y)
                mapped[row, column] = raw[row, column] @ linear
                spanned[row, column] = share_spanned(raw[row, column], x)
                if axes is not None and taken.axes is not None:
                    # a map keeps no right angles: those are made again, of the same span
                    images = taken.axes[row, column].double() @ linear
                    axes[row, column] = torch.linalg.qr(images.mT)[0].mT
        made = DirectionSet.from_raw(mapped, taken.positions, taken.layers, taken.module)
        return evolve(
            made,
            scores={**taken.scores, "map_spanned": spanned},
            axes=None if axes is None else axes.float(),
        )

    def _spec(self, target: ModelSpec) -> ModelSpec:
        return ModelSpec(
            id=self.source_model,
            revision=self.source_revision,
            dtype=self.source_dtype,
            device=target.device,
        )

    def _method(self, sources: Sources) -> Extractor:
        return sources.extractor(self.method, self.options, position=self.position, module=self.module)

    def _saved(self, sources: Sources) -> SavedDirections:
        """The directions of the run or file, read where this extractor says."""
        saved = sources.saved(self.run, self.extraction) if self.run else sources.filed(self.file)
        if saved.module != self.module:
            raise SteerkitError(
                f"extractor.module: the directions of {self.kept} were read from {saved.module!r}, got"
                f" {self.module!r}"
            )
        missing = [position for position in self.positions if position not in saved.positions]
        if missing:
            raise SteerkitError(
                f"extractor.position: {self.kept} has no directions at {', '.join(map(str, missing))}"
                f" (positions: {', '.join(map(str, saved.positions))})"
            )
        return saved

    def _neutral(self, sources: Sources) -> tuple[Prompt, ...]:
        """The prompts that a map is fitted on."""
        found = tuple(prompt for prompt in sources.prompts(self.map_prompts) if prompt.role != "positive")
        if len(found) < ENOUGH:
            raise SteerkitError(
                f"extractor.map_prompts: {self.map_prompts!r} has {len(found)} neutral or negative prompts,"
                f" a map needs at least {ENOUGH}"
            )
        return found

    def _check_widths(self, source: str, width: int | None, target: str, own: int | None) -> None:
        """Refuse to transfer directly between unequal widths; an unknown one is seen later."""
        if self.map != "none" or width is None or own is None or width == own:
            return
        remedy = (
            "find them again with source_model and a map"
            if self.kept
            else "set extractor.map to 'ridge' or"
        )
        remedy += "" if self.kept else " 'procrustes' for a linear map between the two"
        raise ModelError(
            f"{source} and {target} have the widths {width} and {own}, and only equal ones transfer"
            f" directly: {remedy}"
        )


def _check_positions(found: DirectionSet, positions: Sequence[int], what: str, model: Model) -> None:
    missing = [position for position in positions if position not in found.positions]
    if missing:
        raise ModelError(
            f"{what}: no directions at positions {', '.join(map(str, missing))}, which {model.spec.id} is"
            f" asked for (positions: {', '.join(map(str, found.positions))}): the templates end"
            " differently, set extractor.position to -1"
        )


def _differences(saved: SavedDirections, model: Model) -> tuple[str, ...]:
    """What of the model that directions were found in is not as in the one that is steered."""
    source = saved.model
    compared = {
        "model": (source.id, model.spec.id),
        "revision": (source.revision, model.revision),
        "template": (source.template, model.template_sha256),
    }
    found = tuple(name for name, (one, other) in compared.items() if one != other)
    if source.fingerprint != model.fingerprint:
        return found or ("weights",)
    # the same content by another name is the same model; its template may have been exchanged since
    return ("template",) if "template" in found and source.template is not None else ()


def _at_all_layers(found: DirectionSet, depth: int) -> DirectionSet:
    """The same with zeros, which nobody can steer with, at the layers that a file has nothing for."""
    missing = [layer for layer in range(depth) if layer not in found.layers]
    if not missing:
        return found
    layers = (*found.layers, *missing)
    units = found.units.new_zeros(len(found.positions), len(layers), found.units.shape[-1])
    norms = found.raw_norms.new_zeros(len(found.positions), len(layers))
    units[:, : len(found.layers)] = found.units
    norms[:, : len(found.layers)] = found.raw_norms
    axes = found.axes
    if axes is not None:
        wide = axes.new_zeros(len(found.positions), len(layers), *axes.shape[2:])
        wide[:, : len(found.layers)] = axes
        axes = wide
    return DirectionSet(found.positions, layers, units, norms, module=found.module, axes=axes)


def _digest(prompts: Sequence[Prompt]) -> str:
    return hashlib.sha256("\n".join(prompt.text for prompt in prompts).encode()).hexdigest()
