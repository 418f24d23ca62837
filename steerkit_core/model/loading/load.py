"""One model, loaded with transformers and, where asked, quantized by bitsandbytes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from attrs import frozen
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
)

from steerkit_core.components import ModelRecord
from steerkit_core.errors import ModelError
from steerkit_core.model.backends.remote import check_access, open_remote
from steerkit_core.model.handle import ModelHandle
from steerkit_core.model.loading.choose import choose_adapter, choose_device
from steerkit_core.model.loading.fingerprint import fingerprint_folder
from steerkit_core.model.loading.hub import find_on_hub
from steerkit_core.model.loading.problems import explained, quiet
from steerkit_core.model.loading.quantize import (
    check_support,
    keep_compute_dtype,
    quantization_config,
    supported,
)
from steerkit_core.model.loading.verify import verify
from steerkit_core.model.template import template_hash
from steerkit_core.recipe.model_files import inspect_folder, locate, no_chat_template

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from steerkit_core.components import ModelAdapter
    from steerkit_core.components.model_spec import ModelSpec


@frozen
class _Source:
    """Where the files are; `options` go to every `from_pretrained`, so that all read the same place."""

    name: str
    folder: Path | None
    commit: str
    options: Mapping[str, str | bool]

    @property
    def path(self) -> str:
        """What transformers is given."""
        return str(self.folder or self.name)

    @property
    def what(self) -> str:
        """How messages call it."""
        return f"model folder {str(self.folder)!r}" if self.folder else f"hub repository {self.name!r}"

    @property
    def fingerprint(self) -> str:
        """The content of a folder; the commit of a repository, which stands for its content."""
        return fingerprint_folder(self.folder) if self.folder else f"commit:{self.commit}"


def load_pretrained(
    spec: ModelSpec, adapters: Sequence[ModelAdapter], *, folder: Path | None = None
) -> ModelHandle:
    """Load what `spec` asks for, ready to be steered: in evaluation mode, without gradients, verified.

    Args:
        spec: the recipe's `[model]` table.
        adapters: those installed; the one of the highest priority that serves the model is used.
        folder: where a `steerkit_locate_model` hook said that the id lives.

    Raises:
        ModelError: the model cannot be found, read, loaded on this machine, or edited.
    """
    if spec.remote:
        check_access(spec.id)
    device = choose_device("cpu" if spec.remote else spec.device)
    check_support(spec.quantization, device)
    source = _find(spec, folder)
    with explained(source.name, source.what):
        config = AutoConfig.from_pretrained(source.path, **source.options)
        _check_config(config, source.what, spec)
        adapter = choose_adapter(config, adapters)
        dtype = adapter.dtype(spec.dtype, "cuda" if spec.remote else device)
        tokenizer = _load_tokenizer(source)
        with quiet(downloading=source.folder is None), supported(spec.quantization, device):
            remote = open_remote(spec.id, source.commit, adapter) if spec.remote else None
            if remote is None:
                model = _load_weights(source, spec, adapter.load_options(config), dtype, device)
            else:
                model = remote.model
    model.train(mode=False)
    model.requires_grad_(requires_grad=False)
    if remote is None:
        with supported(spec.quantization, device):  # some devices only fail at the first product
            verify(model, adapter)
    handle = ModelHandle(
        spec=spec,
        model=model,
        tokenizer=tokenizer,
        adapter=adapter,
        dtype=dtype,
        fingerprint=source.fingerprint,
        revision=source.commit,
    )
    if remote is not None:
        handle.backend = remote
    return handle


def load_tokenizer(
    spec: ModelSpec, adapters: Sequence[ModelAdapter], *, folder: Path | None = None
) -> tuple[PreTrainedTokenizerBase, ModelAdapter]:
    """The tokenizer of what `spec` asks for and the adapter that serves it, without the weights.

    Raises:
        ModelError: the model cannot be found or read, or no adapter serves it.
    """
    source = _find(spec, folder)
    with explained(source.name, source.what):
        config = AutoConfig.from_pretrained(source.path, **source.options)
        _check_config(config, source.what, spec)
        return _load_tokenizer(source), choose_adapter(config, adapters)


def identify(
    spec: ModelSpec, adapters: Sequence[ModelAdapter], *, folder: Path | None = None
) -> dict[str, str]:
    """What `ModelHandle.identity` would be of what `spec` asks for, without loading any weights.

    Raises:
        ModelError: the model cannot be found or read, no adapter serves it, or there is no such device.
    """
    device = choose_device(spec.device)
    source = _find(spec, folder)
    with explained(source.name, source.what):
        config = AutoConfig.from_pretrained(source.path, **source.options)
        _check_config(config, source.what, spec)
        return {
            "fingerprint": source.fingerprint,
            "dtype": choose_adapter(config, adapters).dtype(spec.dtype, device),
            "quantization": spec.quantization,
            "device": torch.device(device).type,
        }


def record(spec: ModelSpec, *, folder: Path | None = None) -> ModelRecord:
    """What `ModelHandle.record` would be of what `spec` asks for, without loading any weights.

    Raises:
        ModelError: the model cannot be found or read.
    """
    source = _find(spec, folder)
    with explained(source.name, source.what):
        config = AutoConfig.from_pretrained(source.path, **source.options)
        _check_config(config, source.what, spec)
        text = config.get_text_config()
        return ModelRecord(
            id=spec.id,
            revision=source.commit,
            template=template_hash(_load_tokenizer(source)),
            model_type=text.model_type,
            num_layers=int(text.num_hidden_layers),
            hidden_size=int(text.hidden_size),
        )


def hidden_size(spec: ModelSpec, *, folder: Path | None = None) -> int:
    """The width of the residual stream of what `spec` asks for, read from its config alone.

    Raises:
        ModelError: the model cannot be found or read.
    """
    source = _find(spec, folder)
    with explained(source.name, source.what):
        config = AutoConfig.from_pretrained(source.path, **source.options)
        return int(config.get_text_config().hidden_size)


def _find(spec: ModelSpec, answer: Path | None) -> _Source:
    trust: dict[str, str | bool] = {"trust_remote_code": spec.trust_remote_code}
    folder = locate(spec.id, answer)
    if folder is not None:
        inspect_folder(folder, trust_remote_code=spec.trust_remote_code)
        return _Source(spec.id, folder, "", {**trust, "local_files_only": True})
    found = find_on_hub(spec.id, spec.revision)
    options = {**trust, "local_files_only": found.cached, "revision": found.commit}
    return _Source(spec.id, None, found.commit, options)


def _check_config(config: PreTrainedConfig, what: str, spec: ModelSpec) -> None:
    auto_map = getattr(config, "auto_map", None) or {}
    own_code = spec.trust_remote_code and "AutoModelForCausalLM" in auto_map
    if config.is_encoder_decoder or (type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING and not own_code):
        raise ModelError(
            f"{what} has the architecture {config.model_type!r}, expected a decoder-only language model"
        )
    stored = getattr(config, "quantization_config", None)
    if stored is not None:
        # what a result says about its precision must be true, and `quantization` could not say this
        method = stored.get("quant_method") if isinstance(stored, dict) else stored.quant_method
        raise ModelError(
            f"{what} is stored quantized ({str(method)!r}): choose the original weights, and"
            " model.quantization int8 or int4"
        )


def _load_tokenizer(source: _Source) -> PreTrainedTokenizerBase:
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            source.path, padding_side="left", **source.options
        )
    except ValueError as error:
        if "trust_remote_code" in str(error):
            raise  # said by `explained`
        if "Couldn't instantiate the backend tokenizer" not in str(error):
            raise _damaged_tokenizer(source, error) from error
        raise ModelError(f"{source.what} has no tokenizer that can be loaded") from error
    except OSError:
        raise  # said by `explained`
    except Exception as error:
        # what is wrong in the files is raised by whatever line trips over it first: as a KeyError, a
        # TypeError, and by the tokenizers library as a plain Exception
        raise _damaged_tokenizer(source, error) from error
    if not tokenizer.chat_template:
        raise ModelError(no_chat_template(source.what))
    if tokenizer.pad_token is None:
        if tokenizer.eos_token is None:
            raise ModelError(
                f"{source.what} has a tokenizer with neither a padding nor an end token: its batches cannot"
                " be padded and its answers never end"
            )
        tokenizer.pad_token = tokenizer.eos_token  # padding is masked, so any token will do
    return tokenizer


def _damaged_tokenizer(source: _Source, error: Exception) -> ModelError:
    found = f"{type(error).__name__}: {error}".partition("\n")[0]
    return ModelError(f"{source.what} has a damaged tokenizer: {found}")


def _load_weights(
    source: _Source, spec: ModelSpec, family: Mapping[str, object], dtype: str, device: str
) -> PreTrainedModel:
    options: dict[str, object] = {**source.options, **family}
    if spec.quantization != "none":
        options["quantization_config"] = quantization_config(spec.quantization, dtype)
    # the annotation of from_pretrained does not know output_loading_info
    model, info = cast("Any", AutoModelForCausalLM).from_pretrained(
        source.path,
        dtype=getattr(torch, dtype),
        device_map={"": device},
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # reported below, in one sentence
        **options,
    )
    _check_weights(source.what, info)
    if spec.quantization == "int4":
        keep_compute_dtype(model, dtype)
    loaded: PreTrainedModel = model
    return loaded


def _check_weights(what: str, info: Mapping[str, Collection[Any]]) -> None:
    """Refuse a model that transformers has completed with random numbers."""
    missing = sorted(info["missing_keys"])
    if missing:
        raise ModelError(f"{what} lacks {len(missing)} weights, such as {missing[0]!r}: it is incomplete")
    mismatched = sorted(info["mismatched_keys"])
    if mismatched:
        key, stored, expected = mismatched[0]
        raise ModelError(
            f"{what} has {len(mismatched)} weights of another shape than its config says, such as {key!r}:"
            f" found {tuple(stored)}, expected {tuple(expected)}"
        )
    extra = sorted(info["unexpected_keys"])
    if extra:
        warnings.warn(
            f"{what} has {len(extra)} weights that its architecture does not use, such as {extra[0]!r}",
            stacklevel=2,
        )
