"""Numbers that overflow are seen, said, and never counted as a style of writing."""

import json
import math
from typing import ClassVar

import pytest
import torch
from as_json import as_json
from attrs import evolve, frozen
from made_results import run_results
from safetensors.torch import load_file, save_file

from steerkit_core import DirectionSet, Extractor, SteerkitError, hookimpl
from steerkit_core.counting.counts import failure_cause
from steerkit_core.model.health import StreamHealth, warnings_of
from steerkit_core.model.measuring import StreamSums, stream_health
from steerkit_core.pipeline.recipe_run import run_recipe
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.report.terminal.console import results_table
from steerkit_core.testing import save_tiny, tiny_handle
from steerkit_core.values import Outcome, Prompt, Trial

FIXED = "grid.selector=[{use = 'fixed', layer = 1}]"


def test_the_sums_see_lengths_overflow_and_what_is_no_number():
    sums = StreamSums(2, 3, torch.device("cpu"))
    mask = torch.tensor([[0, 1], [1, 1]])
    residual = torch.tensor([[[9e9, 9e9, 9e9], [3.0, 4.0, 0.0]], [[0.0, 0.0, 7e4], [1.0, 2.0, 2.0]]])
    sums.add(0, residual, mask)
    sick = residual.clone()
    sick[0, 0] = math.nan  # padding
    sick[0, 1, 0] = math.inf
    sick[1, 1, 1] = math.nan
    sums.add(1, sick, mask)
    health = sums.health()
    assert health.norm_mean == pytest.approx(((5.0 + 7e4 + 3.0) / 3, 7e4))
    assert health.norm_max == (7e4, 7e4)
    assert health.overflow == pytest.approx((1 / 9, 2 / 9))  # infinity is beyond float16 too
    assert health.nonfinite == (0, 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_largest_number_of_float16_does_not_overflow_it(dtype):
    sums = StreamSums(1, 2, torch.device("cpu"))
    # 65504 is none of bfloat16's numbers; the next below it is 65280
    largest = 65280.0 if dtype == torch.bfloat16 else 65504.0
    sums.add(0, torch.tensor([[[largest, 0.0]]], dtype=dtype), torch.ones(1, 1))
    assert sums.health().overflow == (0.0,)


def test_a_stream_is_measured_as_transformers_reports_it(adapters):
    handle = tiny_handle("qwen2", adapters, layers=3)
    prompts = [Prompt("a", "Hi"), Prompt("b", "Tell me how rainbows come about, please")]
    norms = []
    for prompt in prompts:
        with torch.no_grad():
            hidden = handle.model(torch.tensor([handle.encode(prompt)]), output_hidden_states=True)
        norms.append(torch.stack([layer[0].double().norm(dim=-1) for layer in hidden.hidden_states[1:3]]))
    every = torch.cat(norms, dim=1)
    health = stream_health(handle, prompts)
    assert health.norm_mean[:2] == pytest.approx(every.mean(dim=1).tolist(), rel=1e-5)
    assert health.norm_max[:2] == pytest.approx(every.max(dim=1).values.tolist(), rel=1e-5)
    assert (health.overflow, health.nonfinite) == ((0.0,) * 3, (0,) * 3)


def test_warnings_name_the_layers(says):
    fine = StreamHealth((1.0,) * 4, (2.0,) * 4, (0.0,) * 4, (0,) * 4)
    assert warnings_of(fine, "m") == []
    (large,) = warnings_of(evolve(fine, overflow=(0.0, 0.0, 0.001, 0.02)), "m (int8)")
    says(large)
    (sick,) = warnings_of(evolve(fine, nonfinite=(0, 5, 0, 1)), "m")
    assert sick.startswith("m: the residual stream has values that are NaN or infinite at layers 1, 3; ")


@pytest.mark.parametrize(
    ("causes", "rows", "sick"),
    [
        ([], 0, None),
        ([], 4, None),
        (["a"], 4, None),
        (["a", "b", "b"], 4, "3 of 4 completions failed: b"),
        (["b", "a"], 4, "2 of 4 completions failed: a"),
    ],
)
def test_a_cell_is_sick_if_half_of_its_rows_failed(causes, rows, sick):
    assert failure_cause(causes, rows) == sick
    outcome = Outcome(Trial(0, -1), {"refusal": rows - len(causes)}, len(causes))
    assert outcome.has_failed == (sick is not None)


@frozen(kw_only=True)
class Poisoned(Extractor):
    """A direction of length one by its own account, and NaN in truth."""

    name: ClassVar[str] = "poisoned"

    def extract(self, model, contrast, layers):
        units = torch.full((1, len(layers), model.hidden_size), math.nan)
        return DirectionSet((-1,), tuple(layers), units, torch.ones(1, len(layers), dtype=torch.float64))


class Own:
    @hookimpl
    def steerkit_register_extractors(self):
        return [Poisoned]


@pytest.fixture
def execute(own_host, write_recipe, tmp_path):
    own_host.register(Own(), "own")
    registry = Registry.collect(own_host)
    path = write_recipe(tmp_path)

    def run(*changes):
        recipe = load_recipe(path, registry, [FIXED, *changes])
        return as_json(run_recipe(recipe, registry, tmp_path / "run"))

    return run


def test_a_direction_that_is_nan_makes_a_failed_cell_and_no_garbled_one(execute, tmp_path):
    report = execute("extractor.use=poisoned")
    baseline, steered = report["cells"]
    cause = (
        "5 of 5 completions failed: logits are not finite at new token 1: the model's numbers overflowed"
    )
    assert (baseline["sick"], baseline["failed"]) == (None, 0)
    assert (steered["sick"], steered["failed"], steered["n"]) == (cause, 5, 0)
    assert set(steered["counts"].values()) == {0}
    (note,) = [note for note in report["notes"] if "failed" in note]
    assert note == f"tiny: 1 of 2 cells failed, such as {steered['id']}: {cause}.".replace(
        "tiny", baseline["model"]
    )
    table = results_table(run_results(**report))
    cells = [list(column.cells) for column in table.columns if column.header == "refusal"]
    assert cells[0][1] == "[magenta]failed[/]"
    page = (tmp_path / "run" / "report.html").read_text()
    assert cause.replace("'", "&#39;") in page
    (entry,) = report["health"]
    assert (entry["rows"], entry["failed"], sum(entry["nonfinite"])) == (10, 5, 0)


@pytest.fixture
def overflowing(tmp_path):
    """A model that is well for short prompts' last tokens in float32, and overflows in float16."""
    folder = save_tiny("qwen2", tmp_path / "huge", layers=4, hidden=16)
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.mlp.down_proj.weight"] *= 1e6
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_model_that_overflows_is_refused_alone_and_reported_beside_others(execute, overflowing, tmp_path):
    model = f"model.id={overflowing}"
    with pytest.raises(SteerkitError) as caught:
        execute(model, "model.dtype=float16")
    message = "model adapter 'qwen': the output of block 1 is not finite in float16: choose a wider dtype"
    assert str(caught.value) == message
    (tmp_path / "run" / "manifest.json").unlink()
    for name in (tmp_path / "run").iterdir():
        name.unlink()
    report = execute(model, 'grid."model.dtype"=["float16", "float32"]')
    sick, well = report["selections"]
    assert (sick["failed"], sick["cell"], sick["reason"]) == (True, None, message)
    assert (well["failed"], report["selected"]) == (False, well["cell"])
    assert {cell["dtype"] for cell in report["cells"]} == {"float32"}
    (entry,) = report["health"]
    assert entry["overflow"][0] == 0.0
    assert min(entry["overflow"][1:]) > 0.0
    assert any("would overflow there in float16" in note for note in report["notes"])


def test_a_setting_whose_extraction_overflows_is_a_failed_cell(execute, monkeypatch, tmp_path, says):
    from steerkit_core import ModelHandle
    from steerkit_core.errors import NumericError

    original = ModelHandle.mean_activations

    def overflow(self, *arguments):
        if self.dtype == "bfloat16":
            raise NumericError("activations at layer 2 are not finite in bfloat16")
        return original(self, *arguments)

    monkeypatch.setattr(ModelHandle, "mean_activations", overflow)
    report = execute('grid."model.dtype"=["bfloat16", "float32"]')
    (sick,) = [cell for cell in report["cells"] if cell["dtype"] == "bfloat16"]
    assert (sick["role"], sick["layer"], sick["n"], sick["failed"]) == ("steered", None, 0, 5)
    says(sick["sick"])
    verdicts = (tmp_path / "run" / "verdicts.jsonl").read_text().splitlines()
    labels = [row["label"] for row in map(json.loads, verdicts) if row["cell"] == sick["id"]]
    assert labels == ["failed"] * 5
    assert execute('grid."model.dtype"=["bfloat16", "float32"]') == report
