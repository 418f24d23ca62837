"""Prompt files: what is read, and the whole message when something is wrong."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steerkit_core.errors import PromptFileError
from steerkit_core.recipe.prompts import contrast_set, evaluation_prompts, fingerprint, read_prompt_file
from steerkit_core.values import Prompt

HARM = Prompt("a", "Harm?", "positive")
GOOD = Prompt("b", "Good?", "negative")
PLAIN = Prompt("c", "Plain?")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file into the working directory, so that messages hold its name alone."""
    monkeypatch.chdir(tmp_path)

    def write_file(name, content):
        path = Path(name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def problems(path):
    with pytest.raises(PromptFileError) as caught:
        read_prompt_file(path)
    return str(caught.value).split("\n")


SAME = (
    Prompt("x", "Where, exactly?", "positive", "Maps"),
    Prompt("p-2", "Why?", "negative", ""),
    Prompt("p-3", "#who", "neutral", ""),
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "p.toml",
            (
                '[[prompt]]\nid = "x"\ntext = "Where, exactly?"\nrole = "harmful"\ncategory = "Maps"\n'
                '[[prompt]]\nprompt = "Why?"\nrole = "harmless"\n[[prompt]]\ntext = "#who"\n'
            ),
        ),
        (
            "p.toml",
            (
                'prompt = [{id = "x", text = "Where, exactly?", role = "positive", category = "Maps"},'
                ' {text = "Why?", role = "negative"}, {text = "#who"}]'
            ),
        ),
        (
            "p.jsonl",
            (
                '{"id": "x", "text": "Where, exactly?", "role": "Harmful", "category": "Maps"}\r\n'
                '{"prompt": "Why?", "role": "negative", "category": null}\r\n{"text": "#who"}\r\n\r\n'
            ),
        ),
        (
            "p.CSV",
            (
                'Prompt,id,role,category\r\n"Where, exactly?",x,positive,Maps\r\n'
                "Why?,,harmless,\r\n#who,,,\r\n,,,\r\n\r\n"
            ),
        ),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_every_format_says_the_same(write, name, content, mark):
    assert read_prompt_file(write(name, mark + content.encode())) == SAME


def test_a_text_file_has_one_prompt_per_line_and_no_comments(write):
    path = write("p.txt", "# Not a comment?\n  Spaces around \nLast\n\n\n")
    assert read_prompt_file(path) == (
        Prompt("p-1", "# Not a comment?"),
        Prompt("p-2", "Spaces around"),
        Prompt("p-3", "Last"),
    )


def test_a_quoted_cell_may_go_over_several_lines(write, says):
    path = write("p.csv", 'text\n"one\n\ntwo"\nthree\nthree\n')
    says("\n".join(problems(path)))


def test_all_problems_of_a_table_come_at_once(write, says):
    path = write(
        "p.csv",
        "id,text,rol,role\na,One,,positive\nb, ,,negative\n,One,,harmles\n\na,Two,,\nc,Three, four,,\n",
    )
    says("\n".join(problems(path)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("goal\nOne\n", "p.csv:1: no column 'text' or 'prompt'; the first row names the columns"),
        ("text,Text\nOne,Two\n", "p.csv:1: the column 'text' occurs twice"),
        ("text,prompt\nOne,Two\n", "p.csv:2: has both 'text' and 'prompt'; they mean the same, keep one"),
        ('text\n"One\n', "p.csv:2: not valid CSV: unexpected end of data"),
        ("text\n", "p.csv: no prompts"),
        ("", "p.csv: no prompts"),
        ("\n\n", "p.csv: no prompts"),
        ("text\n\nOne\n\n", "p.csv:2: empty row"),
    ],
)
def test_what_is_wrong_with_a_table(write, content, message):
    assert message in problems(write("p.csv", content))


def test_all_problems_of_a_jsonl_file_come_at_once(write, says):
    path = write(
        "p.jsonl",
        '{"text": "One", "rolle": "x"}\n'
        '{"text": "Two"\n'
        '["Three"]\n'
        "\n"
        '{"id": "four"}\n'
        '{"text": 5, "id": 6}\n'
        '{"text": "One"}\n'
        '{"text": "\\ud800"}\n',
    )
    says("\n".join(problems(path)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[[prompt]]\ntext = "One"\n\n[[prompt]]\ntext = "One"\n', "p.toml:4: same text as line 1"),
        ('prompt = [{text = "One"}, {text = "One"}]', "p.toml: prompt 2: same text as prompt 1"),
        ("[[prompt]]\ntext = One\n", "p.toml: not valid TOML: Invalid value (at line 2, column 8)"),
        ('prompts = "One"\n', "p.toml: unknown key 'prompts', did you mean 'prompt'? (known: prompt)"),
        ('prompt = "One"\n', "p.toml: expected 'prompt' to be [[prompt]] tables"),
        ('prompt = ["One"]\n', "p.toml: expected 'prompt' to be [[prompt]] tables"),
        ("", "p.toml: no prompts"),
    ],
)
def test_what_is_wrong_with_a_toml_file(write, content, message):
    assert problems(write("p.toml", content)) == [message]


def test_a_given_id_that_is_like_a_made_up_one_is_refused(write, says):
    path = write("p.jsonl", '{"id": "p-2", "text": "One"}\n{"text": "Two"}\n')
    says("\n".join(problems(path)))


def test_an_empty_line_among_prompts_is_a_problem(write):
    assert problems(write("p.txt", "One\n\nTwo\n")) == ["p.txt:2: empty row"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"One\nCaf\xe9\n", "p.txt:2: not UTF-8 at byte 7 (0xe9): save the file as UTF-8"),
        (b"\xef\xbb\xbfCaf\xe9\n", "p.txt:1: not UTF-8 at byte 6 (0xe9): save the file as UTF-8"),
        ("One".encode("utf-16"), "p.txt:1: not UTF-8 at byte 0 (0xff): save the file as UTF-8"),
    ],
)
def test_another_encoding_is_named_with_its_place(write, content, message):
    assert problems(write("p.txt", content)) == [message]


