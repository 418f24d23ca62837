"""Vectors of others: what is read of them, and what is said of files that do not fit."""

import json

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from steerkit_core import DirectionSet

MODEL = ("--model", "bundled:qwen2-s")


def write_gguf(path, tensors, architecture="controlvector"):
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_string("controlvector.model_hint", "qwen2")
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def drawn(width=128, seed=0):
    return np.random.default_rng(seed).normal(size=width).astype(np.float32)


def test_vectors_in_safetensors_are_found_by_the_number_of_their_block(give, tmp_path, says):
    vectors = {f"layer.{layer}": torch.from_numpy(drawn(seed=layer)) for layer in (7, 3)}
    save_file(vectors, tmp_path / "mine.safetensors")
    code, out, error = give(
        "import", "mine.safetensors", *MODEL, "--position", "-2", "--out", "out.safetensors"
    )
    assert (code, error) == (0, "")
    says(out)
    found = DirectionSet.load(tmp_path / "out.safetensors")
    assert (found.positions, found.layers) == ((-2,), (3, 7))
    np.testing.assert_allclose(found.raw_norms[0, 0], np.linalg.norm(drawn(seed=3)), rtol=1e-6)
    np.testing.assert_allclose(
        found.units[0, 1], drawn(seed=7) / np.linalg.norm(drawn(seed=7)), rtol=1e-5, atol=1e-8
    )


def test_half_precision_is_read(give, tmp_path):
    write_gguf(tmp_path / "half.gguf", {"direction.4": drawn().astype(np.float16)})
    assert give("import", "half.gguf", *MODEL)[0] == 0
    found = DirectionSet.load(tmp_path / "half-directions.safetensors")
    raw = found.units[0, 0].double() * found.raw_norms[0, 0]
    np.testing.assert_allclose(raw, drawn().astype(np.float16).astype(float), rtol=1e-5, atol=1e-6)


def test_an_exported_control_vector_comes_back(many, added, give, tmp_path):
    run, cells = many
    give("export", run, "--to", "gguf", "--cell", cells["per-layer"], "--out", "out.gguf")
    code, out, _ = give("import", "out.gguf", *MODEL, "--json")
    assert (code, json.loads(out)) == (
        0,
        {
            "file": "out-directions.safetensors",
            "from": "gguf",
            "model": "bundled:qwen2-s",
            "layers": [6, 7, 8, 9],
        },
    )
    found = DirectionSet.load(tmp_path / "out-directions.safetensors")
    raw = found.units[0].double() * found.raw_norms[0].unsqueeze(-1)
    expected = torch.stack(list(added["per-layer"].values())).double()
    torch.testing.assert_close(raw, expected, rtol=1e-6, atol=1e-6)


def test_layers_that_a_file_has_nothing_for_cannot_be_steered_with(give, make_run, tmp_path):
    write_gguf(tmp_path / "one.gguf", {"direction.4": drawn()})
    give("import", "one.gguf", *MODEL)
    path = tmp_path / "one-directions.safetensors"
    changes = [f'extractor={{use="transfer", file="{path}"}}', "controls.random=0"]
    with pytest.raises(Exception) as caught:  # noqa: PT011  # reason: the message is asserted
        make_run(changes)
    assert str(caught.value).startswith("the direction at layer 6, position -1 has length 0.0")
    run = make_run([*changes, "selector.layer=4"])
    report = json.loads((run / "results.json").read_text())
    (cell,) = [cell for cell in report["cells"] if cell["role"] == "steered"]
    assert cell["direction"]["raw_norm"] == pytest.approx(float(np.linalg.norm(drawn())), rel=1e-6)


def tensor_file(path):
    save_file({"weight": torch.zeros(128)}, path)


def two_for_one(path):
    save_file({"a.1": torch.ones(128), "b.1": torch.ones(128)}, path)


def not_finite(path):
    write_gguf(path, {"direction.1": np.full(128, np.nan, np.float32)})


def own_file(path):
    DirectionSet.from_raw(torch.ones(1, 1, 128), (-1,), (3,)).save(path)


BAD = {
    "missing.gguf": (None, "missing.gguf: no such file"),
    "text.gguf": (
        lambda path: path.write_bytes(b"GGUF and more"),
        "text.gguf: cannot be read as GGUF, not of that format or cut off: Sorry, file appears to be version 1684955424 which we cannot handle",
    ),
    "cells.csv": (
        lambda path: path.write_text("id,layer\n"),
        (
            "cells.csv: unrecognised file format, expected GGUF, safetensors or a file of steering-vectors,"
            " got b'id,layer\\n': name it with --from if it is one of these"
        ),
    ),
    "model.gguf": (
        lambda path: write_gguf(path, {"direction.1": drawn()}, "llama"),
        "model.gguf: a GGUF file of architecture 'llama', expected 'controlvector': it holds no control vectors",
    ),
    "names.gguf": (
        lambda path: write_gguf(path, {"token_embd.weight": drawn()}),
        "names.gguf: has a tensor 'token_embd.weight', expected direction.1, direction.2, ...",
    ),
    "none.gguf": (lambda path: write_gguf(path, {}), "none.gguf: holds no vectors"),
    "ints.gguf": (
        lambda path: write_gguf(path, {"direction.1": np.ones(128, np.int32)}),
        "ints.gguf: direction.1 is I32, expected F32",
    ),
    "narrow.gguf": (
        lambda path: write_gguf(path, {"direction.1": drawn(96)}),
        (
            "narrow.gguf: the vector of block 1 has 96 numbers, and bundled:qwen2-s the hidden size 128: name the"
            " model that it was made for"
        ),
    ),
    "deep.gguf": (
        lambda path: write_gguf(path, {"direction.10": drawn()}),
        (
            "deep.gguf: has a vector for block 10, and bundled:qwen2-s the blocks 0 to 9: name the model that it"
            " was made for"
        ),
    ),
    "nan.gguf": (not_finite, "nan.gguf: the vector of block 1 has numbers that are not finite"),
    "other.safetensors": (
        tensor_file,
        (
            "other.safetensors: has a tensor 'weight', expected floating-point vectors whose names end in the"
            " number of a block, such as 'layer.5'"
        ),
    ),
    "two.safetensors": (two_for_one, "two.safetensors: has two vectors for block 1"),
    "own.safetensors": (
        own_file,
        (
            "own.safetensors: has directions as steerkit writes them, and need not be imported: name it in"
            " extractor.file, or the run that it belongs to in extractor.run"
        ),
    ),
    "mlp.pt": (
        lambda path: torch.save({"layer_activations": {1: torch.ones(128)}, "layer_type": "mlp"}, path),
        "mlp.pt: vectors of layer_type 'mlp', expected 'decoder_block'",
    ),
    "weights.pt": (
        lambda path: torch.save({"weight": torch.ones(128)}, path),
        (
            "weights.pt: expected the fields of a SteeringVector, 'layer_activations' with a vector by layer and"
            " 'layer_type', got 'weight'"
        ),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_does_not_fit_is_one_sentence(name, give, tmp_path):
    write, message = BAD[name]
    if write is not None:
        write(tmp_path / name)
    code, out, error = give("import", name, *MODEL)
    assert (code, out, error) == (2, "", f"error: {message}\n")
    assert not list(tmp_path.glob("*-directions*"))


def test_code_in_a_pickle_is_not_run(give, tmp_path):
    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    torch.save(Harm(), tmp_path / "bad.pt")
    code, _, error = give("import", "bad.pt", *MODEL)
    assert code == 2
    assert error.startswith("error: bad.pt: cannot be read as a file of steering-vectors: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "harm").exists()
