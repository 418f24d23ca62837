"""The contract of prompt sets."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from steerkit_core.components import PromptSet
from steerkit_core.testing.contracts.component import ComponentContract
from steerkit_core.testing.small_run import TABLES, small_run
from steerkit_core.values import ROLES, Prompt

if TYPE_CHECKING:
    from pathlib import Path


class PromptSetContract(ComponentContract):
    """Prompts with unique ids and texts, in a fixed order, that fit one of the two uses."""

    component: ClassVar[type[PromptSet]]

    def prompts(self) -> tuple[Prompt, ...]:
        """Call a newly built component."""
        built: PromptSet = self.build()
        return built.prompts()

    def test_it_has_prompts(self) -> None:
        prompts = self.prompts()
        assert isinstance(prompts, tuple), f"got a {type(prompts).__name__}, expected a tuple"
        assert prompts, "there is no prompt"
        assert all(isinstance(prompt, Prompt) for prompt in prompts), "something in it is no Prompt"

    def test_ids_and_texts_are_unique(self) -> None:
        for what in ("id", "text"):
            counted = Counter(getattr(prompt, what) for prompt in self.prompts())
            twice = [value for value, count in counted.items() if count > 1]
            assert not twice, f"the {what} {twice[0]!r} stands more than once"

    def test_nothing_is_blank(self) -> None:
        for prompt in self.prompts():
            assert prompt.id.strip() == prompt.id != "", f"a prompt has the id {prompt.id!r}"
            assert prompt.text.strip() == prompt.text != "", (
                f"prompt {prompt.id!r} is blank, or has white space at an end: {prompt.text!r}"
            )

    def test_its_roles_fit_one_use(self) -> None:
        """Both classes of a contrast set and nothing else, or neutral prompts alone."""
        roles = {prompt.role for prompt in self.prompts()}
        assert roles <= set(ROLES), (
            f"roles {sorted(roles - set(ROLES))}, expected one of {', '.join(ROLES)}"
        )
        assert roles in ({"positive", "negative"}, {"neutral"}), (
            f"the roles are {sorted(roles)}, expected positive and negative, or neutral alone"
        )

    def test_the_order_is_fixed(self) -> None:
        assert self.prompts() == self.prompts(), "asked again, the prompts differ or stand in another order"

    def test_a_recipe_can_use_it(self, folder: Path) -> None:
        """As what its roles are for; the tiny model reads every prompt."""
        neutral = self.prompts()[0].role == "neutral"
        use = {"evaluation" if neutral else "contrast": self.component.name}
        tables = {"prompts": {**TABLES["prompts"], **use}, "generation": {"max_new_tokens": 1}}
        report = small_run(folder, self.component, tables)
        if neutral:
            assert all(cell.n + cell.failed == len(self.prompts()) for cell in report.cells)
