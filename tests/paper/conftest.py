"""A study of one table, small enough to be checked by hand."""

import pytest

SMALL = """
schema_version = 1
title = "A study"
author = "A. Author"
year = 2020

[sources]
paper = "a paper"

[[repeats]]
n = 50
unique = 10
source = "its appendix"

[models.one]
label = "One"
id = "someone/one"
blocks = 20
width = 64
source = "its config"

[[tables]]
id = "rates"
title = "Rates"
section = "1"
columns = ["coherent", "garbled", "normal", "layer"]
rows = 2
recipes = ["first"]
bundled = ["second"]
cells = [
    { id = "a.coherent", row = "A", column = "coherent", printed = "100%", value = 100.0, k = 50, n = 50, source = "1", key = "a.rate", key_value = 100.0, key_n = 50 },
    { id = "a.garbled", row = "A", column = "garbled", printed = "0%", value = 0.0, k = 0, n = 50, source = "1" },
    { id = "a.normal", row = "A", column = "normal", printed = "0%", value = 0.0, k = 0, n = 50, source = "1" },
    { id = "a.layer", row = "A", column = "layer", printed = "L10 (50%)", layer = 10, depth = 50, model = "one", source = "1" },
    { id = "b.coherent", row = "B", column = "coherent", printed = "60%", value = 60.0, k = 30, n = 50, source = "1" },
    { id = "b.thirty", row = "B", column = "coherent", printed = "77%", value = 77.0, k = 23, n = 30, source = "1" },
]

[[tables]]
id = "other"
title = "Other"
section = "2"
columns = ["cosine"]
rows = 1
gap = "nothing extracts it"
cells = [{ id = "cosine", row = "A", column = "cosine", printed = "0.5", value = 0.5, source = "2" }]

[[statistics]]
id = "interval"
table = "rates"
section = "1"
what = "interval of A"
printed = "[92.9%, 100%]"
values = [92.9, 100.0]
about = ["a.coherent"]
measure = "interval"

[[statistics]]
id = "test"
table = "rates"
section = "1"
what = "A against B"
printed = "p < 0.001"
values = [0.001]
about = ["a.coherent", "b.coherent"]
measure = "test"
relation = "<"

[[statistics]]
id = "gap"
table = "rates"
section = "1"
what = "A less B"
printed = "40pp"
values = [40.0]
about = ["a.coherent", "b.coherent"]
measure = "difference"

[[statistics]]
id = "angle"
table = "other"
section = "2"
what = "angle"
printed = "60°"
values = [60.0]
about = ["cosine"]
measure = "angle"

[[statistics]]
id = "lost"
table = "other"
section = "2"
what = "a norm"
printed = "12.5"
reason = "needs the direction"

[[supplements]]
id = "pair"
table = "rates"
what = "A against B"
measure = "two rates"
about = ["a.coherent", "b.coherent"]

[[contradictions]]
id = "models"
table = "rates"
what = "number of models"
sides = [{ says = "1", source = "abstract" }, { says = "1", source = "table" }]

[[claims]]
id = "claim"
claim = "A beats B"
verdict = "not shown"
why = "by prompt it does not"
source = "1"
evidence = ["test"]
"""


@pytest.fixture
def small():
    """The study's data; `small(old, new)` with one part of it changed."""

    def change(old="", new=""):
        assert SMALL.count(old) == 1 or not old, old
        return SMALL.replace(old, new) if old else SMALL

    return change
