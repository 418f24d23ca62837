"""The contract of model adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest
import torch

from steerkit_core.components import ModelAdapter
from steerkit_core.components.model_spec import ModelSpec
from steerkit_core.errors import ModelError
from steerkit_core.model.loading import load_pretrained
from steerkit_core.testing.contracts.component import ComponentContract
from steerkit_core.testing.families import FAMILIES
from steerkit_core.testing.small_run import small_run
from steerkit_core.testing.tiny import save_tiny, tiny_model
from steerkit_core.values import Prompt

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedConfig

    from steerkit_core.model.handle import ModelHandle

DTYPES = ("float32", "float16", "bfloat16")
PROMPT = Prompt("p1", "How do I bake bread?")


class ModelAdapterContract(ComponentContract):
    """It serves its families and no other, and what it reads is what transformers reports.

    `families` are names of `steerkit_core.testing.FAMILIES`. For an architecture that is not among them,
    give it a name of your own there and override `save` and `configs`.
    """

    component: ClassVar[type[ModelAdapter]]
    families: ClassVar[tuple[str, ...]]

    def save(self, family: str, folder: Path) -> Path:
        """Write a tiny model and its tokenizer to `folder`, by `save_pretrained`, and return the folder."""
        return save_tiny(family, folder)

    def configs(self) -> dict[str, PreTrainedConfig]:
        """Configurations by family, those that the adapter must not serve included."""
        return {family: tiny_model(family, layers=1).config for family in FAMILIES}

    @pytest.fixture
    def handles(self, tmp_path: Path) -> dict[str, ModelHandle]:
        """A tiny model of every family, loaded with this adapter alone; loading verifies it."""
        spec = ModelSpec(id="tiny", device="cpu")
        return {
            family: load_pretrained(spec, [self.build()], folder=self.save(family, tmp_path / family))
            for family in self.families
        }

    def test_it_serves_its_families_and_no_other(self) -> None:
        from transformers import T5Config

        built: ModelAdapter = self.build()
        for family, config in self.configs().items():
            served = built.serves(config)
            assert served == (family in self.families), f"serves({family}) is {served}"
        assert not built.serves(T5Config()), "it serves an encoder-decoder, which cannot be steered"

    def test_what_it_reads_is_what_transformers_reports(self, handles: dict[str, ModelHandle]) -> None:
        for family, model in handles.items():
            ids = torch.tensor([model.encode(PROMPT)])
            with torch.no_grad():
                states = model.model(input_ids=ids, output_hidden_states=True).hidden_states
            read = model.activations([PROMPT], (-1,))[0, 0]
            # the last hidden state has gone through the final norm, so that it cannot be compared
            for layer in range(model.num_layers - 1):
                expected = states[layer + 1][0, -1]
                torch.testing.assert_close(
                    read[layer], expected, rtol=1e-4, atol=1e-4, msg=f"{family}, block {layer}"
                )

    def test_its_prompt_has_the_text_once_and_one_start(self, handles: dict[str, ModelHandle]) -> None:
        for family, model in handles.items():
            text = model.render(PROMPT)
            assert text.count(PROMPT.text) == 1, f"{family}: the rendered prompt is {text!r}"
            start = model.tokenizer.bos_token_id
            assert model.encode(PROMPT).count(start) <= 1, f"{family}: more than one {start} in {text!r}"

    @pytest.mark.parametrize("device", ["cpu", "cuda"])
    def test_it_chooses_a_dtype(self, device: str) -> None:
        """A dtype that the recipe names is taken, or refused with a `ModelError`, never exchanged."""
        built: ModelAdapter = self.build()
        assert built.dtype("auto", device) in DTYPES, f"auto on {device} is {built.dtype('auto', device)!r}"
        for wanted in DTYPES:
            try:
                assert built.dtype(wanted, device) == wanted, f"{wanted} was exchanged for another dtype"
            except ModelError:
                continue

    def test_its_depths_lie_within_the_model(self) -> None:
        built: ModelAdapter = self.build()
        for parameters in (1_000_000, 7_600_000_000, 14_000_000_000, 72_000_000_000):
            depth = built.depth(parameters)
            assert depth is None or 0 < depth < 1, f"depth({parameters}) is {depth}, expected one in (0, 1)"

    def test_its_options_for_loading_are_keywords(self) -> None:
        built: ModelAdapter = self.build()
        configs = self.configs()
        for family in self.families:
            options = dict(built.load_options(configs[family]))
            assert all(isinstance(key, str) and key.isidentifier() for key in options), options

    def test_its_defaults_are_usable(self) -> None:
        defaults = self.component.defaults
        assert 0 < defaults.multiplier < float("inf"), f"the multiplier is {defaults.multiplier}"

    def test_a_recipe_can_use_it(self, tmp_path: Path) -> None:
        """Asked among all installed adapters, as in a user's run."""
        model = self.save(self.families[0], tmp_path / "model")
        tables = {"model": {"id": str(model), "device": "cpu"}}
        report = small_run(tmp_path, self.component, tables)
        assert all(cell.n + cell.failed == 2 for cell in report.cells)
