"""What a recipe would do, for programs."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from steerkit_core.pipeline.manifest import describe_setting
from steerkit_core.recipe.plan import Plan
from steerkit_core.results.fields import OMIT
from steerkit_core.results.manifest import PromptAudit, SettingFacts


@frozen(kw_only=True)
class PlannedGroup:
    """The configurations of one model, and how many completions each step needs; None is not known yet.

    `prompts` is there with --model.
    """

    model: str
    quantization: str
    num_layers: int | None
    settings: tuple[SettingFacts, ...]
    baseline_completions: int
    trial_completions: int | None
    candidate_completions: int | None
    control_completions: int
    prompts: PromptAudit | None = field(default=None, metadata=OMIT)


@frozen(kw_only=True)
class PlanReport:
    """What `steerkit check --json` prints."""

    name: str
    seed: int
    recipe_fingerprint: str
    groups: tuple[PlannedGroup, ...]


def plan_report(plan: Plan, audits: Sequence[PromptAudit] = ()) -> PlanReport:
    """What a recipe would do; `audits` are the prompts of its groups, where they were looked at."""
    return PlanReport(
        name=plan.recipe.run.name,
        seed=plan.recipe.run.seed,
        recipe_fingerprint=plan.recipe.fingerprint,
        groups=tuple(
            PlannedGroup(
                model=group.spec.id,
                quantization=group.spec.quantization,
                num_layers=group.facts.num_layers if group.facts else None,
                settings=tuple(describe_setting(setting) for setting in group.settings),
                baseline_completions=group.baselines,
                trial_completions=group.trials,
                candidate_completions=group.candidates,
                control_completions=group.controls,
                prompts=audits[number] if audits else None,
            )
            for number, group in enumerate(plan.groups)
        ),
    )
