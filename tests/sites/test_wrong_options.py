"""What the recipe check says about options of sites."""

import pytest

from steerkit_core.recipe.converter import make_converter, problems
from steerkit_sites import (
    Conditional,
    MlpReflect,
    ResidualAdd,
    ResidualAffine,
    ResidualClamp,
    ResidualReflect,
)


@pytest.mark.parametrize(
    ("kind", "table", "message"),
    [
        (
            ResidualAdd,
            {"tokens": "sufix"},
            "site.tokens: expected one of 'all', 'prompt', 'generated', 'last', 'suffix', 'answer', got 'sufix', did you mean 'suffix'?",
        ),
        (
            ResidualClamp,
            {"directions": "own"},
            "site.directions: expected one of 'selected', 'per-layer', got 'own'",
        ),
        (ResidualAffine, {"multiplier": "much"}, "site.multiplier: expected a number, got 'much'"),
        (
            ResidualReflect,
            {"span": "all"},
            "site.span: expected one of 'everywhere', 'onward', 'layer', got 'all'",
        ),
        (
            MlpReflect,
            {"preserve_norm": "no"},
            "site.preserve_norm: unknown option (known: tokens, span, directions)",
        ),
        (
            Conditional,
            {"condition_layer": 1, "condition_depth": 0.5},
            "site: expected condition_layer or condition_depth, got both",
        ),
        (
            Conditional,
            {"operation": "ablate", "multiplier": 2.0},
            "site: operation 'ablate' takes no multiplier, got 2: leave it out",
        ),
        (
            Conditional,
            {"operation": "clamp", "preserve_norm": True},
            "site: preserve_norm goes with operation 'add' or 'ablate', got 'clamp': leave it out",
        ),
        (Conditional, {"threshold": "f2"}, "site.threshold: expected a number or 'f1', got 'f2'"),
        (
            Conditional,
            {"condition_position": 0},
            "site.condition_position: expected a number of at most -1, got 0",
        ),
        (
            Conditional,
            {"condition_depth": 1.0},
            "site.condition_depth: expected a number in (0, 1), got 1.0",
        ),
        (
            Conditional,
            {"when": "over"},
            "site.when: expected one of 'above', 'below', got 'over', did you mean 'above'?",
        ),
        (
            Conditional,
            {"operation": "clip"},
            "site.operation: expected one of 'add', 'ablate', 'clamp', 'affine', 'reflect', got 'clip', did you mean 'clamp'?",
        ),
    ],
)
def test_wrong_options_are_one_line_each(kind, table, message):
    with pytest.raises(Exception) as caught:  # noqa: PT011  # reason: of the converter's many types
        make_converter().structure(table, kind)
    assert [str(problem) for problem in problems(caught.value, "site")] == [message]
