import json
import subprocess
import sys
from pathlib import Path

import pytest

from steerkit_core import ModelError
from steerkit_core.recipe.model_files import FolderFacts, inspect_folder, locate, weight_files

CONFIG = {"model_type": "qwen2", "num_hidden_layers": 4, "hidden_size": 32}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A complete model folder `m` in the working directory, so that messages have a short path."""
    monkeypatch.chdir(tmp_path)
    made = Path("m")
    made.mkdir()
    (made / "config.json").write_text(json.dumps(CONFIG))
    (made / "tokenizer.json").write_text("{}")
    (made / "chat_template.jinja").write_text("{{ messages }}")
    (made / "model.safetensors").write_bytes(b"")
    return made


def refused(function, *args, **kwargs):
    with pytest.raises(ModelError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


def test_what_a_hook_located_is_taken(tmp_path):
    assert locate("bundled:x", tmp_path) == tmp_path


def test_a_folder_that_exists_is_taken(folder):
    assert locate("m") == folder
    assert locate("./m") == Path("m")


def test_a_home_folder_is_expanded(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.resolve().parent))
    assert locate("~/m") == folder.resolve()


@pytest.mark.parametrize("name", ["gpt2", "Qwen/Qwen2.5-0.5B-Instruct", "owner/a.b_c-d"])
def test_any_other_possible_name_is_a_hub_repository(name):
    assert locate(name) is None


PATHS = ["./no", "../no", "/no/such", "~/no-such", "~no-such-user/m", "models\\no", ".\\no"]


@pytest.mark.parametrize("name", PATHS)
def test_a_path_that_does_not_exist(name, says):
    says(refused(locate, name))


def test_a_hook_that_points_nowhere(says):
    says(refused(locate, "bundled:x", Path("gone")))


@pytest.mark.usefixtures("folder")
def test_a_file_is_no_folder(says):
    says(refused(locate, "m/config.json"))


def test_a_scheme_that_no_plugin_knows(says):
    says(refused(locate, "bundle:qwen2-s"))


@pytest.mark.parametrize("name", ["a/b/c", "has space", "a--b", "-a", "x.git", "", "x" * 300])
def test_a_name_that_no_repository_can_have(name, says):
    says(refused(locate, name))


def test_facts_of_a_folder(folder):
    assert inspect_folder(folder) == FolderFacts(folder, "qwen2", 4, 32)


def test_other_names_for_the_same_numbers(folder):
    (folder / "config.json").write_text('{"model_type": "gpt2", "n_layer": 6, "n_embd": 48}')
    assert inspect_folder(folder) == FolderFacts(folder, "gpt2", 6, 48)


def test_numbers_of_a_nested_text_model(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "gemma3", "text_config": CONFIG}))
    assert inspect_folder(folder) == FolderFacts(folder, "gemma3", 4, 32)


def test_numbers_that_the_config_leaves_out_are_unknown(folder):
    (folder / "config.json").write_text('{"model_type": "gemma3"}')
    assert inspect_folder(folder) == FolderFacts(folder, "gemma3", None, None)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "model folder 'm' has no config.json"),
        ("[1]", "model folder 'm' has a config.json that is no JSON object"),
        (
            "{",
            (
                "model folder 'm' has a config.json that is no JSON: Expecting property name enclosed in"
                " double quotes: line 1 column 2 (char 1)"
            ),
        ),
        ("{}", "model folder 'm' has a config.json without model_type: it names no architecture"),
        (
            '{"model_type": "t5", "is_encoder_decoder": true}',
            "model folder 'm' holds an encoder-decoder ('t5'), expected a decoder-only model",
        ),
        (
            '{"model_type": "own", "auto_map": {"AutoConfig": "code.Config"}}',
            (
                "model folder 'm' brings its own code: read it, and set trust_remote_code = true in [model]"
                " if you want it to run"
            ),
        ),
    ],
)
def test_configs_that_are_refused(folder, config, message):
    (folder / "config.json").unlink()
    if config is not None:
        (folder / "config.json").write_text(config)
    assert refused(inspect_folder, folder) == message


def test_own_code_passes_when_it_is_trusted(folder):
    (folder / "config.json").write_text('{"model_type": "own", "auto_map": {"AutoConfig": "code.Config"}}')
    assert inspect_folder(folder, trust_remote_code=True).model_type == "own"


def test_a_folder_without_weights(folder, says):
    (folder / "model.safetensors").unlink()
    says(refused(inspect_folder, folder))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model.bin.index.json"])
def test_weights_that_are_only_a_pickle(folder, name, says):
    (folder / "model.safetensors").rename(folder / name)
    says(refused(inspect_folder, folder))


def test_shards_are_found_by_their_index(folder):
    (folder / "model.safetensors").rename(folder / "b.safetensors")
    index = {"weight_map": {"one": "b.safetensors", "two": "a.safetensors", "three": "a.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert refused(inspect_folder, folder) == (
        "model folder 'm' lacks 1 of its 2 weight files, such as 'a.safetensors'"
    )
    (folder / "a.safetensors").write_bytes(b"")
    assert weight_files(folder) == (folder / "a.safetensors", folder / "b.safetensors")


def test_a_folder_without_tokenizer(folder, says):
    (folder / "tokenizer.json").unlink()
    says(refused(inspect_folder, folder))


def test_a_tokenizer_without_chat_template(folder, says):
    (folder / "chat_template.jinja").unlink()
    says(refused(inspect_folder, folder))


def test_a_chat_template_may_be_in_the_tokenizer_settings(folder):
    (folder / "chat_template.jinja").unlink()
    (folder / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    assert inspect_folder(folder).model_type == "qwen2"


@pytest.mark.usefixtures("folder")
def test_nothing_of_it_imports_torch():
    code = (
        "import sys, pathlib; from steerkit_core.recipe.model_files import inspect_folder, locate;"
        "locate('owner/name'); inspect_folder(pathlib.Path('m'));"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
