"""The models that are measured: bundled ones, and a randomly initialised Qwen2 of 60 million parameters."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from steerkit_core.model.handle import ModelHandle
    from steerkit_core.plugin.registry import Registry

BUNDLED = ("qwen2-s", "gemma2-s", "mistral-s")
RANDOM = "qwen2-60m"
_ENDS = ("eos_token_id", "eos_token")


@frozen
class Subject:
    """A model in a folder. Where `natural`, texts may end early; else all have the same length."""

    name: str
    folder: Path
    natural: bool

    @property
    def title(self) -> str:
        """What the tables call it."""
        return f"{self.name}, texts end by themselves" if self.natural else self.name


def subjects(folder: Path, names: tuple[str, ...]) -> list[Subject]:
    """The models by name, written to `folder`: with fixed lengths, and bundled ones with their ends too."""
    made = []
    for name in names:
        if name == RANDOM:
            made.append(Subject(name, random_qwen2(folder / name), natural=False))
        else:
            whole = shutil.copytree(bundled(name), folder / name)
            made.append(Subject(name, without_ends(whole, folder / f"{name}-endless"), natural=False))
            made.append(Subject(name, whole, natural=True))
    for path in folder.iterdir():
        readable_to_others(path)
    return made


def bundled(name: str) -> Path:
    """The folder of a bundled model."""
    import steerkit_bundled

    return steerkit_bundled.folder(name)


def random_qwen2(folder: Path) -> Path:
    """Width 512, 16 layers, vocabulary 16,000, untrained, with the tokenizer of a bundled Qwen2.

    It knows no token that ends a text, so that every way of steering writes as many.
    """
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    config = Qwen2Config(
        vocab_size=16_000,
        hidden_size=512,
        intermediate_size=1664,
        num_hidden_layers=16,
        num_attention_heads=8,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        initializer_range=0.05,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    without_ends(bundled("qwen2-s"), folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(folder)
    return folder


def without_ends(source: Path, folder: Path) -> Path:
    """A copy of a model that knows no token that ends a text."""
    shutil.copytree(source, folder)
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        values = json.loads((folder / name).read_text(encoding="utf-8"))
        values.update(dict.fromkeys(_ENDS & values.keys()))
        (folder / name).write_text(json.dumps(values), encoding="utf-8")
    return folder


def readable_to_others(folder: Path) -> None:
    """Say the rotary base where transformers 4 looks for it as well."""
    path = folder / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["rope_theta"] = values["rope_parameters"]["rope_theta"]
    path.write_text(json.dumps(values), encoding="utf-8")


@cache
def registry() -> Registry:
    """The components of all installed plugins."""
    from steerkit_core.plugin.host import Host
    from steerkit_core.plugin.registry import Registry

    return Registry.collect(Host.load())


def load(model: str | Path, backend: str = "hooks") -> ModelHandle:
    """A model as a run loads it: a bundled one, or a folder."""
    from steerkit_core.components.model_spec import ModelSpec
    from steerkit_core.model.load_model import load_model
    from steerkit_core.recipe.compatibility import locate_model
    from steerkit_core.recipe.plan import Group

    spec = ModelSpec(id=str(model), device="cpu", backend=backend)  # type: ignore[arg-type]  # reason: may be a newer one
    return load_model(Group(spec, locate_model(spec, registry()), None, ()), registry())


def prompts(name: str) -> tuple[Any, ...]:
    """A prompt set by name."""
    prompt_set: Any = registry().get("prompt set", name)
    return tuple(prompt_set().prompts())
