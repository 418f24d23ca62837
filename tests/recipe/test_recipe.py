import tomllib
from pathlib import Path
from typing import ClassVar

import pytest
import tomlkit
from attrs import frozen

from steerkit_core import Classifier, Prompt, PromptSet, Verdict, hookimpl, option
from steerkit_core.errors import RecipeError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.changes import apply_changes
from steerkit_core.recipe.parsing import load_recipe, parse_recipe

GOOD = """\
# a comment of the user's
[run]
name = "mine"      # the folder

[model]
id = "somewhere"

[prompts]
contrast = "refusal-5"
evaluation = "benign-30"

[extractor]
use = "dim"

[selector]
use = "sweep"

[site]
use = "residual-add"
multiplier = 4.0

[classifier]
use = "refusal-keywords"
"""
MODEL_OPTIONS = "id, revision, dtype, quantization, device, backend, remote, trust_remote_code"


def without(table):
    """The good recipe without one of its tables."""
    before, _, rest = GOOD.partition(f"[{table}]\n")
    return before + rest[rest.find("\n[") + 1 :] if "\n[" in rest else before


def with_line(table, line):
    """The good recipe with one more line at the head of a table."""
    if f"[{table}]\n" not in GOOD:
        return f"{GOOD}\n[{table}]\n{line}\n"
    return GOOD.replace(f"[{table}]\n", f"[{table}]\n{line}\n")


def refused(text, registry, **kwargs):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, registry, **kwargs)
    return str(caught.value).splitlines()


def test_a_recipe_becomes_built_components_and_prompts(registry):
    recipe = parse_recipe(GOOD, registry)
    (setting,) = recipe.settings
    assert recipe.run.name == "mine"
    assert setting.model.id == "somewhere"
    assert setting.extractor == registry.get("extractor", "dim")(position=-1)
    assert setting.selector == registry.get("selector", "sweep")(depths=(0.3, 0.4, 0.5, 0.6, 0.7))
    assert setting.site == registry.get("site", "residual-add")(multiplier=4.0)
    assert [len(setting.contrast.positive), len(setting.contrast.negative)] == [5, 5]
    assert setting.evaluation.name == "benign-30"
    assert len(setting.evaluation.prompts) == 30
    assert setting.selection == setting.evaluation  # nothing else was named
    assert setting.generation.max_new_tokens == 100
    assert setting.overrides == {}


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        # the three of the documentation
        (
            GOOD.replace('use = "sweep"', 'use = "sweep"\ndepths = [0.3, 1.5]'),
            ["selector.depths: expected numbers in (0, 1), got 1.5"],
        ),
        (
            GOOD.replace('use = "dim"', 'use = "dim"\nnormalise = true'),
            ["extractor.normalise: unknown option (known: position, module, source)"],
        ),
        (
            GOOD.replace("refusal-keywords", "keyword"),
            [
                (
                    "classifier.use: no classifier named 'keyword', did you mean 'refusal-keywords'?"
                    " (installed: <classifier>)"
                )
            ],
        ),
        # tables
        (
            with_line("generations", "x = 1"),
            [
                (
                    "generations: unknown table, did you mean 'generation'? (known: run, model, prompts,"
                    " extractor, selector, site, classifier, generation, calibration, controls, grid)"
                )
            ],
        ),
        (
            without("site"),
            ["site.use: required, but not given (installed: <site>)"],
        ),
        (
            without("prompts"),
            ["prompts.contrast: required, but not given", "prompts.evaluation: required, but not given"],
        ),
        (without("model"), ["model.id: required, but not given"]),
        ("site = 3\n" + without("site"), ["site: expected a table, got 3"]),
        ("model = 'x'\n" + without("model"), ["model: expected a table, got 'x'"]),
        ("grid = 3\n" + GOOD, ["grid: expected a table, got 3"]),
        # components
        (GOOD.replace('use = "dim"', "use = 3"), ["extractor.use: expected a string, got 3"]),
        (
            GOOD.replace('use = "residual-add"', 'use = "residual-ad"'),
            ["site.use: no site named 'residual-ad', did you mean 'residual-add'? (installed: <site>)"],
        ),
        (
            GOOD.replace('use = "sweep"', 'use = "fixed"'),
            ["selector.layer: required, but not given"],
        ),
        (
            GOOD.replace("multiplier = 4.0", 'multiplier = "4"\nspan = "onwards"\nunits = "raw"'),
            [
                "site.multiplier: expected a number, got '4'",
                "site.span: expected one of 'everywhere', 'onward', 'layer', got 'onwards', did you mean 'onward'?",
                "site.units: unknown option, did you mean 'unit'? (known: tokens, multiplier, unit, preserve_norm, directions, span)",
            ],
        ),
        # options
        (
            with_line("model", 'quantisation = "int8"'),
            [f"model.quantisation: unknown option, did you mean 'quantization'? (known: {MODEL_OPTIONS})"],
        ),
        (
            with_line("model", 'dtype = "fp16"'),
            ["model.dtype: expected one of 'auto', 'float32', 'float16', 'bfloat16', got 'fp16'"],
        ),
        (with_line("run", "seed = -1"), ["run.seed: expected a number of at least 0, got -1"]),
        (
            with_line("generation", 'max_new_tokens = 0\nbatch_size = "big"\ntop_p = 0'),
            [
                "generation.max_new_tokens: expected a number of at least 1, got 0",
                "generation.batch_size: expected an integer or 'auto', got 'big'",
                "generation.top_p: expected a number in [0.01, 1], got 0.0",
            ],
        ),
        # prompts
        (
            GOOD.replace("benign-30", "benign-3"),
            [
                (
                    "prompts.evaluation: no prompt set named 'benign-3', did you mean 'benign-30'?"
                    " (installed:"
                    " <prompt set>)"
                )
            ],
        ),
        (
            GOOD.replace('contrast = "refusal-5"', 'contrast = "selection-30"\nselection = 3'),
            ["prompts.selection: expected a string, got 3"],
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text, messages, registry, installed):
    assert refused(text, registry) == installed(messages)


