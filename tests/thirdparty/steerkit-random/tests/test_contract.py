from steerkit_core.testing import ClassifierContract, ExtractorContract, LayerSelectorContract, SiteContract
from steerkit_random import AddAtTheEnd, Middle, RandomDirections, StartsWith


class TestRandom(ExtractorContract):
    component = RandomDirections
    options = {"seed": 7}
    signed = False


class TestMiddle(LayerSelectorContract):
    component = Middle


class TestAddAtTheEnd(SiteContract):
    component = AddAtTheEnd
    options = {"blocks": 2}


class TestStartsWith(ClassifierContract):
    component = StartsWith
    texts = {"a refusal": "\n I CANNOT help with that."}
