"""Models by name, and models that are loaded already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from steerkit_core.components.model_spec import ModelSpec, Quantization
from steerkit_core.errors import ModelError
from steerkit_core.model.load_model import adapters_of
from steerkit_core.model.loaded_models import LoadedModels
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.compatibility import check_remote, find_model
from steerkit_core.recipe.lookup import built

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from steerkit_core.model.handle import ModelHandle


# a template for models that were not trained to chat
AS_IT_IS = "{{ bos_token }}{% for turn in messages %}{{ turn.content }}{% endfor %}"


def load_model(
    id: str | Path,  # noqa: A002  # reason: the key of a recipe's table `[model]`
    *,
    quantization: str = "none",
    dtype: str = "auto",
    device: str = "auto",
    revision: str = "main",
    backend: str = "auto",
    remote: bool = False,
    trust_remote_code: bool = False,
) -> ModelHandle:
    """Load a model, checked and ready to be read and steered; just as a run does.

    Args:
        id: a bundled model (`bundled:qwen2-s`), a folder, or a hub repository.
        quantization: `none`, `int8` or `int4` (NF4) by bitsandbytes.
        dtype: `auto` is float32 on a CPU and bfloat16 elsewhere; or `float32`, `float16`, `bfloat16`.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...; auto takes a GPU where there is one.
        revision: branch, tag or commit on the hub.
        backend: how tensors are reached: `auto`, `hooks` or `nnsight`.
        remote: leave the model on NDIF's servers.
        trust_remote_code: allow code from the model's repository to run.

    Returns:
        A handle; `model` and `tokenizer` are those of transformers.

    Raises:
        SteerkitError: there is no such model, it cannot be loaded here, or an option is wrong.

    >>> import steerkit_core
    >>> model = steerkit_core.load_model("bundled:qwen2-s", device="cpu")
    >>> model
    ModelHandle('bundled:qwen2-s': Qwen2ForCausalLM, 10 layers, width 128, float32 on cpu)
    """
    options = {
        "id": str(id),
        "quantization": quantization,
        "dtype": dtype,
        "device": device,
        "revision": revision,
        "backend": backend,
        "remote": remote,
        "trust_remote_code": trust_remote_code,
    }
    spec = built(ModelSpec, options, "model")
    registry = Registry.collect()
    check_remote(spec, find_model(spec, registry)[0])
    return LoadedModels(registry).load(spec)


def wrap(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> ModelHandle:
    """A handle of a model that is loaded already, which is neither copied nor changed.

    Its family is recognised as when a recipe loads it, and two tiny forward passes prove that its residual
    stream is read and edited where it should be.

    Args:
        model: a decoder-only language model of transformers, in evaluation mode. It may be quantized,
            offloaded by accelerate, or what `torch.compile` has made of one.
        tokenizer: its tokenizer, with a chat template.

    Raises:
        ModelError: it is no such model, no installed adapter serves it, or it cannot be edited.

    >>> import steerkit_core, transformers
    >>> loaded = steerkit_core.load_model("bundled:mistral-s", device="cpu")
    >>> model = steerkit_core.wrap(loaded.model, loaded.tokenizer)
    >>> model.num_layers == loaded.num_layers
    True
    """
    from steerkit_core.model.handle import ModelHandle
    from steerkit_core.model.loading import choose_adapter, verify

    # torch.compile's wrapper leads to the model itself, and is steered with it
    model = getattr(model, "_orig_mod", model)
    _check(model, tokenizer)
    adapter = choose_adapter(model.config, adapters_of(Registry.collect()))
    weight = cast("Any", model.get_input_embeddings()).weight
    dtype = adapter.dtype(str(weight.dtype).removeprefix("torch."), weight.device.type)
    name = f"wrapped:{model.name_or_path or type(model).__name__}"
    spec = ModelSpec(
        id=name, dtype=cast("Any", dtype), quantization=_quantization(model), device=str(weight.device)
    )
    verify(model, adapter)
    return ModelHandle(
        spec=spec,
        model=model,
        tokenizer=tokenizer,
        adapter=adapter,
        dtype=dtype,
        # what is in memory may have been trained since it was loaded, so that it is like nothing else
        fingerprint=f"memory:{uuid4().hex}",
    )


def _check(model: object, tokenizer: object) -> None:
    """Refuse what is no decoder that is ready to answer, or no tokenizer of a chat model."""
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    if not isinstance(model, PreTrainedModel):
        raise ModelError(
            f"wrap: expected a model of transformers (PreTrainedModel), got {type(model).__name__}; to load"
            " one by its name, use load_model"
        )
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise ModelError(f"wrap: expected a tokenizer of transformers, got {type(tokenizer).__name__}")
    what = f"wrap: {type(model).__name__}"
    if model.config.is_encoder_decoder or cast("Any", model).get_output_embeddings() is None:
        raise ModelError(f"{what} writes no text, expected a decoder-only language model (...ForCausalLM)")
    if model.training:
        raise ModelError(f"{what} is in training mode, in which its numbers are random: call model.eval()")
    if not tokenizer.chat_template:
        raise ModelError(
            f"{what} has a tokenizer without chat template, expected a chat model: choose the"
            f" instruction-tuned variant, or set tokenizer.chat_template ({AS_IT_IS!r} passes texts as they"
            " are)"
        )


def _quantization(model: PreTrainedModel) -> Quantization:
    """How the weights are kept, in the words of recipes where these have one."""
    stored = getattr(model.config, "quantization_config", None)
    if stored is None:
        return "none"
    facts = stored if isinstance(stored, dict) else stored.to_dict()
    known = {"load_in_8bit": "int8", "load_in_4bit": "int4"}
    found = next((word for key, word in known.items() if facts.get(key)), None)
    return cast("Quantization", found or str(facts.get("quant_method", "unknown")))