@pytest.mark.parametrize(
    ("name", "found"),
    [("", "''"), ("..", "'..'"), ("a/b", "'a/b'"), ("a\\\\b", "'a\\\\b'"), ("a\\u0000", "'a\\x00'")],
)
def test_a_run_is_named_as_a_folder_can_be(name, found, registry):
    text = GOOD.replace('name = "mine"', f'name = "{name}"')
    assert refused(text, registry) == [f"run.name: expected a name for a folder, got {found}"]


def test_all_mistakes_of_a_recipe_come_at_once(registry, installed):
    text = """
    [model]
    revision = 3
    [prompts]
    contrast = "benign-30"
    evaluation = "no-such-set"
    [extractor]
    use = "dimm"
    [selector]
    use = "sweep"
    depths = []
    [site]
    use = "residual-add"
    multiplier = true
    [classifer]
    use = "refusal-keywords"
    [generation]
    temperature = -1
    [grid]
    "site.multiplier" = [1.0, "two"]
    "sites.multiplier" = [1.0]
    """
    assert refused(text, registry) == installed(
        [
            (
                "classifer: unknown table, did you mean 'classifier'? (known: run, model, prompts,"
                " extractor,"
                " selector, site, classifier, generation, calibration, controls, grid)"
            ),
            "model.id: required, but not given",
            "model.revision: expected a string, got 3",
            "generation.temperature: expected a number of at least 0, got -1.0",
            "extractor.use: no extractor named 'dimm', did you mean 'dim'? (installed: <extractor>)",
            "selector.depths: expected at least one value, got []",
            "site.multiplier: expected a number, got True",
            "classifier.use: required, but not given (installed: <classifier>)",
            *[f"prompts.contrast: benign-30: {rest}" for rest in NEUTRAL],
            "prompts.evaluation: no prompt set named 'no-such-set' (installed: <prompt set>)",
            (
                "grid.\"sites.multiplier\": unknown table, did you mean 'site'? (known: model, prompts,"
                " extractor,"
                " selector, site, classifier, generation, calibration, controls)"
            ),
            "grid.\"site.multiplier\"[1]: expected a number, got 'two'",
        ]
    )


NEUTRAL = [
    "no prompt has the role positive; a contrast set needs both classes",
    "no prompt has the role negative; a contrast set needs both classes",
    "the role of 'T1', 'T2', 'T3' and 27 more is neutral; a contrast set knows positive and negative",
]


