"""Where a model is, and what its folder holds: what can be known of it without torch.

`steerkit check` calls this for every model of a recipe, so nothing here imports torch or transformers,
and nothing touches the network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from attrs import frozen

from steerkit_core.errors import ModelError
from steerkit_core.files.reading import reason_of

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
TEMPLATES = ("chat_template.jinja", "chat_template.json")

# the names that architectures give to one number
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_HIDDEN = ("hidden_size", "n_embd", "d_model", "dim")


def no_safetensors(what: str) -> str:
    """The message for weights that only exist as a pickle, which may run code when it is opened."""
    return (
        f"{what} has its weights only as a pickle (pytorch_model.bin), expected safetensors: convert it"
        " once by loading it with transformers and calling save_pretrained"
    )


def needs_remote_code(what: str) -> str:
    """The message for a model that brings its own code."""
    return (
        f"{what} brings its own code: read it, and set trust_remote_code = true in [model] if you want it"
        " to run"
    )


def no_chat_template(what: str) -> str:
    """The message for a model that was not trained to chat."""
    return (
        f"{what} has a tokenizer without chat template, expected a chat model: choose the instruction-tuned"
        " variant, or put a chat_template.jinja beside the tokenizer"
    )


@frozen
class FolderFacts:
    """What a model folder says about itself; None where its config leaves a number to the library."""

    folder: Path
    model_type: str
    num_layers: int | None
    hidden_size: int | None


def locate(name: str, answer: Path | None = None) -> Path | None:
    """The folder that a model id stands for; None for the name of a hub repository.

    Args:
        name: `model.id` of the recipe.
        answer: what the hook `steerkit_locate_model` said.

    Raises:
        ModelError: a folder that does not exist, or a name that no repository can have.
    """
    if answer is not None:
        if not answer.is_dir():
            raise ModelError(f"model {name!r} should be in {str(answer)!r}, and there is no such folder")
        return answer
    kind, path = _on_disk(name)
    if kind == "folder":
        return path
    if kind == "file":
        raise ModelError(
            f"model {name!r} is a file, expected a folder with config.json, tokenizer and safetensors"
        )
    if name.startswith(("./", "../", "/", "~", ".\\", "..\\")) or name in (".", "..") or "\\" in name:
        raise ModelError(f"there is no model folder {name!r}")
    if ":" in name:
        scheme = name.partition(":")[0]
        raise ModelError(f"no installed plugin knows model {name!r} (an id that begins with '{scheme}:')")
    _check_hub_name(name)
    return None


def _on_disk(name: str) -> tuple[Literal["folder", "file", "nothing"], Path]:
    path = Path(name)
    if not name:  # pathlib takes it for the working directory
        return "nothing", path
    try:
        path = path.expanduser()
        return ("folder" if path.is_dir() else "file" if path.is_file() else "nothing"), path
    except (OSError, RuntimeError):  # a name too long for the file system, or `~` of an unknown user
        return "nothing", path


def _check_hub_name(name: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # lazily exported

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise ModelError(
            f"model {name!r} is neither a folder nor a possible name of a hub repository, expected"
            " 'owner/name'"
        ) from error


def inspect_folder(folder: Path, *, trust_remote_code: bool = False) -> FolderFacts:
    """Read what a folder holds, and refuse what could not be loaded.

    Raises:
        ModelError: no usable config, weights, tokenizer or chat template, or code that is not trusted.
    """
    what = f"model folder {str(folder)!r}"
    config = _read_json(folder / "config.json", what)
    if "auto_map" in config and not trust_remote_code:
        raise ModelError(needs_remote_code(what))
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        raise ModelError(f"{what} has a config.json without model_type: it names no architecture")
    if config.get("is_encoder_decoder"):
        raise ModelError(f"{what} holds an encoder-decoder ({model_type!r}), expected a decoder-only model")
    weight_files(folder)
    if not trust_remote_code:  # code of its own may keep its tokenizer in files of any name
        _check_tokenizer(folder, what)
    text = config.get("text_config")
    tables = (config, text if isinstance(text, dict) else {})
    return FolderFacts(folder, model_type, _number(tables, _LAYERS), _number(tables, _HIDDEN))


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files that make up the model, in the order of their names.

    Raises:
        ModelError: there are none, there is a pickle instead, or a shard is missing.
    """
    what = f"model folder {str(folder)!r}"
    if (folder / WEIGHTS).is_file():
        return (folder / WEIGHTS,)
    if (folder / WEIGHTS_INDEX).is_file():
        index = cast("Mapping[str, str]", _read_json(folder / WEIGHTS_INDEX, what).get("weight_map", {}))
        names = sorted(set(index.values()))
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise ModelError(
                f"{what} lacks {len(missing)} of its {len(names)} weight files, such as {missing[0]!r}"
            )
        return tuple(folder / name for name in names)
    if any((folder / name).is_file() for name in PICKLES):
        raise ModelError(no_safetensors(what))
    raise ModelError(f"{what} has no weights, expected {WEIGHTS} or {WEIGHTS_INDEX}")


def _check_tokenizer(folder: Path, what: str) -> None:
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise ModelError(f"{what} has no tokenizer, expected tokenizer.json or tokenizer.model")
    if any((folder / name).is_file() for name in TEMPLATES):
        return
    settings = folder / "tokenizer_config.json"
    if not settings.is_file() or not _read_json(settings, what).get("chat_template"):
        raise ModelError(no_chat_template(what))


def _read_json(path: Path, what: str) -> dict[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{what} has no {path.name}") from error
    except OSError as error:
        raise ModelError(f"{what} has a {path.name} that cannot be read: {reason_of(error)}") from error
    except ValueError as error:  # json and unicode errors are both of this kind
        raise ModelError(f"{what} has a {path.name} that is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{what} has a {path.name} that is no JSON object")
    return found


def _number(tables: tuple[Mapping[str, object], ...], names: tuple[str, ...]) -> int | None:
    for table in tables:
        for name in names:
            number = table.get(name)
            if isinstance(number, int):
                return number
    return None
