"""Repositories of the hub: revisions, the cache, and what goes wrong."""

import shutil
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from loading_cases import load, refused

from steerkit_core.model.loading.hub import HubModel, find_on_hub
from steerkit_core.model.loading.problems import explained


def hub_says(monkeypatch, answer):
    def model_info(_self, name, *, revision, timeout):
        assert (name, revision) == ("owner/name", "main")
        assert timeout < 60
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(HfApi, "model_info", model_info)


def repository(*files):
    return SimpleNamespace(sha="c0ffee", siblings=[SimpleNamespace(rfilename=file) for file in files])


def http_error(kind):
    # huggingface_hub asks with the one or the other, by its version
    httpx = import_module("httpx2" if find_spec("httpx2") else "httpx")

    return kind("no", response=httpx.Response(404, request=httpx.Request("GET", "https://hub")))


def test_a_revision_becomes_a_commit(monkeypatch):
    hub_says(monkeypatch, repository("config.json", "model.safetensors"))
    assert find_on_hub("owner/name", "main") == HubModel("owner/name", "c0ffee", cached=False)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            http_error(RepositoryNotFoundError),
            (
                "there is no folder and no hub repository 'owner/name' that you can see: check the name, or"
                " log in with `hf auth login` if it is private"
            ),
        ),
        (http_error(RevisionNotFoundError), "hub repository 'owner/name' has no revision 'main'"),
        (
            http_error(GatedRepoError),
            (
                "hub repository 'owner/name' is gated: accept its terms at"
                " https://huggingface.co/owner/name and log in with `hf auth login`"
            ),
        ),
        (
            repository("config.json", "pytorch_model.bin"),
            (
                "hub repository 'owner/name' has its weights only as a pickle (pytorch_model.bin), expected"
                " safetensors: convert it once by loading it with transformers and calling save_pretrained"
            ),
        ),
        (
            repository("config.json", "model.gguf"),
            "hub repository 'owner/name' has no weights in safetensors form",
        ),
        (
            ConnectionError("name or service not known"),
            (
                "there is no folder 'owner/name', the hub could not be reached (name or service not known),"
                " and revision 'main' of a repository of that name is not in the local cache"
            ),
        ),
    ],
)
def test_repositories_that_cannot_be_used(monkeypatch, adapters, answer, message):
    hub_says(monkeypatch, answer)
    monkeypatch.setattr(
        "steerkit_core.model.loading.hub.try_to_load_from_cache", lambda *_args, **_kwargs: None
    )
    assert refused(load, adapters, id="owner/name") == message


def test_offline_on_purpose(monkeypatch, says):
    hub_says(monkeypatch, OfflineModeIsEnabled("offline"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(
        "steerkit_core.model.loading.hub.try_to_load_from_cache", lambda *_args, **_kwargs: None
    )
    says(refused(find_on_hub, "owner/name", "main"))


def test_the_cache_serves_without_a_connection(monkeypatch):
    hub_says(monkeypatch, ConnectionError("no network"))
    cached = "/cache/snapshots/c0ffee/config.json"
    monkeypatch.setattr(
        "steerkit_core.model.loading.hub.try_to_load_from_cache", lambda *_args, **_kwargs: cached
    )
    assert find_on_hub("owner/name", "main") == HubModel("owner/name", "c0ffee", cached=True)


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (
            http_error(GatedRepoError),
            (
                "hub repository 'owner/name' is gated: accept its terms at"
                " https://huggingface.co/owner/name and log in with `hf auth login`"
            ),
        ),
        (
            LocalEntryNotFoundError("gone"),
            (
                "hub repository 'owner/name' is only partly in the local cache and the hub could not be"
                " reached: connect once, or name a folder"
            ),
        ),
        (None, "hub repository 'owner/name' could not be read: first line"),
    ],
)
def test_what_transformers_raises_in_a_download(cause, message):
    def download():
        with explained("owner/name", "hub repository 'owner/name'"):
            raise OSError("first line\nsecond line") from cause

    assert refused(download) == message


def test_a_cached_repository_is_loaded_and_known_by_its_commit(saved, tmp_path, monkeypatch, adapters):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--owner--name"
    shutil.copytree(saved, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    hub_says(monkeypatch, ConnectionError("no network"))
    handle = load(adapters, id="owner/name")
    assert handle.revision == commit
    assert handle.fingerprint == f"commit:{commit}"