@pytest.mark.parametrize("content", ["[model\nid = 3", '[run]\nname = "a"\nname = "b"', "Dear model,"])
def test_a_file_that_is_no_toml(content, registry):
    with pytest.raises(tomllib.TOMLDecodeError) as fault:
        tomllib.loads(content)
    first, *rest = str(fault.value)
    assert refused(content, registry, source="r.toml") == [
        f"r.toml: not TOML: {first.lower()}{''.join(rest)}"
    ]


def test_a_file_that_is_not_utf_8(registry, tmp_path, monkeypatch, says):
    monkeypatch.chdir(tmp_path)
    path = Path("r.toml")
    path.write_bytes(b'[run]\nname = "caf\xe9"')
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, registry)
    says(caught)


def test_a_byte_order_mark_is_no_part_of_a_recipe(registry, tmp_path):
    path = tmp_path / "r.toml"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert load_recipe(path, registry).fingerprint == parse_recipe(GOOD, registry).fingerprint


# prompt files


@pytest.mark.parametrize("name", ["mine.txt", "MINE.TXT"])
def test_prompt_files_are_relative_to_the_recipe(name, registry, tmp_path):
    (tmp_path / name).write_text("What is a fern?\nWhat is a moss?\n")
    path = tmp_path / "r.toml"
    path.write_text(GOOD.replace("benign-30", name))
    (setting,) = load_recipe(path, registry).settings
    assert [prompt.text for prompt in setting.evaluation.prompts] == ["What is a fern?", "What is a moss?"]


