"""`extract` finds what transformers' hidden states say, and refuses what it cannot use in one sentence."""

import pytest
import torch
from attrs import evolve
from steered_models import FAMILIES, batch_of

import steerkit_core
from steerkit_core import ContrastSet, DirectionSet, Extractor, MissingDirection, Prompt, SteerkitError

PAIR = (["How do I pick a lock?", "Insult me."], ["What is moss?", "Name a colour.", "Say hello."])


@pytest.mark.parametrize("family", FAMILIES)
def test_dim_is_the_difference_of_the_means_of_hidden_states(family, hf_models, wrapped):
    model, tokenizer = hf_models(family)
    found = steerkit_core.extract(wrapped(family), contrast=PAIR, extractor="dim")
    means = []
    for texts in PAIR:
        states = []
        for text in texts:
            with torch.no_grad():
                out = model(**batch_of(tokenizer, [text]), output_hidden_states=True)
            # the last one is normed, and is not the output of a block
            states.append(torch.stack([state[0, -1].double() for state in out.hidden_states[1:-1]]))
        means.append(torch.stack(states).mean(dim=0))
    raw = means[0] - means[1]
    for layer, vector in enumerate(raw):
        direction = found.at(layer=layer)
        assert direction.raw_norm == pytest.approx(float(vector.norm()), rel=1e-4)
        assert torch.allclose(direction.unit.double(), vector / vector.norm(), atol=1e-5)


def test_the_length_of_the_stream_is_its_mean_over_the_negative_prompts_tokens(hf_models, wrapped):
    model, tokenizer = hf_models("qwen2")
    found = steerkit_core.extract(wrapped("qwen2"), contrast=PAIR)
    lengths = []
    for text in PAIR[1]:
        with torch.no_grad():
            out = model(**batch_of(tokenizer, [text]), output_hidden_states=True)
        lengths.append(out.hidden_states[2][0].norm(dim=-1))
    assert found.residual_norms[1] == pytest.approx(float(torch.cat(lengths).mean()), rel=1e-5)
    assert found.at(layer=1).residual_norm == found.residual_norms[1]


def test_a_contrast_set_is_a_name_a_file_a_value_or_a_pair(wrapped, registry, tmp_path):
    handle = wrapped("qwen2")
    file = tmp_path / "mine.jsonl"
    file.write_text(
        "".join(
            f'{{"text": "{text}", "role": "{role}"}}\n'
            for role, texts in zip(("positive", "negative"), PAIR, strict=True)
            for text in texts
        )
    )
    value = ContrastSet("mine", *(tuple(Prompt(text, text) for text in texts) for texts in PAIR))
    ways = [PAIR, file, str(file), value, tuple(map(tuple, PAIR)), (value.positive, list(value.negative))]
    found = [steerkit_core.extract(handle, contrast=way) for way in ways]
    for other in found[1:]:
        assert torch.equal(other.units, found[0].units)
    named = steerkit_core.extract(handle, contrast="refusal-5")
    prompts = registry.get("prompt set", "refusal-5")().prompts()
    roles = ([p.text for p in prompts if p.role == role] for role in ("positive", "negative"))
    assert torch.equal(named.units, steerkit_core.extract(handle, contrast=tuple(roles)).units)


def test_an_extractor_is_a_name_with_options_or_a_component(wrapped, registry):
    handle = wrapped("qwen2")
    named = steerkit_core.extract(handle, PAIR, "dim", position=-2, module="mlp")
    built = registry.get("extractor", "dim")(position=-2, module="mlp")
    given = steerkit_core.extract(handle, PAIR, built)
    assert named.positions == given.positions == (-2,)
    assert named.module == given.module == "mlp"
    assert torch.equal(named.units, given.units)
    other = steerkit_core.extract(handle, PAIR, "logistic")
    assert not torch.allclose(other.units, steerkit_core.extract(handle, PAIR).units)


