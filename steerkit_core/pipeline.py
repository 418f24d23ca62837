"""The five steps: extract, select, steer, judge, count. Each takes the previous one's value.

The cells of all settings that share a model are generated together, so that a sweep costs no more than
plain batched generation of as many rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

import attrs
from attrs import define, evolve, field, frozen

from steerkit_core.calibration import Search
from steerkit_core.cells import (
    PLAIN,
    Cell,
    CellModel,
    Reading,
    Source,
    baseline_cell,
    control_cell,
    count,
    failed_cell,
    labels_of,
    shares_of,
    steered_cell,
)
from steerkit_core.comparison import REFUSAL, compare_cells
from steerkit_core.components import Classifier, Component, ModelAdapter
from steerkit_core.controls import (
    Control,
    flipped,
    random_directions,
    shuffled_contrast,
    with_lengths,
)
from steerkit_core.drift import drift_entries
from steerkit_core.errors import NumericError, SteerkitError
from steerkit_core.extraction import Extraction, extract, extraction_identity
from steerkit_core.fit import check_layer
from steerkit_core.health import warnings_of
from steerkit_core.judging import Judges
from steerkit_core.plan import Group
from steerkit_core.recipe import NamedPrompts, Setting, fingerprint
from steerkit_core.registry import Registry
from steerkit_core.sources import RunSources
from steerkit_core.store import RunDirectory
from steerkit_core.transfers import origin_notes
from steerkit_core.values import (
    ClassActivations,
    Completion,
    ContrastSet,
    DirectionSet,
    Outcome,
    Prompt,
    Selection,
    Trial,
    Verdict,
)

if TYPE_CHECKING:
    from steerkit_core.model import ModelHandle


LiveJudge = Callable[[Sequence[Completion]], Sequence[Verdict]]


class Progress(Protocol):
    """Where the pipeline says what it is doing."""

    def step(self, text: str) -> None:
        """Something begins."""

    def track(self, text: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """`total` completions are to be made; call the value once for each, with its number of tokens."""

    def cell(self, id_: str, facts: Mapping[str, Any], rows: int, judge: LiveJudge | None) -> None:
        """A cell is to have so many rows, as far as is known. `facts` are its columns, as far as they are.

        `judge` gives verdicts on some of its sound rows at once, and costs nothing: what it has judged is
        not judged again. None where a model would have to be asked.
        """

    def row(self, cell: str, completion: Completion) -> None:
        """A row of a cell is there, just made or kept from an earlier command; told once or more."""


class Silent:
    """A progress that says nothing."""

    def step(self, text: str) -> None:
        """Say nothing."""

    @contextmanager
    def track(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """Count nothing."""
        yield lambda _tokens: None

    def cell(self, id_: str, facts: Mapping[str, Any], rows: int, judge: LiveJudge | None) -> None:
        """Show nothing."""

    def row(self, cell: str, completion: Completion) -> None:
        """Show nothing."""


@define(eq=False)
class GroupRun:
    """The settings of one model, on their way through the steps."""

    group: Group
    model: ModelHandle
    store: RunDirectory
    registry: Registry
    seed: int
    judges: Judges
    progress: Progress = field(factory=Silent)
    extractions: dict[str, Extraction] = field(factory=dict)
    measured: list[tuple[Setting, Extraction]] = field(factory=list)
    classes: dict[str, ClassActivations] = field(factory=dict)
    cells: dict[str, Cell] = field(factory=dict)
    sharers: dict[str, dict[str, Cell]] = field(factory=dict)
    outcomes: dict[tuple[int, Trial], Outcome] = field(factory=dict)
    tried: dict[int, dict[str, None]] = field(factory=dict)
    looked: set[int] = field(factory=set)
    asked: dict[str, set[str]] = field(factory=dict)
    untried: dict[tuple[Any, ...], Selection] = field(factory=dict)
    uncontrolled: dict[str, dict[str, None]] = field(factory=dict)
    live: dict[Classifier, LiveJudge | None] = field(factory=dict)

    def extract(self, setting: Setting) -> Extraction:
        """EXTRACT: directions for a setting."""
        extractor = self._identity("extractor", setting.extractor)
        carried = setting.carried and self.group.spec.quantization != "none"
        sources = RunSources(self.registry, self.judges.models)
        with self._blamed("extractor", setting.extractor):
            origin = setting.extractor.origin(self.model, sources)
        identity = extraction_identity(
            self.model, extractor, setting.contrast, carried=carried, origin=origin
        )
        key = fingerprint(identity)
        if key not in self.extractions:
            size = f"{len(setting.contrast.positive)} + {len(setting.contrast.negative)} prompts"
            doing = "carrying over" if carried else "extracting"
            self.progress.step(f"{doing} directions: {setting.extractor.name}, {size}")
            with self._blamed("extractor", setting.extractor), sources:
                self.extractions[key] = extract(self.model, setting, identity, self.store, sources)
            self.measured.append((setting, self.extractions[key]))
        return self.extractions[key]

    def shuffled(self, setting: Setting, index: int, extraction: Extraction) -> Extraction | None:
        """The same with the labels of the contrast set shuffled; None where they cannot be.

        Directions that are carried over are found in the model that the others came from too. What the
        residual stream is like does not depend on labels, and is that of `extraction`.
        """
        contrast = shuffled_contrast(setting.contrast, self.seed, index)
        if contrast is None:
            return None
        extractor = self._identity("extractor", setting.extractor)
        carried = setting.carried and self.group.spec.quantization != "none"
        sources = RunSources(self.registry, self.judges.models)
        with self._blamed("extractor", setting.extractor):
            origin = setting.extractor.origin(self.model, sources)
        if origin.get("run"):
            return None  # kept directions do not depend on these labels
        identity = extraction_identity(
            self.model, extractor, contrast, carried=carried, origin=origin, shuffled=index
        )
        key = fingerprint(identity)
        if key not in self.extractions:
            self.progress.step(f"shuffling labels: {setting.extractor.name}, shuffle {index}")
            with self._blamed("extractor", setting.extractor), sources:
                self.extractions[key] = extract(
                    self.model,
                    attrs.evolve(setting, contrast=contrast),
                    identity,
                    self.store,
                    sources,
                    extraction.stream,
                )
        return self.extractions[key]

    def controls(self, setting: Setting, extraction: Extraction, trial: Trial, final: Cell) -> list[Cell]:
        """The controls of a chosen cell; `uncontrolled` keeps what there is none of, and why."""
        found: list[Cell] = []
        if not setting.controls.number:
            return found
        left_out = self.uncontrolled.setdefault(final.id, {})
        source = self._source(setting, extraction)
        for name, make in self._control_makers(setting, extraction, trial):
            try:
                control = make()
                with self._blamed("site", setting.site):
                    cell = control_cell(self._cell_model, final, trial, source, control, self.seed)
            except SteerkitError as error:
                left_out[f"{name}: {error}"] = None
                continue
            if cell is None:
                left_out[f"{name}: it does what the chosen cell does"] = None
            else:
                self.model.check(cell.intervention)
                found.append(self._known(cell))
        return found

    def _control_makers(
        self, setting: Setting, extraction: Extraction, trial: Trial
    ) -> Iterator[tuple[str, Callable[[], Control]]]:
        directions, key = extraction.directions, extraction.key
        heads = self._cell_model.num_heads if directions.module == "heads" else 1

        def drawn(name: str, index: int) -> Control:
            made = random_directions(directions, self.seed, index, heads)
            return Control(name, made, {"kind": "random", "seed": self.seed, "index": index}, key)

        def shuffled(name: str, index: int) -> Control:
            other = self.shuffled(setting, index, extraction)
            if other is None and (extraction.identity.get("origin") or {}).get("run"):
                raise SteerkitError("directions of a run or a file do not depend on these labels")
            if other is None:
                raise SteerkitError(
                    "labels cannot be shuffled where a class of the contrast set has one prompt"
                )
            other.directions.at(trial.layer, trial.position)  # one without a length cannot be scaled
            made = with_lengths(other.directions.units, directions, heads)
            return Control(name, made, {"kind": "shuffled", "extraction": other.key}, other.key)

        for index in range(1, setting.controls.random + 1):
            yield f"random-{index}", partial(drawn, f"random-{index}", index)
        for index in range(1, setting.controls.shuffled + 1):
            yield f"shuffled-{index}", partial(shuffled, f"shuffled-{index}", index)
        if setting.controls.flipped:
            yield "flipped", lambda: Control("flipped", flipped(directions), {"kind": "flipped"}, key)

    def drift(self) -> list[dict[str, Any]]:
        """How far this model's directions are from those without quantization."""
        return [
            entry
            for setting, extraction in self.measured
            for entry in drift_entries(
                extraction,
                self._columns | {"extractor": setting.extractor.name, "contrast": setting.contrast.name},
                self.store,
            )
        ]

    def health(self) -> list[dict[str, Any]]:
        """What the residual stream is like on each set of neutral prompts, and how many rows failed."""
        errors = [row.error for cell in self.cells.values() for row, _ in self.judge(cell)]
        rows = {"rows": len(errors), "failed": sum(error is not None for error in errors)}
        streams = {
            setting.contrast: (setting.contrast.name, found.stream) for setting, found in self.measured
        }
        return [
            self._columns | {"prompts": name} | stream.as_json() | rows for name, stream in streams.values()
        ]

    def notes(self, entries: Sequence[Mapping[str, Any]]) -> list[str]:
        """What a reader has to know of this model's numbers."""
        quantization = self.group.spec.quantization
        what = self.group.spec.id + ("" if quantization == "none" else f" ({quantization})")
        found = [note for _, extraction in self.measured for note in warnings_of(extraction.stream, what)]
        sick = [entry for entry in entries if entry["sick"]]
        if sick:
            found.append(
                f"{what}: {len(sick)} of {len(entries)} cells failed, such as {sick[0]['id']}:"
                f" {sick[0]['sick']}."
            )
        found += origin_notes(what, entries)
        conditional = [entry for entry in entries if entry["condition"] and entry["role"] != "control"]
        found += _condition_notes(what, conditional)
        return list(dict.fromkeys(found))

    @property
    def _columns(self) -> dict[str, Any]:
        spec = self.group.spec
        return {"model": spec.id, "quantization": spec.quantization, "dtype": self.model.dtype}

    def select(self, setting: Setting, extraction: Extraction) -> Selection:
        """SELECT: ask the setting's selector, once for all settings that give it the same to look at.

        One that has tried nothing cannot know of site, classifier and generation.

        Raises:
            SteerkitError: it chose a layer that the model has not.
        """
        own = fingerprint(self._identity("selector", setting.selector))
        seen = (setting.contrast, setting.validation, setting.selection.prompts)
        key = (own, extraction.key, *seen)
        if key in self.untried:
            return self.untried[key]
        with self._blamed("selector", setting.selector):
            selection = setting.selector.select(_Context(self, setting, extraction))
        check_layer(selection.layer, self.model.num_layers)
        if not any(owner == id(setting) for owner, _ in self.outcomes):
            self.untried[key] = selection
        return selection

    def baseline(self, setting: Setting) -> Cell:
        """The unsteered cell on the evaluation prompts."""
        judge, reading = self.judges.identity(setting.classifier), self._reading(setting)
        return self._known(baseline_cell(self._cell_model, setting, judge, self.seed, reading))

    def steered(
        self,
        setting: Setting,
        prompts: NamedPrompts,
        extraction: Extraction,
        trial: Trial,
        *,
        tried: bool = False,
    ) -> Cell:
        """The cell that steers `prompts` as `trial` says; `tried` where a selector wants to see it.

        What is only tried ends a text as soon as its verdict is settled, unless the recipe asks for full
        texts or has several judges, who would then not see the same ones.
        """
        ends_early = tried and self._one_judge and not setting.generation.full_texts
        source = self._source(setting, extraction)
        (calibration,) = self.calibrate(setting, extraction, [trial])
        if calibration is not None:
            trial = evolve(trial, multiplier=calibration["multiplier"])
        with self._blamed("site", setting.site):
            cell = steered_cell(
                self._cell_model,
                setting,
                prompts,
                trial,
                source,
                self.seed,
                ends_early=ends_early,
                reading=self._reading(setting),
                calibration=_without_multiplier(calibration),
            )
        self.model.check(cell.intervention)
        if cell.intervention.condition is not None:
            # of all prompts at once: a run that goes on would else read them in other batches
            self.model.meets(prompts.prompts, cell.intervention.condition)
        return self._known(cell)

    def calibrate(
        self, setting: Setting, extraction: Extraction, trials: Sequence[Trial]
    ) -> Sequence[Mapping[str, Any] | None]:
        """The strengths that the recipe has searched, for all trials at once; None where it has none.

        A multiplier of a trial is then the target, as a KL divergence in nats.

        Raises:
            SteerkitError: a target cannot be reached.
        """
        options = setting.calibration
        if options.use == "none":
            return [None] * len(trials)
        source = self._source(setting, extraction)
        search = Search(self.model, self._cell_model, self.store, setting, source)
        if missing := search.missing(trials):
            self.progress.step(f"calibrating: {options.use}, {len(missing)} strengths")
            with self._blamed("site", setting.site):
                search.run(missing)
        return search.known(trials)

    def _source(self, setting: Setting, extraction: Extraction) -> Source:
        """What a setting's steered cells and their controls are made from."""
        identity = {"extraction": extraction.key, "site": self._identity("site", setting.site)}
        judge = self.judges.identity(setting.classifier)
        return Source(
            extraction.directions,
            extraction.stream.norm_mean,
            identity,
            judge,
            partial(self.read_classes, setting, extraction),
            extraction.identity.get("origin"),
        )

    def read_classes(self, setting: Setting, extraction: Extraction) -> ClassActivations:
        """The contrast set's activations in this model, where an extraction's directions were read."""
        if extraction.key not in self.classes:
            found = extraction.directions
            self.progress.step(f"reading the contrast set: {setting.contrast.name}")
            self.classes[extraction.key] = self.model.class_activations(
                setting.contrast, found.positions, found.module
            )
        return self.classes[extraction.key]

    def failed(self, setting: Setting, error: NumericError) -> Cell:
        """The cell of a setting that came to no direction, with a failed row for every prompt."""
        parts = {word: self._identity(word, getattr(setting, word)) for word in ("extractor", "site")}
        judge = self.judges.identity(setting.classifier)
        source = {"steering": parts | {"error": str(error)}, "judge": judge}
        cell = self._known(failed_cell(self._cell_model, setting, source, self.seed))
        for prompt in cell.prompts.prompts:
            if (cell.id, prompt.id) not in self.store.completions:
                self.store.append(cell.id, Completion(prompt, "", 0, "failed", str(error)))
        self._ask([cell])
        return cell

    def all_sick(self, setting: Setting) -> bool:
        """Whether every way to steer that the setting's selector has tried failed."""
        tried = [outcome for (owner, _), outcome in self.outcomes.items() if owner == id(setting)]
        return bool(tried) and all(outcome.sick for outcome in tried)

    def complete(self, cells: Sequence[Cell], text: str, prompts: Sequence[Prompt] | None = None) -> None:
        """STEER: generate every row of the cells that the run does not have yet, or those of some prompts.

        Cells of one source share their completions: a row is generated once and kept for each of them that
        was asked for it.
        """
        from steerkit_core.generation import Row

        self._ask(cells, prompts)
        self._announce(cells)
        wanted: dict[tuple[str, str], tuple[Cell, Prompt]] = {}
        for cell in cells:
            for prompt in cell.prompts.prompts if prompts is None else prompts:
                if (cell.id, prompt.id) not in self.store.completions:
                    made = self._made(cell, prompt)
                    if made is None:
                        wanted[cell.source, prompt.id] = (cell, prompt)
                    else:
                        self.store.append(cell.id, made)
                        self.progress.row(cell.id, made)
        by_options: dict[Any, list[tuple[Cell, Prompt]]] = {}
        for cell, prompt in wanted.values():
            by_options.setdefault(cell.setting.generation, []).append((cell, prompt))
        with self.progress.track(text, len(wanted)) as advance:
            for options, missing in by_options.items():
                rows = [
                    Row(
                        prompt,
                        cell.intervention,
                        cell.source,
                        _settled(cell, prompt),
                        cell.reading.enough,
                        cell.reading.watch,
                    )
                    for cell, prompt in missing
                ]
                for index, written in self.model.generate(rows, options, self.seed):
                    cell, prompt = missing[index]
                    completion = self.model.completion(prompt, written)
                    for sharer in self.sharers[cell.source].values():
                        if prompt.id in self.asked.get(sharer.id, ()):
                            self.store.append(sharer.id, completion)
                            self.progress.row(sharer.id, completion)
                    advance(completion.tokens)

    def _announce(self, cells: Iterable[Cell]) -> None:
        """Tell whoever watches which cells are to be filled, and which of their rows are there already."""
        for cell in cells:
            classifier, asked = cell.setting.classifier, self.asked[cell.id]
            if classifier not in self.live:
                self.live[classifier] = None if classifier.models else partial(self._judge_now, classifier)
            self.progress.cell(cell.id, cell.begun, len(asked), self.live[classifier])
            for prompt_id in asked:
                if (cell.id, prompt_id) in self.store.completions:
                    self.progress.row(cell.id, self.store.completions[cell.id, prompt_id])

    def _judge_now(self, classifier: Classifier, completions: Sequence[Completion]) -> list[Verdict]:
        with self._blamed("classifier", classifier):
            return self.judges.judge(classifier, completions)

    def _ask(self, cells: Iterable[Cell], prompts: Sequence[Prompt] | None = None) -> None:
        """Note which rows belong to the cells' results.

        What the run directory holds besides, such as rows of a run that was killed later than this, is
        not counted: a selector that ends cells early would then decide otherwise.
        """
        for cell in cells:
            chosen = cell.prompts.prompts if prompts is None else prompts
            self.asked.setdefault(cell.id, set()).update(prompt.id for prompt in chosen)

    def _made(self, cell: Cell, prompt: Prompt) -> Completion | None:
        """The completion that another cell of the same source has already."""
        sharers = self.sharers[cell.source].values()
        found = (self.store.completions.get((other.id, prompt.id)) for other in sharers)
        return next((completion for completion in found if completion is not None), None)

    def judge_all(self, cells: Iterable[Cell], prompts: Sequence[Prompt] | None = None) -> None:
        """JUDGE: ask every classifier for all texts at once that it has not seen.

        Raises:
            SteerkitError: a classifier needs a model that cannot be had, or gave no proper verdict.
        """
        by_classifier: dict[Classifier, list[Completion]] = {}
        for cell in cells:
            by_classifier.setdefault(cell.setting.classifier, []).extend(
                completion for completion in self._completions(cell, prompts) if completion.error is None
            )
        for classifier, completions in by_classifier.items():
            missing = self.judges.missing(classifier, completions)
            with (
                self.progress.track(f"judging: {classifier.name}", missing) as advance,
                self._blamed("classifier", classifier),
            ):
                self.judges.judge(classifier, completions, advance)

    def judge(
        self, cell: Cell, prompts: Sequence[Prompt] | None = None
    ) -> list[tuple[Completion, Verdict | None]]:
        """The cell's completions with their verdicts, or those of some prompts, in the set's order.

        A failed row has no verdict, and rows that nobody asked for are left out.
        """
        self.judge_all([cell], prompts)
        completions = self._completions(cell, prompts)
        sound = [completion for completion in completions if completion.error is None]
        verdicts = iter(self.judges.judge(cell.setting.classifier, sound))
        return [(one, next(verdicts) if one.error is None else None) for one in completions]

    def _completions(self, cell: Cell, prompts: Sequence[Prompt] | None = None) -> list[Completion]:
        """The cell's completions that were asked for, or those of some prompts, in the set's order."""
        chosen = self.asked[cell.id] if prompts is None else {prompt.id for prompt in prompts}
        return [
            self.store.completions[cell.id, prompt.id]
            for prompt in cell.prompts.prompts
            if prompt.id in chosen
        ]

    def _reading(self, setting: Setting) -> Reading:
        """What the setting's judge wants of every text."""
        classifier = setting.classifier
        if classifier.watched is None and classifier.enough_tokens is None:
            return PLAIN
        with self._blamed("classifier", classifier):
            watch = () if classifier.watched is None else self.model.refusal_tokens(classifier.watched)
        return Reading(watch, None if setting.generation.full_texts else classifier.enough_tokens)

    def shares(self, cell: Cell) -> dict[str, float]:
        """Of each prompt's completions the share that are refusals, by the prompt's text."""
        return shares_of(self.judge(cell), REFUSAL, sampled=cell.setting.generation.temperature > 0)

    def count(self, cell: Cell) -> dict[str, Any]:
        """COUNT: the cell's entry of `results.json`."""
        judged = self.judge(cell)
        rows = [(completion.prompt, cell.intervention) for completion, _ in judged]
        edited = sum(bool(way.edits) for way in self.model.conditioned(rows))
        return count(cell, judged) | {"edited": edited}

    def try_out(
        self,
        setting: Setting,
        extraction: Extraction,
        trials: Sequence[Trial],
        prompts: Sequence[Prompt] | None = None,
    ) -> list[Outcome]:
        """Steer, judge and count trials on the selection prompts, or on some of them.

        Raises:
            SteerkitError: a prompt is none of the selection prompts, or there is none.
        """
        chosen = setting.selection.prompts if prompts is None else tuple(dict.fromkeys(prompts))
        _check_selection(setting, chosen)
        self.calibrate(setting, extraction, trials)
        cells = [
            self.steered(setting, setting.selection, extraction, trial, tried=True) for trial in trials
        ]
        self.tried.setdefault(id(setting), {}).update(dict.fromkeys(cell.id for cell in cells))
        part = "" if prompts is None else f", {len(chosen)} prompts"
        self.complete(cells, f"{setting.selector.name}: {len(cells)} cells{part}", chosen)
        self.judge_all(cells, chosen)
        found: list[Outcome] = []
        for cell, trial in zip(cells, trials, strict=True):
            entry = count(cell, self.judge(cell, chosen))
            found.append(Outcome(trial, entry["counts"], entry["failed"]))
            known = self.outcomes.get((id(setting), trial))
            if known is None or known.asked <= found[-1].asked:
                self.outcomes[id(setting), trial] = found[-1]
        return found

    @property
    def _one_judge(self) -> bool:
        judges = {setting.classifier for setting in self.group.settings}
        return len(judges) == 1

    @property
    def _cell_model(self) -> CellModel:
        return CellModel(
            id=self.group.spec.id,
            quantization=self.group.spec.quantization,
            num_layers=self.model.num_layers,
            family_multiplier=self.model.adapter.defaults.multiplier,
            identity=self.model.identity,
            num_heads=getattr(self.model.config, "num_attention_heads", 1),
        )

    def _known(self, cell: Cell) -> Cell:
        self.sharers.setdefault(cell.source, {})[cell.id] = cell
        self.store.append_cell(cell.id, cell.begun)
        return self.cells.setdefault(cell.id, cell)

    @contextmanager
    def _blamed(self, word: str, component: Component) -> Iterator[None]:
        """Note on whatever passes here unexpectedly whose component it came through."""
        try:
            yield
        except SteerkitError:
            raise
        except Exception as error:
            source = self.registry.entries[word][component.name].plugin.source
            error.add_note(f"raised in {word} {component.name!r} of {source}")
            raise

    def _identity(self, word: str, component: Component) -> dict[str, Any]:
        """Name, options and version: everything that determines what a component does."""
        return {
            "use": component.name,
            "options": attrs.asdict(cast("Any", component)),
            "version": self.registry.entries[word][component.name].plugin.version,
        }


