"""`manifest.json`: what a run was made with, so that someone else can make it again."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from steerkit_core.results.fields import EXTRA, OMIT
from steerkit_core.results.results import SCHEMA_VERSION


@frozen(kw_only=True)
class Hardware:
    """Processor, memory and accelerators, as far as they can be told."""

    platform: str = ""
    machine: str = ""
    cores: int | None = None
    memory_bytes: int | None = field(default=None, metadata=OMIT)
    accelerators: tuple[str, ...] | None = field(default=None, metadata=OMIT)


@frozen(kw_only=True)
class PluginFacts:
    """A plugin that was installed: where it comes from, and whether it works."""

    name: str
    module: str
    distribution: str
    version: str
    status: str
    error: str = ""


@frozen(kw_only=True)
class ComponentFacts:
    """A component of a configuration: its name, and its options as they were resolved."""

    use: str
    options: Mapping[str, object] = field(factory=dict, metadata=EXTRA)


@frozen(kw_only=True)
class ModelWanted:
    """The model that a configuration asks for, and the other keys of `[model]`."""

    id: str
    quantization: str = "none"
    options: Mapping[str, object] = field(factory=dict, metadata=EXTRA)


@frozen(kw_only=True)
class ClassesFacts:
    """Two classes of prompts: their name, hash and sizes."""

    name: str
    sha256: str
    positive: int
    negative: int


@frozen(kw_only=True)
class PromptsFacts:
    """Some prompts: their name, hash and number."""

    name: str
    sha256: str
    n: int


@frozen(kw_only=True)
class SettingPrompts:
    """The prompts of a configuration."""

    contrast: ClassesFacts
    validation: ClassesFacts | None = None
    evaluation: PromptsFacts
    selection: PromptsFacts


@frozen(kw_only=True)
class SettingFacts:
    """A configuration with all options as they were resolved, defaults included."""

    overrides: Mapping[str, object] = field(factory=dict)
    model: ModelWanted
    generation: Mapping[str, object] = field(factory=dict)
    calibration: Mapping[str, object] = field(factory=dict)
    controls: Mapping[str, object] = field(factory=dict)
    extractor: ComponentFacts
    selector: ComponentFacts
    site: ComponentFacts | None = None
    classifier: ComponentFacts | None = None
    prompts: SettingPrompts | None = None


@frozen(kw_only=True)
class Token:
    """A token of a rendered prompt."""

    id: int
    text: str


@frozen(kw_only=True)
class TokenCount(Token):
    """A token that stands at some position, and in how many prompts it does."""

    prompts: int


@frozen(kw_only=True)
class AuditExample:
    """One rendered prompt, token by token."""

    id: str
    tokens: tuple[Token, ...]


@frozen(kw_only=True)
class AuditPosition:
    """The tokens at a position that an extractor reads, the commonest first."""

    contrast: str
    extractor: str
    position: int
    in_template: bool
    tokens: tuple[TokenCount, ...]


@frozen(kw_only=True)
class PromptAudit:
    """The prompts of a run as its model gets them.

    `suffix` is how many tokens the template puts behind the user's text; `double_bos` and `without_bos`
    how many of the `prompts` begin so; `notes` what is odd.
    """

    template_sha256: str
    suffix: int
    example: AuditExample | None
    prompts: int
    double_bos: int
    without_bos: int
    positions: tuple[AuditPosition, ...]
    notes: tuple[str, ...]


@frozen(kw_only=True)
class ParityCheck:
    """Whether a model's residual stream was read as transformers reports it, on one prompt."""

    prompt: str
    witnesses: tuple[str, ...]
    cosine: float | None
    difference: float | None
    tolerance: float
    agrees: bool


@frozen(kw_only=True)
class ModelFacts:
    """A model that was loaded; `batch_rows` are sizes that were found to go well, by length in tokens."""

    id: str
    family: str = ""
    architecture: str = ""
    model_type: str = ""
    num_layers: int | None = None
    hidden_size: int | None = None
    parameters: int | None = None
    backend: str = ""
    attention: str | None = None
    revision: str | None = None
    batch_rows: Mapping[str, int] = field(factory=dict)
    fingerprint: str = ""
    dtype: str = ""
    quantization: str = ""
    device: str = ""
    prompts: PromptAudit | None = None
    parity: ParityCheck | None = None


@frozen(kw_only=True)
class Manifest:
    """What `manifest.json` holds.

    `recipe` is the file or name that was given, `shipped` the name of a shipped one, `changes` those of
    `--set`; `resumed` when the run was begun again; `planned` how many completions there are at most.
    """

    schema_version: int = SCHEMA_VERSION
    name: str = ""
    seed: int | None = None
    recipe: str = ""
    shipped: str | None = None
    changes: tuple[str, ...] = ()
    recipe_fingerprint: str
    started: str
    resumed: tuple[str, ...] = ()
    finished: str | None = None
    steerkit: str = ""
    python: str = ""
    versions: Mapping[str, str | None] = field(factory=dict)
    hardware: Hardware = field(factory=Hardware)
    plugins: tuple[PluginFacts, ...] = ()
    settings: tuple[SettingFacts, ...]
    models: tuple[ModelFacts, ...]
    planned: int | None = None
