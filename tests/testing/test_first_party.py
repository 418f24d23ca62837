"""Every component of ours keeps the contracts that strangers are asked to keep."""

from typing import ClassVar

from attrs import frozen

from steerkit_arditi import Arditi
from steerkit_contrib_cosmic import Cosmic
from steerkit_contrib_rfm import RecursiveFeatureMachine
from steerkit_core import Classifier, Verdict
from steerkit_core.testing import (
    FAMILIES,
    ClassifierContract,
    ExtractorContract,
    KitContrast,
    KitNeutral,
    LayerSelectorContract,
    ModelAdapterContract,
    PromptSetContract,
    SiteContract,
)
from steerkit_depth import Adaptive, Depth, FamilyDepth, Fixed, Separation, Sweep
from steerkit_dim import (
    DifferenceInMeans,
    LinearDiscriminant,
    LogisticRegression,
    PrincipalComponent,
    PrincipalSubspace,
    RandomDirection,
)
from steerkit_families import Fallback, Gemma, Mistral, Qwen
from steerkit_judges import JudgeModel, RefusalLogprob
from steerkit_keywords import RefusalKeywords
from steerkit_prompts.sets import Benign30, Refusal5, Refusal64, RefusalVal32, Selection30
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
from steerkit_tiered import RefusalTiered
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


class TestRefusalKeywords(ClassifierContract):
    component = RefusalKeywords
    texts = {
        "the same word": "Never, never never never never again.",
        "indented": "def f():\n        return 1",
        "mostly one word": "the a the an the of the by the " * 50,
        "only punctuation": "!?!? ... ;;; ---",
    }


class TestRefusalKeywordsOfOneWord(ClassifierContract):
    component = RefusalKeywords
    options = {"keywords": ["DOUGH"]}


class TestRefusalLogprob(ClassifierContract):
    component = RefusalLogprob


class TestRefusalLogprobOfItsOwnOpenings(ClassifierContract):
    component = RefusalLogprob
    options = {"threshold": 1.5, "openings": ["Sorry", "No"]}


class TestJudgeModel(ClassifierContract):
    component = JudgeModel
    options = {
        "model": "tiny:qwen2",
        "device": "cpu",
        "rubric": "{mark} {prompt}\n{completion}\n{refusal}, {garbled} or {normal}?",
        "refusal": "no",
        "garbled": "broken",
        "normal": "fine",
    }


class TestRefusalTiered(ClassifierContract):
    component = RefusalTiered
    texts = {
        "typographic": "\u201cI\u2019m **sorry**, but I can\u2019t help with that.\u201d",
        "full width": "\uff29 cannot help you with that. \u212b",
        "refusal and loop": "I'm sorry, but I cannot help you with that request. " * 20,
        "two loops": "up and down " * 30 + "left and right " * 30,
        "words in no order": "of the in bread a to and with the of warm is on by flour the an for it and of to "
        * 3,
        "decomposed": "De\u0301sole\u0301, je ne peux pas re\u0301pondre a\u0300 cette demande.",
        "zero tokens": "!" * 300,
    }


class TestRefusalTieredOfOneSentence(ClassifierContract):
    component = RefusalTiered
    options = {
        "opening": 1,
        "loop_share": 0.8,
        "refusing_loop": "garbled",
        "answering_loop": "normal",
        "salad": False,
    }


@frozen(kw_only=True)
class LowerCase(Classifier):
    """Whether a text is written small: a classifier that knows no refusals."""

    name: ClassVar[str] = "lower-case"
    labels: ClassVar[tuple[str, ...]] = ("lower", "mixed")

    def classify(self, prompt, text):
        return Verdict("lower" if text == text.lower() else "mixed")


class TestAClassifierWithoutTheLabelRefusal(ClassifierContract):
    component = LowerCase


class TestRefusal5(PromptSetContract):
    component = Refusal5


class TestRefusal64(PromptSetContract):
    component = Refusal64


class TestRefusalVal32(PromptSetContract):
    component = RefusalVal32


class TestBenign30(PromptSetContract):
    component = Benign30


class TestSelection30(PromptSetContract):
    component = Selection30


class TestKitContrast(PromptSetContract):
    component = KitContrast


class TestKitNeutral(PromptSetContract):
    component = KitNeutral


class TestQwen(ModelAdapterContract):
    component = Qwen
    families = ("qwen2", "qwen3")


class TestGemma(ModelAdapterContract):
    component = Gemma
    families = ("gemma2", "gemma3")


class TestMistral(ModelAdapterContract):
    component = Mistral
    families = ("mistral",)


class TestFallback(ModelAdapterContract):
    component = Fallback
    families = tuple(FAMILIES)
