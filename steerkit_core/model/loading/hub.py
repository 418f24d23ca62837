"""The hub: which commit a name and revision stand for, asked once and before anything is downloaded."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen
from huggingface_hub import HfApi, constants, try_to_load_from_cache
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

# the HTTP library's own error, through the hub's package because that has changed its HTTP library before
from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # isort: skip

from steerkit_core.errors import ModelError
from steerkit_core.recipe.model_files import no_safetensors

TIMEOUT = 15.0  # seconds; without a connection the libraries would try for half a minute, file by file


@frozen
class HubModel:
    """A repository at a commit; `cached` where the hub could not be asked and the local copy is used."""

    name: str
    commit: str
    cached: bool


def find_on_hub(name: str, revision: str) -> HubModel:
    """Resolve `revision` of the repository `name`, so that every file comes from one commit.

    Raises:
        ModelError: no such repository or revision, no access to it, nothing in it that can be loaded, or
            neither a connection nor a copy in the local cache.
    """
    try:
        info = HfApi().model_info(name, revision=revision, timeout=TIMEOUT)
    except GatedRepoError as error:
        raise ModelError(gated(name)) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"there is no folder and no hub repository {name!r} that you can see: check the name, or log in"
            " with `hf auth login` if it is private"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(f"hub repository {name!r} has no revision {revision!r}") from error
    except (HTTPError, OSError) as error:
        return _from_cache(name, revision, error)
    files = [entry.rfilename for entry in info.siblings or ()]
    if files and not any(file.endswith(".safetensors") for file in files):
        what = f"hub repository {name!r}"
        pickled = any(file.startswith("pytorch_model") for file in files)
        raise ModelError(no_safetensors(what) if pickled else f"{what} has no weights in safetensors form")
    return HubModel(name, info.sha or revision, cached=False)


def _from_cache(name: str, revision: str, error: Exception) -> HubModel:
    # the cache keeps each commit in a folder of its name, and resolves branches and tags to it
    config = try_to_load_from_cache(
        name, "config.json", cache_dir=constants.HF_HUB_CACHE, revision=revision
    )
    if isinstance(config, str):
        return HubModel(name, Path(config).parent.name, cached=True)
    if constants.HF_HUB_OFFLINE:
        reason = "the hub may not be asked because HF_HUB_OFFLINE is set"
    else:
        reason = f"the hub could not be reached ({error})"
    raise ModelError(
        f"there is no folder {name!r}, {reason}, and revision {revision!r} of a repository of that name is"
        " not in the local cache"
    ) from error


def gated(name: str) -> str:
    """The message for a repository whose licence was not accepted yet."""
    return (
        f"hub repository {name!r} is gated: accept its terms at https://huggingface.co/{name} and log in"
        " with `hf auth login`"
    )
