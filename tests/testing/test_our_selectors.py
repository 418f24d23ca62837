"""Our selectors keep the contracts that strangers are asked to keep."""

from steerkit_arditi import Arditi
from steerkit_contrib_cosmic import Cosmic
from steerkit_core.testing import (
    LayerSelectorContract,
)
from steerkit_depth import Adaptive, Depth, FamilyDepth, Fixed, Separation, Sweep


class TestFixed(LayerSelectorContract):
    component = Fixed
    options = {"layer": 2}


class TestDepth(LayerSelectorContract):
    component = Depth


class TestDepthNearTheEnd(LayerSelectorContract):
    component = Depth
    options = {"depth": 0.99}


class TestSweep(LayerSelectorContract):
    component = Sweep


class TestSweepOverMultipliers(LayerSelectorContract):
    component = Sweep
    options = {"depths": [0.2, 0.9], "multipliers": [1.0, -2.0]}


class TestAdaptive(LayerSelectorContract):
    component = Adaptive


class TestAdaptiveOverMultipliers(LayerSelectorContract):
    component = Adaptive
    options = {"depths": [0.2, 0.9], "multipliers": [1.0, -2.0], "budget": 0.8, "first_round": 1}


class TestSeparation(LayerSelectorContract):
    component = Separation


class TestSeparationInFewParts(LayerSelectorContract):
    component = Separation
    options = {"folds": 3, "seed": 5, "above": 0.3, "below": 1.0}


class TestFamilyDepth(LayerSelectorContract):
    component = FamilyDepth


class TestFamilyDepthWithoutAdvice(LayerSelectorContract):
    component = FamilyDepth
    family = "mistral"
    options = {"otherwise": 0.3}


class TestCosmic(LayerSelectorContract):
    component = Cosmic
    options = {"kl_threshold": "off"}


class TestCosmicOfThePaper(LayerSelectorContract):
    component = Cosmic
    options = {"variant": "paper", "form": "affine", "low_share": 0.5}
    family = "gemma2"


class TestCosmicAtOneLayer(LayerSelectorContract):
    component = Cosmic
    options = {"ablation": "layer", "kl_threshold": 1000.0, "depth_limit": 1.0}
    family = "mistral"


class TestArditi(LayerSelectorContract):
    component = Arditi
    options = {"kl_threshold": "off", "induce_threshold": "off"}


class TestArditiOfGemma(LayerSelectorContract):
    component = Arditi
    options = {"kl_threshold": 1000.0, "induce_threshold": -1000.0, "openings": ["Sorry", "I"]}
    family = "gemma2"
