"""What transformers raises, said in one sentence; and what it prints, kept off the terminal."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
import transformers
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError
from huggingface_hub.utils import enable_progress_bars  # type: ignore[attr-defined]  # lazily exported
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from steerkit_core.errors import ModelError
from steerkit_core.model.loading.hub import gated
from steerkit_core.recipe.model_files import needs_remote_code

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def explained(name: str, what: str) -> Iterator[None]:
    """Turn what a user can put right into a `ModelError`; anything else passes with its traceback."""
    try:
        yield
    except OSError as error:
        causes = tuple(_causes(error))
        if any(isinstance(cause, GatedRepoError) for cause in causes):
            raise ModelError(gated(name)) from error
        if any(isinstance(cause, LocalEntryNotFoundError) for cause in causes):
            raise ModelError(
                f"{what} is only partly in the local cache and the hub could not be reached: connect once,"
                " or name a folder"
            ) from error
        raise ModelError(f"{what} could not be read: {_first_line(error)}") from error
    except SafetensorError as error:
        raise ModelError(f"{what} has a damaged weights file: {_first_line(error)}") from error
    except ImportError as error:
        raise ModelError(f"{what} needs a package that is missing: {_first_line(error)}") from error
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{what} does not fit into the memory of the device: choose quantization int8 or int4, a"
            " smaller model, or device cpu"
        ) from error
    except ValueError as error:
        if "trust_remote_code" in str(error):
            raise ModelError(needs_remote_code(what)) from error
        if "does not recognize this architecture" in str(error):
            raise ModelError(
                f"{what} has an architecture that transformers {transformers.__version__} does not know:"
                " upgrade transformers"
            ) from error
        raise


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


@contextmanager
def quiet(*, downloading: bool) -> Iterator[None]:
    """No progress bars and no load report; the bars of a download stay, because it may take an hour.

    The load report is switched off because the loader checks the same facts and turns them into errors
    and its own warnings.
    """
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # reason: transformers' own
    if downloading:
        enable_progress_bars()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # reason: transformers' own
