"""Files of directions: bit for bit, with what a recipe has to know of them."""

import json

import attrs
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from steerkit_core import DirectionSet
from steerkit_core.errors import StoreError
from steerkit_core.results.directions import filed_directions
from steerkit_core.testing import tiny_handle


@pytest.fixture
def directions():
    generator = torch.Generator().manual_seed(2)
    raw = torch.randn(2, 3, 32, generator=generator)
    raw[1, 2] = 0.0
    found = DirectionSet.from_raw(raw, (-1, -4), (0, 2, 3), "mlp")
    return attrs.evolve(found, scores={"accuracy": torch.rand(2, 3, generator=generator)})


def same(one, other):
    names = ("positions", "layers", "module")
    return (
        all(getattr(one, name) == getattr(other, name) for name in names)
        and torch.equal(one.units, other.units)
        and torch.equal(one.raw_norms, other.raw_norms)
        and one.scores.keys() == other.scores.keys()
        and all(torch.equal(table, other.scores[name]) for name, table in one.scores.items())
        and one.residual_norms == other.residual_norms
        and (
            one.axes is other.axes if None in (one.axes, other.axes) else torch.equal(one.axes, other.axes)
        )
        and {one.units.dtype, one.raw_norms.dtype} == {torch.float32, torch.float64}
    )


def test_what_is_saved_is_loaded_bit_for_bit(directions, tmp_path):
    path = tmp_path / "own.safetensors"
    directions.save(path)
    assert same(directions, DirectionSet.load(path))
    # a view of a larger tensor is written as what it shows
    part = attrs.evolve(directions, units=torch.stack([directions.units] * 2)[0])
    part.save(str(path))
    assert same(directions, DirectionSet.load(str(path)))
    assert [file.name for file in tmp_path.iterdir()] == ["own.safetensors"]


def test_no_field_is_left_out():
    # `same` compares these; a new one has to be saved and loaded as well
    names = {field.name for field in attrs.fields(DirectionSet)}
    assert names == {
        "positions", "layers", "units", "raw_norms", "scores", "module", "residual_norms", "axes",
    }  # fmt: skip


def test_axes_are_saved_bit_for_bit_and_have_the_shape_of_the_rest(directions, tmp_path, says):
    path = tmp_path / "own.safetensors"
    axes = torch.randn(2, 3, 4, 32, generator=torch.Generator().manual_seed(3))
    with_axes = attrs.evolve(directions, axes=axes)
    with_axes.save(path)
    assert same(with_axes, DirectionSet.load(path))
    assert torch.equal(filed_directions(str(path)).directions().axes, axes)
    plain = tmp_path / "plain.safetensors"
    directions.save(plain)
    assert filed_directions(str(path)).digest != filed_directions(str(plain)).digest
    attrs.evolve(directions, axes=axes[..., :31]).save(path)
    with pytest.raises(StoreError) as caught:
        DirectionSet.load(path)
    says(caught)


def test_safetensors_reads_it_too(directions, tmp_path):
    directions.save(tmp_path / "own.safetensors", facts={"extractor": {"use": "mine"}})
    tensors = load_file(tmp_path / "own.safetensors")
    assert sorted(tensors) == [
        "directions.raw_norms", "directions.score.accuracy", "directions.units",
    ]  # fmt: skip
    with safe_open(tmp_path / "own.safetensors", framework="pt") as file:
        facts = json.loads(file.metadata()["directions"])
    assert (facts["schema_version"], facts["positions"], facts["layers"]) == (1, [-1, -4], [0, 2, 3])
    assert facts["extractor"] == {"use": "mine"}


def test_the_model_is_noted(directions, adapters, tmp_path):
    model = tiny_handle("qwen2", adapters)
    directions.save(tmp_path / "own.safetensors", model=model)
    kept = filed_directions(str(tmp_path / "own.safetensors"))
    assert kept.model.id == "tiny:qwen2"
    assert kept.model.fingerprint == model.fingerprint
    assert kept.model.template == model.template_sha256
    assert kept.model.model_type == "qwen2"
    assert (kept.num_layers, kept.width, kept.module) == (4, 32, "mlp")


def test_an_exported_file_holds_the_runs_directions(many, report, give, tmp_path):
    run, cells = many
    code, out, _ = give("export", run, "--to", "safetensors", "--cell", cells["ablate"])
    assert (code, out) == (
        0,
        (
            "many.safetensors: directions at layers 0 to 9, position -1, of cell"
            f" {cells['ablate']}, for bundled:qwen2-s\n"
        ),
    )
    (key,) = {cell["extraction"] for cell in report["cells"] if cell["role"] == "steered"}
    theirs, ours = load_file(run / "directions.safetensors"), load_file(tmp_path / "many.safetensors")
    assert sorted(ours) == ["directions.raw_norms", "directions.residual_norms", "directions.units"]
    for name in ("units", "raw_norms", "residual_norms"):
        assert torch.equal(ours[f"directions.{name}"], theirs[f"{key}.{name}"])
    assert same(
        DirectionSet.load(run / "directions.safetensors", key), DirectionSet.load("many.safetensors")
    )
    kept, entry = filed_directions("many.safetensors"), json.loads((run / "manifest.json").read_text())
    for name in ("id", "revision", "model_type", "num_layers", "hidden_size", "fingerprint"):
        assert getattr(kept.model, name) == entry["models"][0][name]
    assert kept.model.template == entry["models"][0]["prompts"]["template_sha256"]
    assert kept.extractor.use == "dim"
    assert kept.facts["cell"]["id"] == cells["ablate"]