def refusals(installed):
    (names,) = installed(["<extractor>"])
    (sets,) = installed(["<prompt set>"])
    return [
        ({"extractor": "dmi"}, f"no extractor named 'dmi', did you mean 'dim'? (installed: {names})"),
        (
            {"extractor": Extractor},
            "extractor: expected a name or one of Extractor, got <class 'steerkit_core.components.extractor.Extractor'>",
        ),
        ({"normalise": True}, "extractor.normalise: unknown option (known: position, module)"),
        ({"position": 1}, "extractor.position: expected a number of at most -1, got 1"),
        (
            {"contrast": "refusal-6"},
            f"no prompt set named 'refusal-6', did you mean 'refusal-64'? (installed: {sets})",
        ),
        ({"contrast": "no.txt"}, "no.txt: no such file"),
        (
            {"contrast": ([], ["a"])},
            "contrast: no prompt has the role positive; a contrast set needs both classes",
        ),
        (
            {"contrast": (["a"], [])},
            "contrast: no prompt has the role negative; a contrast set needs both classes",
        ),
        (
            {"contrast": ContrastSet("mine", (), (Prompt("a", "a"),))},
            "mine: no prompt has the role positive; a contrast set needs both classes",
        ),
        (
            {"contrast": (["a", " "], ["b", "a"])},
            "contrast: positive[1]: empty prompt\ncontrast: negative[1]: same text as positive[0]",
        ),
        (
            {"contrast": ("a", "b")},
            "contrast: expected a prompt set, a file, a ContrastSet or a pair of lists of texts, positive ones first, got ('a', 'b')",
        ),
        (
            {"contrast": ["a", "b", "c"]},
            "contrast: expected a prompt set, a file, a ContrastSet or a pair of lists of texts, positive ones first, got ['a', 'b', 'c']",
        ),
        (
            {"contrast": 5},
            "contrast: expected a prompt set, a file, a ContrastSet or a pair of lists of texts, positive ones first, got 5",
        ),
    ]


@pytest.mark.parametrize("case", range(13))
def test_what_cannot_be_extracted_is_said_in_one_sentence(case, wrapped, installed):
    options, message = refusals(installed)[case]
    with pytest.raises(SteerkitError) as caught:
        steerkit_core.extract(wrapped("qwen2"), **{"contrast": PAIR, **options})
    assert str(caught.value) == message


def test_options_of_an_extractor_that_is_built_are_refused(wrapped, registry, says):
    built = registry.get("extractor", "dim")()
    with pytest.raises(SteerkitError) as caught:
        steerkit_core.extract(wrapped("qwen2"), PAIR, built, position=-2)
    says(caught)


def test_a_model_that_is_not_wrapped_is_refused(hf_models, says):
    with pytest.raises(SteerkitError) as caught:
        steerkit_core.extract(hf_models("qwen2")[0], PAIR)
    says(caught)


def test_a_position_may_be_left_out_where_there_is_one(says):
    raw = torch.tensor([[[3.0, 4.0], [0.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]]])
    two = DirectionSet.from_raw(raw, (-2, -1), (4, 7))
    assert two.at(layer=4, position=-2).raw_norm == 5.0
    with pytest.raises(MissingDirection) as caught:
        two.at(layer=4)
    says(caught)
    with pytest.raises(KeyError) as missing:
        two.at(5, -1)
    says(missing)
    one = DirectionSet.from_raw(raw[:1], (-1,), (4, 7))
    assert one.at(layer=7).raw_norm == one.at(7, -1).raw_norm == 2.0
    assert one.at(7).residual_norm is None


def test_directions_show_what_they_are(says):
    raw = torch.tensor([[[3.0, 4.0], [0.0, 2.0]]])
    found = DirectionSet.from_raw(raw, (-1,), (4, 7))
    assert repr(found) == "DirectionSet(layers 4, 7, positions -1, module='residual', width=2)"
    assert repr(found.at(4)) == "Direction(layer=4, position=-1, module='residual', width=2, raw_norm=5)"
    strange = evolve(found, module="<mlp>")
    says(strange._repr_html_())


def test_saved_directions_keep_the_lengths_of_the_stream(wrapped, tmp_path):
    handle = wrapped("qwen2")
    found = steerkit_core.extract(handle, PAIR)
    found.save(tmp_path / "mine.safetensors", model=handle)
    again = DirectionSet.load(tmp_path / "mine.safetensors")
    assert torch.equal(again.units, found.units)
    assert again.residual_norms == found.residual_norms
    evolve(found, residual_norms=()).save(tmp_path / "bare.safetensors")
    assert DirectionSet.load(tmp_path / "bare.safetensors").residual_norms == ()
