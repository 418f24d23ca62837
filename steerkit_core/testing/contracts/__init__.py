"""One class of tests for each kind of component: what the framework relies on, and no more.

Inherit in a test file and name your class; pytest then runs the contract on it:

    from steerkit_core.testing import ExtractorContract

    class TestMine(ExtractorContract):
        component = MyExtractor
        options = {"position": -2}      # as a recipe would give them; {} unless said
"""

try:
    import pytest
except ImportError as error:
    raise ImportError(
        "the contract tests of steerkit_core.testing need pytest: pip install pytest"
    ) from error

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in ("component", "extractor", "selector", "site", "classifier", "prompt_set", "adapter")
    )
)

from steerkit_core.testing.contracts.adapter import ModelAdapterContract  # noqa: E402  # reason: after the rewriting  # reason: see above
from steerkit_core.testing.contracts.classifier import ClassifierContract  # noqa: E402  # reason: after the rewriting
from steerkit_core.testing.contracts.component import ComponentContract  # noqa: E402  # reason: after the rewriting
from steerkit_core.testing.contracts.extractor import ExtractorContract  # noqa: E402  # reason: after the rewriting
from steerkit_core.testing.contracts.prompt_set import PromptSetContract  # noqa: E402  # reason: after the rewriting
from steerkit_core.testing.contracts.selector import LayerSelectorContract  # noqa: E402  # reason: after the rewriting
from steerkit_core.testing.contracts.site import SiteContract  # noqa: E402  # reason: after the rewriting

__all__ = [
    "ClassifierContract",
    "ComponentContract",
    "ExtractorContract",
    "LayerSelectorContract",
    "ModelAdapterContract",
    "PromptSetContract",
    "SiteContract",
]
