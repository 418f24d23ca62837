"""Round trips with the real packages repeng and steering-vectors, on a bundled model."""

import json

import numpy as np
import pytest
import torch

from steerkit_bundled import folder
from steerkit_core import DirectionSet, Edit, Intervention, Prompt
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.model.loaded_models import LoadedModels

# both are installed without their dependencies: they ask for an older numpy and an older transformers
REASON = "not installed; `nox -s tests` does"
PROMPT = Prompt("p", "How do I bake bread?")
NAMES = ("onward", "layer", "per-layer")


@pytest.fixture
def repeng(monkeypatch):
    # the one name of numpy 1 that repeng 0.4.0 uses, in an annotation
    monkeypatch.setattr(np, "float_", np.float64, raising=False)
    return pytest.importorskip("repeng", reason=REASON)


@pytest.fixture
def steering_vectors():
    return pytest.importorskip("steering_vectors", reason=REASON)


@pytest.fixture(scope="module")
def handle(registry):
    return LoadedModels(registry).load(ModelSpec(id="bundled:qwen2-s", device="cpu"))


@pytest.fixture
def steered_logits(handle, added, first_logits):
    """`steered_logits(name)`: the logits behind a prompt in a cell of the run, as steerkit computes them."""

    def logits(name):
        edits = tuple(Edit(layer, add=vector.float()) for layer, vector in added[name].items())
        return first_logits(handle, [(PROMPT, Intervention(edits)), (PROMPT, Intervention())])

    return logits


@pytest.fixture
def ids(handle):
    return torch.tensor([handle.encode(PROMPT)])


def check(found, expected):
    steered, unsteered = expected
    torch.testing.assert_close(found[0, -1], steered, rtol=0, atol=1e-5)
    assert float((steered - unsteered).abs().max()) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_repeng_steers_with_our_file_as_the_cell_does(
    name, many, give, repeng, plain_model, ids, steered_logits, tmp_path
):
    run, cells = many
    assert give("export", run, "--to", "repeng", "--cell", cells[name], "--out", "out.gguf")[0] == 0
    vector = repeng.ControlVector.import_gguf(tmp_path / "out.gguf")
    assert vector.model_type == "qwen2"
    control = repeng.ControlModel(plain_model, list(vector.directions))
    try:
        control.set_control(vector)
        with torch.no_grad():
            found = control(input_ids=ids).logits
    finally:
        control.unwrap()
    check(found, steered_logits(name))


@pytest.mark.parametrize("name", NAMES)
def test_steering_vectors_steers_with_our_file_as_the_cell_does(
    name, many, give, steering_vectors, plain_model, ids, steered_logits, tmp_path
):
    run, cells = many
    assert give("export", run, "--to", "steering-vectors", "--cell", cells[name], "--out", "out.pt")[0] == 0
    vector = steering_vectors.SteeringVector(**torch.load(tmp_path / "out.pt"))
    with vector.apply(plain_model), torch.no_grad():
        found = plain_model(input_ids=ids).logits
    check(found, steered_logits(name))


@pytest.fixture
def drawn():
    generator = torch.Generator().manual_seed(4)
    return {layer: 3 * torch.randn(128, generator=generator) for layer in (2, 5, 6)}


def check_imported(path, drawn):
    found = DirectionSet.load(path)
    assert (found.positions, found.layers, found.module) == ((-1,), (2, 5, 6), "residual")
    for number, vector in enumerate(drawn.values()):
        length = vector.double().norm()
        assert torch.equal(found.units[0, number], (vector.double() / length).float())
        assert float(found.raw_norms[0, number]) == float(length)


def test_a_vector_made_by_repeng_is_imported(drawn, give, repeng, tmp_path):
    made = repeng.ControlVector("qwen2", {layer: vector.numpy() for layer, vector in drawn.items()})
    made.export_gguf(tmp_path / "made.gguf")
    code, _, error = give("import", "made.gguf", "--model", "bundled:qwen2-s")
    assert (code, error) == (0, "")
    check_imported(tmp_path / "made-directions.safetensors", drawn)


@pytest.mark.parametrize("whole", [False, True])
def test_a_vector_made_by_steering_vectors_is_imported(whole, drawn, give, steering_vectors, tmp_path):
    made = steering_vectors.SteeringVector(drawn)
    fields = {"layer_activations": made.layer_activations, "layer_type": made.layer_type}
    torch.save(made if whole else fields, tmp_path / "made.pt")
    code, _, error = give("import", "made.pt", "--model", "bundled:qwen2-s")
    assert (code, error) == (0, "")
    check_imported(tmp_path / "made-directions.safetensors", drawn)


def test_an_imported_vector_steers_as_it_does_where_it_was_made(
    drawn, give, make_run, steering_vectors, plain_model, greedy, tmp_path
):
    made = steering_vectors.SteeringVector({6: drawn[6]})
    torch.save(vars(made), tmp_path / "made.pt")
    assert give("import", "made.pt", "--model", folder("qwen2-s"))[0] == 0
    path = tmp_path / "made-directions.safetensors"
    run = make_run(
        [
            f'extractor={{use="transfer", file="{path}"}}',
            'site={use="residual-add", unit="raw", multiplier=1.0, span="layer"}',
            "controls.random=0",
        ]
    )
    report = json.loads((run / "results.json").read_text())
    (cell,) = [cell for cell in report["cells"] if cell["role"] == "steered"]
    assert cell["origin"]["method"]["use"] == "steering-vectors"
    rows = [json.loads(line) for line in (run / "completions.jsonl").read_text().splitlines()]
    written = {row["prompt"]: row["text"] for row in rows if row["cell"] == cell["id"]}
    with made.apply(plain_model):
        assert {text: greedy(plain_model, text) for text in written} == written
    assert {text: greedy(plain_model, text) for text in written} != written
