"""What the model is given and which token is read, against the tokenizer's own words."""

import hashlib
import json
from pathlib import Path

import pytest
from as_json import as_json, from_json
from transformers import AutoTokenizer

from steerkit_core.model.prompt_audit import audit
from steerkit_core.model.template import template_hash
from steerkit_core.recipe.parsing import load_recipe
from steerkit_core.report.content.prompts import audit_lines
from steerkit_core.results.manifest import PromptAudit
from steerkit_core.testing import FAMILIES, tiny_tokenizer
from steerkit_families import Gemma, Mistral, Qwen
from steerkit_families.fallback import Fallback

ADAPTERS = {"qwen2": Qwen(), "qwen3": Qwen(), "gemma2": Gemma(), "mistral": Mistral(), "llama": Fallback()}


@pytest.fixture
def setting(write_recipe, tmp_path, registry):
    """The small recipe's setting, with other options."""

    def make(*changes):
        return load_recipe(write_recipe(tmp_path), registry, changes).settings[0]

    return make


@pytest.mark.parametrize("family", ADAPTERS)
def test_the_audit_says_what_the_tokenizer_writes(family, setting):
    tokenizer, chosen = tiny_tokenizer(family), setting("extractor.position=-2")
    found = audit(tokenizer, ADAPTERS[family], [chosen])
    contrast = (*chosen.contrast.positive, *chosen.contrast.negative)
    extra = {"enable_thinking": False} if family == "qwen3" else {}
    rendered = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt.text}],
            add_generation_prompt=True,
            return_dict=True,
            **extra,
        )["input_ids"]
        for prompt in contrast
    ]
    assert found.prompts == len(contrast) + len(chosen.evaluation.prompts) + len(chosen.selection.prompts)
    assert found.template_sha256 == hashlib.sha256(FAMILIES[family].template.encode()).hexdigest()
    assert found.example.id == contrast[0].id
    assert [token.id for token in found.example.tokens] == rendered[0]
    assert "".join(token.text for token in found.example.tokens) == tokenizer.decode(rendered[0])
    (entry,) = found.positions
    (standing,) = entry.tokens
    assert {ids[-2] for ids in rendered} == {standing.id}
    assert (entry.position, entry.in_template, standing.prompts) == (-2, True, 10)
    assert (found.double_bos, found.without_bos, found.notes) == (0, 0, ())


@pytest.mark.parametrize(
    ("family", "suffix"), [("qwen2", "<|im_end|>\n<|im_start|>assistant\n"), ("mistral", " [/INST]")]
)
def test_the_suffix_is_what_the_template_puts_behind_the_text(family, suffix, setting):
    tokenizer = tiny_tokenizer(family)
    ids = tokenizer(suffix, add_special_tokens=False)["input_ids"]
    assert audit(tokenizer, ADAPTERS[family], [setting()]).suffix == len(ids)


def test_a_position_in_the_users_text_is_noted(setting):
    tokenizer = tiny_tokenizer("mistral")
    found = audit(tokenizer, Mistral(), [setting("extractor.position=-3")])
    assert found.positions[0].in_template is False
    assert found.notes == (
        (
            "position -3, which extractor 'dim' reads in refusal-5, lies in the user's text and not in the"
            " template behind it"
        ),
    )


def test_two_bos_tokens_and_a_missing_one_are_counted(setting, says):
    tokenizer = tiny_tokenizer("gemma2")
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    found = audit(tokenizer, Gemma(), [setting()])
    assert (found.double_bos, found.without_bos) == (19, 0)
    says("\n".join(list(found.notes)))
    tokenizer.chat_template = tokenizer.chat_template.replace("{{ bos_token }}", "")
    found = audit(tokenizer, Gemma(), [setting()])
    assert (found.double_bos, found.without_bos) == (0, 19)
    says("\n".join(list(found.notes)))


def test_several_templates_are_hashed_together():
    tokenizer = tiny_tokenizer("qwen2")
    tokenizer.chat_template = {"tool_use": "b", "default": "a"}
    text = '{"default": "a", "tool_use": "b"}'
    assert template_hash(tokenizer) == hashlib.sha256(text.encode()).hexdigest()


def test_lines_name_the_commonest_tokens(says):
    tokens = [{"id": number, "text": chr(97 + number), "prompts": 6 - number} for number in range(6)]
    audited = {
        "template_sha256": "0123456789abcdef",
        "suffix": 2,
        "example": {"id": "p", "tokens": [{"id": 7, "text": "\n"}, {"id": 8, "text": "x"}]},
        "prompts": 21,
        "double_bos": 0,
        "without_bos": 0,
        "positions": [
            {"contrast": "c", "extractor": "dim", "position": -4, "in_template": True, "tokens": tokens}
        ],
        "notes": ["odd"],
    }
    says("\n".join(list(audit_lines(from_json(PromptAudit, audited)))))


def test_a_run_keeps_the_audit(setting, model_folder, registry, tmp_path):
    from steerkit_core.pipeline.recipe_run import run_recipe

    chosen = setting()
    recipe = load_recipe(tmp_path / "recipe.toml", registry, ["grid.selector=[{use = 'fixed', layer = 1}]"])
    run_recipe(recipe, registry, tmp_path / "run")
    (model,) = json.loads(Path(tmp_path / "run" / "manifest.json").read_text("utf-8"))["models"]
    found = audit(AutoTokenizer.from_pretrained(model_folder), Qwen(), [chosen])
    assert model["prompts"] == as_json(found)
    assert "dim reads position -1 of refusal-5" in (tmp_path / "run" / "report.html").read_text("utf-8")