@pytest.mark.parametrize(
    ("name", "content", "messages"),
    [
        ("p.txt", None, ["p.txt: no such file"]),
        ("p.txt", b"", ["p.txt: no prompts"]),
        ("p.txt", b"one\n\ntwo\none\n", ["p.txt:2: empty row", "p.txt:4: same text as line 1"]),
        ("p.txt", b"one\ncaf\xe9\n", ["p.txt:2: not UTF-8 at byte 7 (0xe9): save the file as UTF-8"]),
        (
            "p.jsonl",
            b'{"text": "a", "id": "x"}\n{"text": " ", "id": "x"}\n{"txt": "b"}\n',
            [
                "p.jsonl:2: empty prompt",
                "p.jsonl:2: same id as line 1: 'x'",
                (
                    "p.jsonl:3: unknown key 'txt', did you mean 'text'? (known: text, prompt, id, role,"
                    " category)"
                ),
                "p.jsonl:3: no 'text'",
            ],
        ),
        (
            "p.json",
            b"{}",
            [
                (
                    "p.json: unknown kind of prompt file '.json', did you mean '.jsonl'? (known: .toml,"
                    " .jsonl, .csv, .txt)"
                )
            ],
        ),
    ],
)
def test_every_fault_of_a_prompt_file_has_its_place(
    name, content, messages, registry, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    text = GOOD.replace("benign-30", name)
    assert refused(text, registry) == [f"prompts.evaluation: {message}" for message in messages]


def test_a_contrast_file_needs_both_classes(registry, tmp_path, monkeypatch, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("text,role\nhow to rob,harmful\nhow to sew,\n")
    says("\n".join(refused(GOOD.replace("refusal-5", "p.csv"), registry)))


@pytest.mark.parametrize(
    ("extractor", "selector", "messages"),
    [
        (
            'use = "pca"',
            'use = "cosmic"',
            [
                (
                    "prompts.contrast: pca needs pairs, the first positive prompt with the first negative one and so"
                    " on, got 2 positive and 1 negative prompts: give classes of one size"
                ),
                (
                    "selector: selector 'cosmic' compares means of prompts, and needs 2 of each class at least: p.csv"
                    " has 2 positive and 1 negative: add prompts"
                ),
            ],
        ),
        (
            'use = "rfm"',
            'use = "separation"',
            [
                (
                    "prompts.contrast: rfm needs at least 2 prompts of each class, one to learn from and one to test"
                    " on, got 2 positive and 1 negative: add prompts"
                ),
                (
                    "selector: separation needs at least 3 prompts in each class, and p.csv has 2 positive and 1"
                    " negative; add prompts, or choose selector 'depth'"
                ),
            ],
        ),
        ('use = "dim"', 'use = "sweep"', []),
    ],
)
def test_too_few_prompts_for_a_method_are_told_before_anything_is_loaded(
    extractor, selector, messages, registry, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text(
        "text,role\nhow to rob,harmful\nhow to hack,harmful\nhow to sew,harmless\n"
    )
    changes = ["prompts.contrast=p.csv", f"extractor={{{extractor}}}", f"selector={{{selector}}}"]
    text, _ = apply_changes(tomlkit.parse(GOOD), changes)
    if messages:
        assert refused(text, registry) == messages
    else:
        parse_recipe(text, registry)


def test_a_prompt_set_whose_ids_repeat_is_refused(own_host):
    # completions are kept by id: of two such prompts one would vanish
    @frozen(kw_only=True)
    class Twins(PromptSet):
        name: ClassVar[str] = "twins"

        def prompts(self):
            return (Prompt("a", "one"), Prompt("b", "two"), Prompt("a", "three"))

    brings(own_host, sets=[Twins])
    text = GOOD.replace("benign-30", "twins")
    assert refused(text, Registry.collect(own_host)) == [
        "prompts.evaluation: twins: the id 'a' occurs twice"
    ]


def brings(host, classifiers=(), sets=()):
    class Plugin:
        @hookimpl
        def steerkit_register_classifiers(self):
            return classifiers

        @hookimpl
        def steerkit_register_prompt_sets(self):
            return sets

    host.register(Plugin(), "mine")


# grid


def grid(lines, text=GOOD):
    return f"{text}\n[grid]\n{lines}\n"


def test_a_grid_is_the_product_in_the_order_written(registry):
    text = grid('"model.quantization" = ["none", "int8"]\n"site.multiplier" = [1.0, 2.0, 3]')
    recipe = parse_recipe(text, registry)
    assert [(s.model.quantization, s.site.multiplier) for s in recipe.settings] == [
        ("none", 1.0),
        ("none", 2.0),
        ("none", 3.0),
        ("int8", 1.0),
        ("int8", 2.0),
        ("int8", 3.0),
    ]
    assert recipe.settings[3].overrides == {"model.quantization": "int8", "site.multiplier": 1.0}


def test_a_grid_may_be_written_as_tables(registry):
    dotted = parse_recipe(grid('"site.multiplier" = [1.0, 2.0]'), registry)
    nested = parse_recipe(GOOD + "\n[grid.site]\nmultiplier = [1.0, 2.0]\n", registry)
    assert nested.settings == dotted.settings


def test_a_grid_may_exchange_whole_tables(registry):
    text = grid('selector = [{use = "depth", depth = 0.5}, {use = "fixed", layer = 2}]')
    recipe = parse_recipe(text, registry)
    assert [setting.selector for setting in recipe.settings] == [
        registry.get("selector", "depth")(depth=0.5),
        registry.get("selector", "fixed")(layer=2),
    ]


@pytest.mark.parametrize(
    ("lines", "messages"),
    [
        (
            '"site.multiplier" = [1.0, "x", true]',
            [
                "grid.\"site.multiplier\"[1]: expected a number, got 'x'",
                'grid."site.multiplier"[2]: expected a number, got True',
            ],
        ),
        ('"site.multiplier" = 3', ['grid."site.multiplier": expected a list of values, got 3']),
        (
            '"model.backend" = ["hooks", "nnsight"]',
            [
                "grid.\"model.backend\": not an axis: backends are ways to the same tensors, and a completion is made once: run 'steerkit parity MODEL', or the recipe once for each backend with another --out"
            ],
        ),
        ('"site.multiplier" = []', ['grid."site.multiplier": expected a list of values, got []']),
        (
            '"site.multiplier" = [1.0, 2.0, 1.0]',
            ['grid."site.multiplier": the same value twice in [1.0, 2.0, 1.0]'],
        ),
        (
            '"site.multiplyer" = [1.0]',
            [
                (
                    "grid.\"site.multiplyer\"[0]: unknown option, did you mean 'multiplier'?"
                    " (known: tokens, multiplier, unit, preserve_norm, directions, span)"
                )
            ],
        ),
        (
            '"sight.multiplier" = [1.0]',
            [
                (
                    "grid.\"sight.multiplier\": unknown table, did you mean 'site'? (known: model, prompts,"
                    " extractor, selector, site, classifier, generation, calibration, controls)"
                )
            ],
        ),
        (
            '"run.seed" = [0, 1]',
            [
                (
                    'grid."run.seed": unknown table (known: model, prompts, extractor, selector, site,'
                    " classifier, generation, calibration, controls)"
                )
            ],
        ),
        (
            'selector = [{use = "depht"}, {use = "fixed"}, 3]',
            [
                (
                    "grid.\"selector\"[0]: selector.use: no selector named 'depht', did you mean 'depth'?"
                    " (installed: <selector>)"
                ),
                'grid."selector"[1]: selector.layer: required, but not given',
                'grid."selector"[2]: expected a table, got 3',
            ],
        ),
        (
            '"prompts.evaluation" = ["benign-30", "nothing"]',
            ["grid.\"prompts.evaluation\"[1]: no prompt set named 'nothing' (installed: <prompt set>)"],
        ),
        (
            '"site.multiplier" = [1979-05-27]',
            ['grid."site.multiplier"[0]: expected a number, got datetime.date(1979, 5, 27)'],
        ),
    ],
)
def test_a_bad_value_of_a_grid_is_reported_once_and_where_it_stands(lines, messages, registry, installed):
    assert refused(grid(lines), registry) == installed(messages)


def test_values_that_only_clash_together_are_reported(registry):
    lines = 'site = [{use = "residual-add"}, {use = "residual-ablate"}]\n"site.multiplier" = [1.0]'
    assert refused(grid(lines), registry) == [
        "site.multiplier: unknown option (known: tokens, preserve_norm, directions, span)",
    ]


# --set


@pytest.mark.parametrize(
    ("change", "table", "key", "value"),
    [
        ("site.multiplier=20", "site", "multiplier", 20),
        ("site.multiplier = 2.5", "site", "multiplier", 2.5),
        ("model.quantization=int8", "model", "quantization", "int8"),
        ('model.id="with space"', "model", "id", "with space"),
        ("model.id=owner/name", "model", "id", "owner/name"),
        ("model.id=bundled:qwen2-s", "model", "id", "bundled:qwen2-s"),
        ("model.id=a=b", "model", "id", "a=b"),
        ("model.id=", "model", "id", ""),
        ("model.trust_remote_code=true", "model", "trust_remote_code", True),
        ("selector.depths=[0.3, 0.5]", "selector", "depths", [0.3, 0.5]),
        ("generation.max_new_tokens=7", "generation", "max_new_tokens", 7),
        ('classifier.keywords=["a", "b=c"]', "classifier", "keywords", ["a", "b=c"]),
        ('grid."site.multiplier"=[1.0, 2.0]', "grid", "site.multiplier", [1.0, 2.0]),
    ],
)
def test_set_changes_one_option(change, table, key, value):
    text, document = apply_changes(tomlkit.parse(GOOD), [change])
    expected = tomllib.loads(GOOD)
    expected.setdefault(table, {})[key] = value
    assert document == expected
    assert tomllib.loads(text) == expected


def test_set_keeps_comments_and_the_rest_of_the_text():
    text, _ = apply_changes(tomlkit.parse(GOOD), ["site.multiplier=5.0", "run.name=yours"])
    assert text == GOOD.replace("multiplier = 4.0", "multiplier = 5.0").replace('"mine"', '"yours"')


def test_a_whole_table_can_be_set(registry):
    text, document = apply_changes(
        tomlkit.parse(GOOD), ["selector={use = 'fixed', layer = 3}", "run.seed=7"]
    )
    assert document["selector"] == {"use": "fixed", "layer": 3}
    assert tomllib.loads(text) == document
    (setting,) = parse_recipe(GOOD, registry, ["selector={use = 'fixed', layer = 3}"]).settings
    assert (setting.selector.name, setting.selector.layer) == ("fixed", 3)


def test_the_last_of_two_changes_counts():
    assert apply_changes(tomlkit.parse(GOOD), ["run.seed=1", "run.seed=2"])[1]["run"]["seed"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("multiplier=3", "--set: expected table.key=value or table={...}, got 'multiplier=3'"),
        ("site.multiplier", "--set: expected table.key=value or table={...}, got 'site.multiplier'"),
        (".multiplier=3", "--set: expected table.key=value or table={...}, got '.multiplier=3'"),
        ("site.=3", "--set: expected table.key=value or table={...}, got 'site.=3'"),
        ("flat.key=3", "--set: flat is not a table, in 'flat.key=3'"),
    ],
)
def test_a_change_of_another_form_is_refused(change, message):
    with pytest.raises(RecipeError) as caught:
        apply_changes(tomlkit.parse("flat = 1\n" + GOOD), [change, "site.multiplier=3"])
    assert str(caught.value) == message


def test_a_change_is_checked_like_the_recipe_itself(registry, says):
    says("\n".join(refused(GOOD, registry, changes=["site.multiplier=lots", "sight.x=1"])))


# fingerprint


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("# a comment of the user's\n", ""),
        GOOD.replace('name = "mine"', 'name = "yours"'),
        GOOD.replace(" = ", "="),
        "\n".join(reversed([part + "\n" for part in GOOD.split("\n\n")])),
        GOOD.replace('[model]\nid = "somewhere"\n', "").replace("# a comment", 'model.id = "somewhere"\n#'),
    ],
    ids=["comments", "name", "spaces", "order", "dotted"],
)
def test_the_fingerprint_depends_on_neither_layout_nor_name(text, registry):
    assert text != GOOD
    assert parse_recipe(text, registry).fingerprint == parse_recipe(GOOD, registry).fingerprint


