"""What identifies a model in a folder: the content of everything that its answers depend on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest, sha256
from typing import TYPE_CHECKING

from steerkit_core.recipe.model_files import weight_files

if TYPE_CHECKING:
    from pathlib import Path

# a readme or a training log in the folder changes no answer and is left out
SETTINGS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "tekken.json",
    "chat_template.json",
    "chat_template.jinja",
)


def fingerprint_folder(folder: Path) -> str:
    """`sha256:` and 64 hexadecimal digits over weights, config, tokenizer, template and code.

    The weights are hashed whole. A sample or the file's date would be quicker, but a fine-tune that
    touches a few rows of one matrix would then pass for the model it began from, and a run would resume
    with completions of the other. One core hashes about 1 GiB a second and shards are hashed side by
    side, so that this costs no more than reading the files, which loading does anyway.

    Raises:
        ModelError: the folder has no safetensors.
    """
    settings = (folder / name for name in SETTINGS)
    code = sorted(folder.glob("*.py"))
    files = [*(path for path in settings if path.is_file()), *code, *weight_files(folder)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        digests = pool.map(_digest, files)
        lines = sorted(f"{path.name} {digest}" for path, digest in zip(files, digests, strict=True))
    return "sha256:" + sha256("\n".join(lines).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