def test_a_recipe_takes_an_exported_file_and_steers_as_the_run_did(many, report, give, make_run, tmp_path):
    run, cells = many
    give("export", run, "--to", "safetensors")
    again = make_run([f'extractor={{use="transfer", file="{tmp_path}/many.safetensors"}}'])
    second = json.loads((again / "results.json").read_text())
    (found,) = [cell for cell in second["cells"] if cell["role"] == "steered"]
    (first,) = [cell for cell in report["cells"] if cell["id"] == cells["onward"]]
    for name in ("counts", "rates", "strength", "direction"):
        assert found[name] == first[name]
    assert found["origin"]["differs"] == []
    assert found["origin"]["run"] == str(tmp_path / "many.safetensors")
    assert found["origin"]["method"]["use"] == "dim"


def rewritten(path, target, change):
    """The same file with other facts."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["directions"])
    change(facts)
    save_file(load_file(path), target, metadata={"directions": json.dumps(facts)})


def other_model(facts):
    facts["record"]["id"], facts["model"]["fingerprint"] = "someone/model", "sha256:0"


def other_revision(facts):
    facts["record"]["revision"], facts["model"]["fingerprint"] = "abc123", "commit:abc123"


def other_template(facts):
    facts["record"]["template"], facts["model"]["fingerprint"] = "1234", "sha256:0"


def other_template_alone(facts):
    facts["record"]["template"] = "1234"


def other_weights(facts):
    facts["model"]["fingerprint"] = "sha256:0"


def no_model(facts):
    del facts["record"], facts["model"]


@pytest.mark.parametrize(
    ("change", "named", "differs"),
    [
        (other_model, "someone/model", ["model"]),
        (other_revision, "bundled:qwen2-s", ["revision"]),
        (other_template, "bundled:qwen2-s", ["template"]),
        (other_template_alone, "bundled:qwen2-s", ["template"]),
        (other_weights, "bundled:qwen2-s", ["weights"]),
        (no_model, "an unnamed model", ["model", "revision", "template"]),
    ],
)
def test_another_model_revision_or_template_is_refused_and_marked_when_allowed(
    change, named, differs, many, give, make_run, tmp_path
):
    give("export", many[0], "--to", "safetensors")
    path = tmp_path / "changed.safetensors"
    rewritten(tmp_path / "many.safetensors", path, change)
    changes = [f'extractor={{use="transfer", file="{path}"}}', "controls.random=0"]
    with pytest.raises(Exception) as caught:  # noqa: PT011  # reason: the whole message is asserted
        make_run(changes)
    assert str(caught.value) == (
        f"extractor.file: the directions of {path} were found in {named}, which is not bundled:qwen2-s as it"
        f" is steered (not the same: {', '.join(differs)}): set extractor.allow_other to true to take them"
        " all the same"
    )
    run = make_run([*changes, "extractor.allow_other=true"])
    report = json.loads((run / "results.json").read_text())
    (cell,) = [cell for cell in report["cells"] if cell["role"] == "steered"]
    assert cell["origin"]["differs"] == differs
    (note,) = [note for note in report["notes"] if "not the same" in note]
    assert note == (
        f"bundled:qwen2-s: 1 of 2 cells are steered with directions of {path}, taken as they are (not the"
        f" same: {', '.join(differs)})."
    )


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_bytes(b"GGUF"), "cannot be read as safetensors: unpack requires a buffer"),
        (
            lambda path: save_file({"a": torch.zeros(2)}, path),
            "no sets of directions whose key begins with",
        ),
        (lambda _path: None, "no such file"),
    ],
)
def test_what_is_no_file_of_directions_is_one_sentence(write, message, tmp_path):
    path = tmp_path / "x.safetensors"
    write(path)
    with pytest.raises(StoreError) as caught:
        DirectionSet.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value)


def test_a_newer_file_and_a_damaged_one_are_refused(directions, tmp_path, says):
    path = tmp_path / "x.safetensors"
    directions.save(path)
    rewritten(path, tmp_path / "new.safetensors", lambda facts: facts.update(schema_version=2))
    with pytest.raises(StoreError) as caught:
        DirectionSet.load(tmp_path / "new.safetensors")
    says(caught)
    rewritten(path, tmp_path / "short.safetensors", lambda facts: facts.update(layers=[0, 2]))
    with pytest.raises(StoreError) as caught:
        DirectionSet.load(tmp_path / "short.safetensors")
    says(caught)
    with pytest.raises(StoreError) as caught:
        directions.save(tmp_path / "nowhere" / "x.safetensors")
    says(caught)