def _without_multiplier(calibration: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How a cell's multiplier was found."""
    if calibration is None:
        return None
    return {name: calibration[name] for name in ("use", "target", "achieved")}


def _check_selection(setting: Setting, prompts: Sequence[Prompt]) -> None:
    """Raise `SteerkitError` where a selector asks for no prompt, or for one that is not its own."""
    where = f"selector {setting.selector.name!r}"
    if not prompts:
        raise SteerkitError(f"{where} asked for no prompt, expected some of {setting.selection.name}")
    for prompt in prompts:
        if prompt not in setting.selection.prompts:
            raise SteerkitError(
                f"{where} asked for prompt {prompt.id!r}, expected one of the selection prompts"
                f" ({setting.selection.name})"
            )


def _condition_notes(what: str, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of cells under a condition: whether no prompt of theirs, or of the contrast set, meets it."""
    idle = [entry for entry in entries if not entry["edited"]]
    blind = [
        entry
        for entry in entries
        if not entry["condition"].get("positive", 1) + entry["condition"].get("negative", 1)
    ]
    notes = []
    for cells, whose in ((idle, "their prompts, which are all unedited"), (blind, "the contrast prompts")):
        if cells:
            limits = cells[0]["condition"]
            notes.append(
                f"{what}: the condition of {len(cells)} of {len(entries)} conditional cells holds for none"
                f" of {whose}, such as {cells[0]['id']}: projection {limits['when']}"
                f" {limits['threshold']:g} at layer {limits['layer']}, position {limits['position']}."
            )
    return notes


def _settled(cell: Cell, prompt: Prompt) -> Callable[[str], bool] | None:
    """How to ask the cell's judge whether a text may end; None where texts are written to their end."""
    return partial(cell.setting.classifier.settled, prompt) if cell.ends_early else None


@frozen(eq=False)
class _Context:
    """What a selector sees of a run."""

    _run: GroupRun
    _setting: Setting
    _extraction: Extraction

    @property
    def model(self) -> ModelHandle:
        return self._run.model

    @property
    def directions(self) -> DirectionSet:
        return self._extraction.directions

    @property
    def contrast(self) -> ContrastSet:
        return self._setting.contrast

    @property
    def validation(self) -> ContrastSet:
        return self._setting.validation

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        self._run.looked.add(id(self._setting))  # what is chosen by them is marked in the results
        return self._setting.selection.prompts

    def run(self, trials: Sequence[Trial], prompts: Sequence[Prompt] | None = None) -> list[Outcome]:
        return self._run.try_out(self._setting, self._extraction, trials, prompts)


@frozen(eq=False)
class GroupResult:
    """What a group adds to `results.json`, list by list.

    `labels` are each cell's, by prompt, and `shares` of each prompt's completions those that are refusals;
    `controls` names each chosen cell that was to have controls, with
    those that there are none of, and why.
    """

    cells: tuple[dict[str, Any], ...]
    selections: tuple[dict[str, Any], ...]
    comparisons: tuple[dict[str, Any], ...] = ()
    controls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(factory=dict)
    shares: Mapping[str, Mapping[str, float]] = field(factory=dict)
    drift: tuple[dict[str, Any], ...] = ()
    health: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[SteerkitError, ...] = ()


def failed_group(group: Group, error: NumericError) -> GroupResult:
    """What a group comes to whose model cannot be used: a reason for every setting."""
    entries = tuple(_failed_entry(setting, str(error)) for setting in group.settings)
    return GroupResult((), entries, errors=(error,))


def run_group(run: GroupRun) -> GroupResult:
    """All settings of one model through the five steps.

    A setting whose numbers overflow fails by itself: its cells are reported as failed, and the others go
    on. Where every setting does, there is nothing to measure, and nothing is generated.
    """
    settings: list[Setting] = []
    extractions: list[Extraction] = []
    failures: list[tuple[Setting, NumericError]] = []
    for setting in run.group.lent:
        _lend(run, setting)
    for setting in run.group.settings:
        try:
            extractions.append(run.extract(setting))
            settings.append(setting)
        except NumericError as error:
            failures.append((setting, error))
    errors: list[SteerkitError] = [error for _, error in failures]
    selections = [
        _failed_entry(setting, str(error), run.failed(setting, error)) for setting, error in failures
    ]
    first = [run.baseline(setting) for setting in settings]
    for setting, extraction in zip(settings, extractions, strict=True):
        planned = setting.trials(run.model.num_layers)
        run.calibrate(setting, extraction, planned)
        first += [
            run.steered(setting, setting.selection, extraction, trial, tried=True) for trial in planned
        ]
    if first:
        run.complete(first, f"generating {len({cell.id for cell in first})} cells")

    finals: list[Cell] = []
    controls: list[Cell] = []
    compared: list[tuple[Cell, Cell]] = []
    for setting, extraction in zip(settings, extractions, strict=True):
        run.progress.step(f"selecting: {setting.selector.name}")
        try:
            selection = run.select(setting, extraction)
        except SteerkitError as error:
            if not run.all_sick(setting):
                raise
            errors.append(error)
            selections.append(_failed_entry(setting, str(error)))
            continue
        trial = Trial(selection.layer, selection.position, selection.multiplier)
        # on the very prompts of the selection the cell is there already, and is not made again in full; of
        # one that was ended early the rest is made
        same = setting.selection.prompts == setting.evaluation.prompts
        tried = same and (id(setting), trial) in run.outcomes
        final = run.steered(setting, setting.evaluation, extraction, trial, tried=tried)
        finals.append(final)
        compared.append((final, run.baseline(setting)))
        own = run.controls(setting, extraction, trial, final)
        controls += own
        compared += [(final, control) for control in own]
        outcome = run.outcomes.get((id(setting), trial))
        tried_cells = tuple(run.tried.get(id(setting), ()))
        selections.append(
            _selection_entry(
                setting, selection, final, outcome, tried_cells, looked=id(setting) in run.looked
            )
        )
    if finals:
        numbers = [len({cell.id for cell in cells}) for cells in (finals, controls)]
        run.complete([*finals, *controls], "generating {} selected cells, {} controls".format(*numbers))

    run.judge_all(run.cells.values())
    chosen = {cell.id for cell in finals}
    entries = [run.count(cell) | {"selected": cell.id in chosen} for cell in run.cells.values()]
    by_id = {entry["id"]: entry for entry in entries}
    labels = {cell.id: labels_of(run.judge(cell)) for cell in run.cells.values()}
    pairs = dict.fromkeys((cell.id, reference.id) for cell, reference in compared)
    comparisons = (compare_cells(by_id[cell], by_id[reference], labels) for cell, reference in pairs)
    _note_sick_controls(run, compared, by_id)
    return GroupResult(
        cells=tuple(entries),
        selections=tuple(selections),
        comparisons=tuple(found for found in comparisons if found is not None),
        controls=tuple((cell, tuple(why)) for cell, why in run.uncontrolled.items()),
        labels=labels,
        shares={cell.id: run.shares(cell) for cell in run.cells.values()},
        drift=tuple(run.drift()),
        health=tuple(run.health()),
        notes=tuple(run.notes(entries)),
        errors=tuple(errors),
    )


def _lend(run: GroupRun, setting: Setting) -> None:
    """Extract what a quantized group's setting will carry over, its shuffled controls included."""
    with suppress(NumericError):  # reported by the settings that lack the directions
        found = run.extract(setting)
        for index in range(1, setting.controls.shuffled + 1):
            with suppress(SteerkitError):  # reported by the setting that lacks the control
                run.shuffled(setting, index, found)


def _note_sick_controls(
    run: GroupRun, compared: Sequence[tuple[Cell, Cell]], entries: Mapping[str, Mapping[str, Any]]
) -> None:
    """Keep for every chosen cell which of its controls failed, and why."""
    for cell, reference in compared:
        entry = entries[reference.id]
        if entry["control"] is not None and entry["sick"]:
            run.uncontrolled[cell.id][f"{entry['control']}: {entry['sick']}"] = None


def _failed_entry(setting: Setting, reason: str, cell: Cell | None = None) -> dict[str, Any]:
    """A setting that came to no selection, and why; its cell, if it has one, is a failed one."""
    return {
        "cell": None if cell is None else cell.id,
        "failed": True,
        "selector": setting.selector.name,
        "overrides": dict(setting.overrides),
        "reason": reason,
        "prompts": setting.selection.name,
        "shared_prompts": 0,
        "selected_on_evaluation": False,
        "tried": [],
        "refusal_rate": None,
        "table": [],
    }


def _selection_entry(
    setting: Setting,
    selection: Selection,
    final: Cell,
    outcome: Outcome | None,
    tried: Sequence[str],
    *,
    looked: bool,
) -> dict[str, Any]:
    """How a setting came to its layer, and how the chosen one did, if it saw all selection prompts.

    `tried` are the ids of the cells that the selector has seen, and it `looked` where it read the selection
    prompts themselves.
    """
    shared = len(_texts(setting.selection) & _texts(setting.evaluation))
    whole = outcome is not None and outcome.asked == len(setting.selection.prompts)
    return {
        "cell": final.id,
        "failed": False,
        "selector": setting.selector.name,
        "overrides": dict(setting.overrides),
        "reason": selection.reason,
        "prompts": setting.selection.name,
        "shared_prompts": shared,
        "selected_on_evaluation": shared > 0 and (looked or len(tried) > 1),
        "tried": list(tried),
        "refusal_rate": outcome.rate("refusal") if outcome is not None and whole else None,
        "table": [dict(row) for row in selection.table],
    }


def _texts(prompts: NamedPrompts) -> set[str]:
    return {prompt.text for prompt in prompts.prompts}


def adapters_of(registry: Registry) -> list[ModelAdapter]:
    """The installed model adapters, in the order in which they are asked.

    Raises:
        UnknownComponent: two plugins bring an adapter of one name.
    """
    word = "model adapter"
    found = [cast("ModelAdapter", registry.get(word, name)()) for name in registry.names(word)]
    return sorted(found, key=lambda adapter: (-adapter.priority, adapter.name))


def release_memory() -> None:
    """Give back what models that nobody holds any more have left behind."""
    import gc

    import torch

    gc.collect()  # modules and their hooks refer to each other
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def load_model(group: Group, registry: Registry) -> ModelHandle:
    """The group's model: by the first plugin that loads it, else by the core."""
    from steerkit_core.loading import load_pretrained

    adapters = adapters_of(registry)
    found = registry.host.first(
        "steerkit_load_model", spec=group.spec, adapters=adapters, folder=group.folder
    )
    if found is not None:
        return cast("ModelHandle", found)
    return load_pretrained(group.spec, adapters, folder=group.folder)
