"""Our extractors keep the contracts that strangers are asked to keep."""

from steerkit_contrib_rfm import RecursiveFeatureMachine
from steerkit_core.testing import (
    ExtractorContract,
)
from steerkit_dim import (
    DifferenceInMeans,
    LinearDiscriminant,
    LogisticRegression,
    PrincipalComponent,
    PrincipalSubspace,
    RandomDirection,
)
from steerkit_transfer import Transfer


class TestDim(ExtractorContract):
    component = DifferenceInMeans


class TestDimAtAnEarlierTokenOfGemma(ExtractorContract):
    component = DifferenceInMeans
    options = {"position": -3}
    family = "gemma2"


class TestDimOfTheAttention(ExtractorContract):
    component = DifferenceInMeans
    options = {"module": "attention"}


class TestDimOfTheHeadsOfGemma(ExtractorContract):
    component = DifferenceInMeans
    options = {"module": "heads"}
    family = "gemma2"


class TestSubspace(ExtractorContract):
    component = PrincipalSubspace


class TestSubspaceOfThreeOfTheMlpOfGemma(ExtractorContract):
    component = PrincipalSubspace
    options = {"components": 3, "module": "mlp"}
    family = "gemma2"


class TestRfm(ExtractorContract):
    component = RecursiveFeatureMachine


class TestRfmWithPromptsHeldOutOfGemma(ExtractorContract):
    component = RecursiveFeatureMachine
    options = {"leave_one_out_below": 0, "criterion": "auc", "iterations": 2, "bandwidths": [1.0]}
    family = "gemma2"


class TestRfmOfTheAttention(ExtractorContract):
    component = RecursiveFeatureMachine
    options = {"module": "attention", "position": [-2, -1]}


class TestPca(ExtractorContract):
    component = PrincipalComponent


class TestPcaOfTheSuffixOfGemma(ExtractorContract):
    component = PrincipalComponent
    options = {"position": "suffix"}
    family = "gemma2"


class TestLogistic(ExtractorContract):
    component = LogisticRegression


class TestLogisticWithStandardisedFeatures(ExtractorContract):
    component = LogisticRegression
    options = {"scale": "features", "inverse_penalty": 0.1, "module": "heads"}


class TestLda(ExtractorContract):
    component = LinearDiscriminant


class TestLdaWithMuchShrinkage(ExtractorContract):
    component = LinearDiscriminant
    options = {"shrinkage": 0.9, "module": "mlp"}
    family = "gemma2"


class TestRandom(ExtractorContract):
    component = RandomDirection
    options = {"seed": 7}
    signed = False


class TestRandomOfTheSuffix(ExtractorContract):
    component = RandomDirection
    options = {"position": "suffix", "module": "heads"}
    signed = False


class TestTransfer(ExtractorContract):
    component = Transfer
    options = {"source_model": "tiny:qwen2:layers=6,seed=1"}
    signed = False


class TestTransferThroughARidgeMap(ExtractorContract):
    component = Transfer
    options = {
        "source_model": "tiny:qwen2:layers=3,hidden=48",
        "map": "ridge",
        "map_prompts": "kit-contrast",
        "method": "pca",
        "position": -2,
    }
    signed = False


class TestTransferThroughAProcrustesMap(ExtractorContract):
    component = Transfer
    options = {
        "source_model": "tiny:qwen2:hidden=16",
        "map": "procrustes",
        "map_prompts": "kit-contrast",
        "module": "mlp",
    }
    signed = False