def test_a_file_that_is_not_there(tmp_path):
    assert problems(tmp_path / "p.txt") == [f"{tmp_path / 'p.txt'}: no such file"]


def test_a_folder_is_no_file(tmp_path, says):
    folder = tmp_path / "p.txt"
    folder.mkdir()
    says("\n".join(problems(folder)))


def test_an_unknown_suffix_names_the_known_ones(says):
    says("\n".join(problems(Path("p.json"))))


@given(data=st.binary(max_size=60), suffix=st.sampled_from([".toml", ".jsonl", ".csv", ".txt"]))
def test_whatever_a_file_holds_it_is_read_or_refused(tmp_path_factory, data, suffix):
    path = tmp_path_factory.mktemp("any") / f"p{suffix}"
    path.write_bytes(data)
    try:
        prompts, message = read_prompt_file(path), ""
    except PromptFileError as error:
        prompts, message = (), str(error)
    assert prompts or all(line.startswith(f"{path}:") for line in message.split("\n"))
    assert all(prompt.text.strip() for prompt in prompts)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), min_size=1, unique_by=str.strip
    )
)
def test_texts_survive_a_jsonl_file(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("texts") / "p.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    assert [prompt.text for prompt in read_prompt_file(path)] == texts


def test_a_contrast_set_keeps_the_order_within_its_classes():
    other = Prompt("d", "Other?", "positive")
    made = contrast_set("mine", (HARM, GOOD, other))
    assert (made.name, made.positive, made.negative) == ("mine", (HARM, other), (GOOD,))


@pytest.mark.parametrize(
    ("prompts", "lines"),
    [
        ((HARM,), ["harmful.csv: no prompt has the role negative; a contrast set needs both classes"]),
        ((GOOD,), ["harmful.csv: no prompt has the role positive; a contrast set needs both classes"]),
        (
            (HARM, GOOD, PLAIN),
            ["harmful.csv: the role of 'c' is neutral; a contrast set knows positive and negative"],
        ),
        (
            (HARM, *(Prompt(f"n{i}", f"{i}?") for i in range(5))),
            [
                "harmful.csv: no prompt has the role negative; a contrast set needs both classes",
                (
                    "harmful.csv: the role of 'n0', 'n1', 'n2' and 2 more is neutral;"
                    " a contrast set knows positive and negative"
                ),
            ],
        ),
    ],
)
def test_what_is_no_contrast_set(prompts, lines):
    with pytest.raises(PromptFileError) as caught:
        contrast_set("harmful.csv", prompts)
    assert str(caught.value).split("\n") == lines


def test_any_prompts_may_be_evaluated_on_if_there_are_some():
    assert evaluation_prompts("mine", [HARM, PLAIN]) == (HARM, PLAIN)
    with pytest.raises(PromptFileError) as caught:
        evaluation_prompts("empty", [])
    assert str(caught.value) == "empty: no prompts"


def test_a_fingerprint_is_the_hash_of_ids_texts_and_roles():
    written_out = '[["a","Harm?","positive"],["b","Good?","negative"]]'
    assert fingerprint([HARM, GOOD]) == hashlib.sha256(written_out.encode()).hexdigest()
    changed = [
        [GOOD, HARM],
        [HARM],
        [HARM, Prompt("b", "Good?", "neutral")],
        [HARM, Prompt("b", "Good", "negative")],
    ]
    assert len({fingerprint(each) for each in [[HARM, GOOD], *changed]}) == 5
    assert fingerprint([Prompt("b", "Good?", "negative", "Food")]) == fingerprint([GOOD])
