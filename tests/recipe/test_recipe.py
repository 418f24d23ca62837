"""A recipe becomes components and prompts, or every mistake in it is one line with its place."""

import tomllib
from pathlib import Path
from typing import ClassVar

import pytest
from attrs import frozen
from recipe_texts import GOOD, brings, refused

from steerkit_core import Classifier, Verdict, option
from steerkit_core.errors import RecipeError
from steerkit_core.plugin.registry import Registry
from steerkit_core.recipe.parsing import load_recipe, parse_recipe

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