@pytest.mark.parametrize("change", ["site.multiplier=4.5", "run.seed=1", "model.dtype=float32"])
def test_the_fingerprint_depends_on_what_is_said(change, registry):
    changed = parse_recipe(GOOD, registry, [change])
    assert changed.fingerprint != parse_recipe(GOOD, registry).fingerprint


def test_a_component_that_cannot_be_built_is_a_line_and_no_crash(own_host, says):
    @frozen(kw_only=True)
    class Unknowable(Classifier):
        name: ClassVar[str] = "unknowable"
        where: "NoSuchType" = option(None, help="a type that does not exist")  # noqa: F821  # reason: the test's point

        def classify(self, prompt, text):
            return Verdict("normal")

    brings(own_host, classifiers=[Unknowable])
    text = GOOD.replace("refusal-keywords", "unknowable")
    says("\n".join(refused(text, Registry.collect(own_host))))


@pytest.mark.parametrize(
    ("written", "expected"), [("-2", (-2,)), ("[-5, -1]", (-5, -1)), ('"suffix"', ())], ids=str
)
def test_a_position_is_one_several_or_the_suffix(registry, written, expected):
    recipe = parse_recipe(GOOD, registry, [f"extractor.position={written}"])
    assert recipe.settings[0].extractor.positions == expected


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0", "extractor.position: expected a number of at most -1, got 0"),
        ("[-1, 2]", "extractor.position: expected numbers of at most -1, got 2"),
        ("[]", "extractor.position: expected at least one value, got []"),
        ("[-1, -1]", "extractor.position: expected every position once, got [-1, -1]"),
        (
            '"sufix"',
            "extractor.position: expected an integer or a list, each an integer or 'suffix', got 'sufix'",
        ),
    ],
)
def test_a_position_that_no_prompt_has_is_refused(registry, written, message):
    with pytest.raises(RecipeError) as caught:
        parse_recipe(GOOD, registry, [f"extractor.position={written}"])
    assert str(caught.value) == message


