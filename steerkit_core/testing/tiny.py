"""Tiny models of real architectures with random weights, for tests that need no network and no GPU.

The weights are drawn from a wider distribution than at the start of a training, so that different prompts
give different tokens and the difference of two prompts is far from zero.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import ModelError, nearest
from steerkit_core.plugin.hookspecs import hookimpl
from steerkit_core.testing.families import FAMILIES, TinyFamily

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from steerkit_core.components import ModelAdapter
    from steerkit_core.model.handle import ModelHandle

HEADS = 4
_SPACE = "\u0120"  # how byte-level tokenizers write a space
_MERGES = [(_SPACE, "t"), ("h", "e"), (f"{_SPACE}t", "he"), ("i", "n"), ("a", "n"), (_SPACE, "a")]
_MODEL_TYPES = {"gemma3": "gemma3_text"}
_SCHEME = "tiny:"


def tiny_tokenizer(family: str) -> PreTrainedTokenizerBase:
    """A byte-level tokenizer: 256 bytes, six merges, and the special tokens and template of `family`.

    Raises:
        ModelError: the kit does not know the family.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    traits = _traits(family)
    pieces = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(left + right for left, right in _MERGES)]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=_MERGES))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(traits.special))
    if traits.adds_begin:
        begin = str(traits.begin)
        backend.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, backend.token_to_id(begin))]
        )
    roles = {"bos_token": traits.begin, "eos_token": traits.end[0], "pad_token": traits.pad}
    build: Any = PreTrainedTokenizerFast  # untyped in transformers
    tokenizer: PreTrainedTokenizerBase = build(
        tokenizer_object=backend,
        clean_up_tokenization_spaces=False,
        **{role: token for role, token in roles.items() if token is not None},
    )
    tokenizer.chat_template = traits.template
    return tokenizer


def tiny_model(family: str, *, layers: int = 4, hidden: int = 32, seed: int = 0) -> PreTrainedModel:
    """A float32 model of `family` on the CPU; `hidden` is a multiple of eight.

    The same arguments give the same weights, and the global random state stays as it was.

    Raises:
        ModelError: the kit does not know the family.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    traits = _traits(family)
    config = AutoConfig.for_model(
        _MODEL_TYPES.get(family, family), **_sizes(family, layers, hidden), **_token_ids(family, traits)
    )
    build: Any = AutoModelForCausalLM  # untyped in transformers
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = build.from_config(config, dtype=torch.float32)
    model.generation_config.eos_token_id = tiny_tokenizer(family).convert_tokens_to_ids(list(traits.end))
    model.train(mode=False)
    return model


def save_tiny(family: str, folder: Path, *, layers: int = 4, hidden: int = 32, seed: int = 0) -> Path:
    """Write a tiny model to `folder` in the form in which models are published, and return the folder.

    Raises:
        ModelError: the kit does not know the family.
    """
    from steerkit_core.model.loading.problems import quiet

    with quiet(downloading=False):
        tiny_model(family, layers=layers, hidden=hidden, seed=seed).save_pretrained(folder)
        tiny_tokenizer(family).save_pretrained(folder)
    return folder


def tiny_handle(
    family: str,
    adapters: Sequence[ModelAdapter],
    *,
    layers: int = 4,
    hidden: int = 32,
    seed: int = 0,
    **options: Any,
) -> ModelHandle:
    """A tiny model that went through a folder and the real loading code, verification included.

    Args:
        family: one of `FAMILIES`.
        adapters: those to choose from, such as the ones that a plugin host has collected.
        layers: number of blocks.
        hidden: width of the residual stream, a multiple of eight.
        seed: of the weights.
        options: further fields of `ModelSpec`, such as `quantization="int8"`.

    Raises:
        ModelError: the kit does not know the family, or no adapter serves it.
    """
    from steerkit_core.model.loading import load_pretrained

    spec = ModelSpec(**{"id": f"{_SCHEME}{family}", "device": "cpu", **options})
    with tempfile.TemporaryDirectory(prefix="steerkit-tiny-") as folder:
        path = save_tiny(family, Path(folder), layers=layers, hidden=hidden, seed=seed)
        return load_pretrained(spec, adapters, folder=path)


@frozen(eq=False)
class TinyModels:
    """A plugin that knows ids such as `tiny:qwen2` and `tiny:qwen2:layers=6,hidden=64,seed=1`.

    Register it on a host, and recipes can name tiny models. A model is written below `folder` when it is
    first asked for, which imports torch: unlike an installed model, it does not lie there yet.
    """

    folder: Path
    known: dict[str, Path] = field(factory=dict, init=False)

    @hookimpl
    def steerkit_locate_model(self, id: str) -> Path | None:  # noqa: A002  # reason: the hook's argument
        """The folder of a tiny model; None for an id that does not begin with `tiny:`.

        Raises:
            ModelError: an unknown family or size.
        """
        if not id.startswith(_SCHEME):
            return None
        if id not in self.known:
            family, _, sizes = id.removeprefix(_SCHEME).partition(":")
            _traits(family)
            target = self.folder / id.replace(":", "-").replace("=", "").replace(",", "-")
            self.known[id] = save_tiny(family, target, **_parse_sizes(id, sizes))
        return self.known[id]


def _parse_sizes(name: str, text: str) -> dict[str, int]:
    sizes = {}
    for pair in filter(None, text.split(",")):
        key, _, value = pair.partition("=")
        if key not in ("layers", "hidden", "seed") or not value.isdigit():
            raise ModelError(
                f"tiny model {name!r}: found {pair!r}, expected layers=, hidden= or seed= and a number"
            )
        sizes[key] = int(value)
    return sizes


def _traits(family: str) -> TinyFamily:
    if family not in FAMILIES:
        raise ModelError(
            f"no tiny model of the family {family!r}{nearest(family, tuple(FAMILIES))}"
            f" (known: {', '.join(FAMILIES)})"
        )
    return FAMILIES[family]


def _token_ids(family: str, traits: TinyFamily) -> dict[str, int | None]:
    tokenizer = tiny_tokenizer(family)
    return {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id if traits.pad else None,
    }


def _sizes(family: str, layers: int, hidden: int) -> dict[str, Any]:
    if family == "gpt2":
        return {"n_layer": layers, "n_embd": hidden, "n_head": HEADS, "initializer_range": 0.3}
    return {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS // 2,
        "head_dim": hidden // HEADS,
        "max_position_embeddings": 2048,
        "initializer_range": 0.3,
        **_traits(family).config,
    }
