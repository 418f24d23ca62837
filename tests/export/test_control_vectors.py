"""GGUF control vectors: read back with the package `gguf`, and applied by plain hooks."""

import json
import shutil
from typing import ClassVar

import gguf
import numpy as np
import pytest
import torch
from attrs import frozen

from steerkit_core import Edit, Intervention, Site
from steerkit_core.cli import execute
from steerkit_core.plugin.registry import Registry
from steerkit_core.testing.installed import plugin_of

PLAIN = ("onward", "layer", "per-layer")


def vectors_of(path):
    """The tensors of a file, as the package reads them."""
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_has_what_the_cell_adds_block_by_block(name, many, added, give, tmp_path):
    run, cells = many
    assert give("export", run, "--to", "gguf", "--cell", cells[name], "--out", "out.gguf")[0] == 0
    found = vectors_of(tmp_path / "out.gguf")
    assert list(found) == [f"direction.{layer}" for layer in added[name]]
    for layer, vector in added[name].items():
        tensor = found[f"direction.{layer}"]
        assert tensor.tensor_type == gguf.GGMLQuantizationType.F32
        assert tensor.shape.tolist() == [128]
        np.testing.assert_allclose(tensor.data, vector.float().numpy(), rtol=1e-6, atol=0)


def test_the_header_is_that_of_a_control_vector(many, give, tmp_path):
    run, cells = many
    give("export", run, "--to", "gguf", "--cell", cells["onward"], "--out", "out.gguf")
    reader = gguf.GGUFReader(tmp_path / "out.gguf")
    fields = {
        name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")
    }
    assert fields == {
        "general.architecture": "controlvector",
        "controlvector.model_hint": "qwen2",
        "controlvector.layer_count": 4,
    }


@pytest.mark.parametrize("name", PLAIN)
def test_plain_hooks_with_the_files_vectors_write_what_the_run_wrote(
    name, many, give, hooked, greedy, texts, tmp_path
):
    run, cells = many
    give("export", run, "--to", "gguf", "--cell", cells[name], "--out", "out.gguf")
    vectors = {
        int(found.removeprefix("direction.")): torch.from_numpy(np.array(tensor.data))
        for found, tensor in vectors_of(tmp_path / "out.gguf").items()
    }
    with hooked(vectors) as model:
        written = {text: greedy(model, text) for text in texts(cells[name])}
    assert written == texts(cells[name])
    with hooked({}) as model:
        unsteered = {text: greedy(model, text) for text in texts(cells[name])}
    assert unsteered != written


# of a run whose texts nobody reads
BARE = ("generation.max_new_tokens=1", "controls.random=0")
REMEDY = (
    "a control vector adds one vector to what a block gives, at every token of every prompt: export a cell of"
    " residual-add with tokens 'all' and without preserve_norm, or the directions themselves with --to"
    " safetensors\n"
)


@pytest.mark.parametrize("form", ["gguf", "repeng", "steering-vectors"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("preserve", "site 'residual-add' scales every token back to the length that it had"),
        ("generated", "site 'residual-add' edits the tokens 'generated' alone"),
        ("ablate", "site 'residual-ablate' sets the component along the direction"),
        ("clamp", "site 'residual-clamp' sets the component along the direction"),
        ("affine", "site 'residual-affine' depends on the activations of the contrast set"),
        ("conditional", "site 'conditional' edits some prompts and leaves others as they are"),
    ],
)
def test_what_a_control_vector_cannot_say_is_refused_by_name(name, reason, form, many, give, tmp_path):
    run, cells = many
    code, out, error = give("export", run, "--to", form, "--cell", cells[name])
    assert (code, out) == (2, "")
    assert error == f"error: cell {cells[name]} of {run}: {reason}, and {REMEDY}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "site", "reason"),
    [
        ("attention", "attention-add", "site 'attention-add' edits what a block's attention gives"),
        ("mlp", "mlp-add", "site 'mlp-add' edits what a block's mlp gives"),
        ("heads", "head-add", "site 'head-add' edits what a block's heads give"),
    ],
)
def test_other_places_are_refused_by_name(module, site, reason, make_run, give):
    run = make_run([*BARE, f"extractor.module={module}", f'site={{use="{site}", multiplier=2.0}}'])
    code, _, error = give("export", run, "--to", "gguf")
    cell = json.loads((run / "results.json").read_text())["selected"]
    assert code == 2
    assert error == f"error: cell {cell} of {run}: {reason}, and {REMEDY}"