def test_directions_are_scored_on_their_own_prompts_unless_others_are_named(registry):
    (same,) = parse_recipe(GOOD, registry).settings
    (other,) = parse_recipe(GOOD, registry, ["prompts.validation=refusal-64"]).settings
    assert same.validation is same.contrast
    assert (other.validation.name, len(other.validation.positive)) == ("refusal-64", 64)
    with pytest.raises(
        RecipeError, match=r"prompts\.validation: benign-30: no prompt has the role positive"
    ):
        parse_recipe(GOOD, registry, ["prompts.validation=benign-30"])


def test_a_prompt_file_may_lie_where_the_user_is(registry, tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "mine.txt").write_text("How do I bake bread?\n")
    monkeypatch.chdir(tmp_path)
    change = ["prompts.evaluation=mine.txt"]
    (setting,) = parse_recipe(GOOD, registry, change, folder=tmp_path / "recipes").settings
    assert [prompt.text for prompt in setting.evaluation.prompts] == ["How do I bake bread?"]
    # a file beside the recipe comes first
    (tmp_path / "recipes" / "mine.txt").write_text("Why is the sky blue?\n")
    (setting,) = parse_recipe(GOOD, registry, change, folder=tmp_path / "recipes").settings
    assert [prompt.text for prompt in setting.evaluation.prompts] == ["Why is the sky blue?"]
