"""Our sites keep the contracts that strangers are asked to keep."""

from steerkit_core.testing import (
    SiteContract,
)
from steerkit_sites import (
    AttentionAblate,
    AttentionAdd,
    AttentionAffine,
    AttentionClamp,
    AttentionReflect,
    Conditional,
    HeadAblate,
    HeadAdd,
    HeadAffine,
    HeadClamp,
    HeadReflect,
    MlpAblate,
    MlpAdd,
    MlpAffine,
    MlpClamp,
    MlpReflect,
    ResidualAblate,
    ResidualAdd,
    ResidualAffine,
    ResidualClamp,
    ResidualReflect,
)


class TestResidualAdd(SiteContract):
    component = ResidualAdd


class TestResidualAddInUnitsOfTheStream(SiteContract):
    component = ResidualAdd
    options = {"unit": "residual", "span": "layer", "multiplier": 0.5}


class TestResidualAddInUnitsOfTheDirection(SiteContract):
    component = ResidualAdd
    options = {"unit": "raw", "tokens": "generated"}


class TestResidualAddBackwards(SiteContract):
    component = ResidualAdd
    options = {"multiplier": -4.0, "tokens": "prompt"}


class TestResidualAblate(SiteContract):
    component = ResidualAblate


class TestResidualAblateAtOneLayer(SiteContract):
    component = ResidualAblate
    options = {"span": "layer", "tokens": "generated"}


class TestResidualAblateOnward(SiteContract):
    component = ResidualAblate
    options = {"span": "onward"}


class TestAttentionAdd(SiteContract):
    component = AttentionAdd


class TestMlpAddOnward(SiteContract):
    component = MlpAdd
    options = {"span": "onward", "unit": "residual", "multiplier": 0.5}


class TestHeadAdd(SiteContract):
    component = HeadAdd


class TestHeadAddInTwoHeads(SiteContract):
    component = HeadAdd
    options = {"heads": [1, 3], "unit": "raw", "tokens": "generated"}


class TestResidualAddAtEveryLayerItsOwn(SiteContract):
    component = ResidualAdd
    options = {"span": "everywhere", "directions": "per-layer", "unit": "residual", "multiplier": 0.4}


class TestResidualAddOfTheSameLength(SiteContract):
    component = ResidualAdd
    options = {"preserve_norm": True, "tokens": "answer"}


class TestResidualAblateOfTheSameLength(SiteContract):
    component = ResidualAblate
    options = {"preserve_norm": True, "directions": "per-layer"}


class TestResidualClamp(SiteContract):
    component = ResidualClamp


class TestResidualAffine(SiteContract):
    component = ResidualAffine


class TestResidualReflect(SiteContract):
    component = ResidualReflect


class TestResidualClampInUnitsOfEachLayer(SiteContract):
    component = ResidualClamp
    options = {"unit": "raw", "directions": "per-layer", "tokens": "last"}


class TestResidualAffineAtTheSuffix(SiteContract):
    component = ResidualAffine
    options = {"unit": "absolute", "span": "layer", "tokens": "suffix"}


class TestResidualReflectEverywhere(SiteContract):
    component = ResidualReflect
    options = {"span": "everywhere", "directions": "per-layer"}


class TestAttentionAblate(SiteContract):
    component = AttentionAblate


class TestAttentionClamp(SiteContract):
    component = AttentionClamp


class TestAttentionAffine(SiteContract):
    component = AttentionAffine


class TestAttentionReflect(SiteContract):
    component = AttentionReflect


class TestMlpAblate(SiteContract):
    component = MlpAblate


class TestMlpClamp(SiteContract):
    component = MlpClamp


class TestMlpAffine(SiteContract):
    component = MlpAffine


class TestMlpReflect(SiteContract):
    component = MlpReflect


class TestHeadAblate(SiteContract):
    component = HeadAblate
    options = {"heads": [0, 2]}


class TestHeadClamp(SiteContract):
    component = HeadClamp
    options = {"heads": [0, 2]}


class TestHeadAffine(SiteContract):
    component = HeadAffine
    options = {"heads": [0, 2]}


class TestHeadReflect(SiteContract):
    component = HeadReflect
    options = {"heads": [0, 2]}


class TestConditional(SiteContract):
    component = Conditional


class TestConditionalAblation(SiteContract):
    component = Conditional
    options = {"operation": "ablate", "when": "below", "condition_layer": 0}


class TestConditionalAffine(SiteContract):
    component = Conditional
    options = {"operation": "affine", "unit": "raw", "multiplier": 1.0, "threshold": 0.5}


class TestConditionalAtADepth(SiteContract):
    component = Conditional
    options = {"operation": "reflect", "condition_depth": 0.3, "tokens": "answer"}