def test_block_0_is_refused_for_llama_cpp_and_taken_by_the_others(make_run, give, tmp_path):
    run = make_run([*BARE, "selector.layer=0", 'site.span="layer"'])
    code, _, error = give("export", run, "--to", "gguf")
    cell = json.loads((run / "results.json").read_text())["selected"]
    assert code == 2
    assert error == (
        f"error: cell {cell} of {run}: edits block 0, which llama.cpp has no direction for (its first,"
        " direction.1, is added to what block 1 gives): choose a later layer or a span without it, or"
        " --to repeng\n"
    )
    assert give("export", run, "--to", "repeng", "--out", "out.gguf")[0] == 0
    assert list(vectors_of(tmp_path / "out.gguf")) == ["direction.0"]


def test_what_a_block_is_given_is_what_the_one_before_it_gives(make_run, give, tmp_path):
    run = make_run([*BARE, "extractor.module=input", 'site.span="layer"'])
    assert give("export", run, "--to", "gguf", "--out", "out.gguf")[0] == 0
    assert list(vectors_of(tmp_path / "out.gguf")) == ["direction.5"]


@frozen(kw_only=True)
class AddTwice(Site):
    """A stranger's site: the direction at a layer, twice, and its half at the next."""

    name: ClassVar[str] = "add-twice"

    def intervene(self, steering):
        unit, layer = steering.direction.unit, steering.layer
        return Intervention((Edit(layer, add=unit), Edit(layer, add=unit), Edit(layer + 1, add=unit / 2)))


def test_a_strangers_site_that_only_adds_is_exported(own_host, make_run, tmp_path, capsys):
    own_host.register(plugin_of(AddTwice), "stranger")
    run = make_run([*BARE, 'site={use="add-twice"}'], registry=Registry.collect(own_host))
    out = tmp_path / "out.gguf"
    assert execute(["export", str(run), "--to", "gguf", "--out", str(out)], own_host) == 0
    capsys.readouterr()
    found = vectors_of(out)
    unit = torch.from_numpy(np.array(found["direction.7"].data)) * 2
    assert float(unit.norm()) == pytest.approx(1.0, rel=1e-6)
    np.testing.assert_array_equal(found["direction.6"].data, (2 * unit).numpy())
    assert list(found) == ["direction.6", "direction.7"]


def test_cells_without_a_direction_of_their_own_are_refused(many, report, give):
    run = many[0]
    for role, reason in (
        ("baseline", "is a baseline"),
        (
            "control",
            "is the control 'random-1', whose direction is not kept",
        ),
    ):
        cell = next(cell["id"] for cell in report["cells"] if cell["role"] == role)
        code, _, error = give("export", run, "--to", "gguf", "--cell", cell)
        remedy = f"name a steered one with --cell (selected: {report['selected']})"
        assert (code, error) == (2, f"error: {run}: cell {cell} {reason}: {remedy}\n")


def test_a_run_that_was_edited_by_hand_is_refused(many, give, tmp_path, says):
    made, cells = many
    run = shutil.copytree(made, tmp_path / "copy")
    report = json.loads((run / "results.json").read_text())
    (cell,) = [cell for cell in report["cells"] if cell["id"] == cells["onward"]]
    cell["multiplier"] = 40.0
    (run / "results.json").write_text(json.dumps(report))
    code, _, error = give("export", run, "--to", "gguf", "--cell", cell["id"])
    assert code == 2
    says(error)
