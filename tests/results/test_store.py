import json
import os
import subprocess
import sys
import textwrap

import pytest
import torch
from made_results import manifest

from steerkit_core import Completion, Prompt
from steerkit_core.errors import StoreError
from steerkit_core.results.files import COMPLETIONS, DIRECTIONS, MANIFEST, read_json
from steerkit_core.results.run_directory import open_run

MINE, YOURS = "a" * 64, "b" * 64
REMEDY = "put that right and give the same command again, or choose another folder with --out"


def row(number, text="an answer"):
    prompt = Prompt(f"p{number}", f"question {number}", category="talk")
    return Completion(prompt, text, tokens=3, stop="eos")


def begin(path, *rows, fingerprint=MINE):
    """A run as it is left behind: its manifest and some completions."""
    with open_run(path, fingerprint) as run:
        run.write_json(MANIFEST, manifest(recipe_fingerprint=fingerprint))
        for each in rows:
            run.append("cell", each)
    return path


def refused(path, fingerprint=MINE, **kwargs):
    with pytest.raises(StoreError) as caught, open_run(path, fingerprint, **kwargs):
        pass
    return str(caught.value)


def kept(path, fingerprint=MINE):
    with open_run(path, fingerprint) as run:
        return dict(run.completions)


def everything(folder):
    """Every file below a folder with its content, but not the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "",
        "two\nlines\r\n",
        'with "quotes" and \\',
        "caf\u00e9 \u65e5\u672c",
        "\u2028 \u2029 \x85 \x0b \x1c",
        "\ufffd",
    ],
)
def test_what_is_appended_is_there_again_when_the_run_is_opened(text, tmp_path):
    wanted = row(1, text)
    assert kept(begin(tmp_path / "run", wanted)) == {("cell", "p1"): wanted}


def test_each_row_is_one_line_with_everything_about_it(tmp_path, says):
    failed = Completion(Prompt("p2", "why?"), "", 0, "failed", "the output is empty")
    path = begin(tmp_path / "run", row(1, "caf\u00e9\n"), failed)
    says((path / COMPLETIONS).read_text(encoding="utf-8"))


def test_a_row_is_on_disk_as_soon_as_it_is_appended(tmp_path):
    with open_run(tmp_path / "run", MINE) as run:
        for number in range(3):
            run.append("cell", row(number))
            assert (tmp_path / "run" / COMPLETIONS).read_bytes().count(b"\n") == number + 1


def test_a_last_line_is_cut_off_wherever_the_process_died(tmp_path):
    path = begin(tmp_path / "run", row(1), row(2, "caf\u00e9"))
    whole = (path / COMPLETIONS).read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole)):
        (path / COMPLETIONS).write_bytes(whole[:length])
        assert list(kept(path)) == [("cell", "p1")]
        assert (path / COMPLETIONS).read_bytes() == whole[:first]


def test_what_is_appended_after_the_cut_stands_on_a_line_of_its_own(tmp_path):
    path = begin(tmp_path / "run", row(1), row(2))
    whole = (path / COMPLETIONS).read_bytes()
    (path / COMPLETIONS).write_bytes(whole[:-5])
    with open_run(path, MINE) as run:
        run.append("cell", row(2))
    assert (path / COMPLETIONS).read_bytes() == whole


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (
            b'{"cell": "cell", "prom',
            "JSONDecodeError",
        ),
        (b'{"cell": "cell"}', "prompt_id is missing"),
        (b"[]", "expected a table"),
        (b"", "JSONDecodeError"),
    ],
)
def test_a_damaged_line_in_the_middle_is_named_and_nothing_is_lost(damage, reason, tmp_path):
    path = begin(tmp_path / "run", row(1), row(2), row(3))
    lines = (path / COMPLETIONS).read_bytes().splitlines()
    lines[1] = damage
    content = b"\n".join(lines) + b"\n"
    (path / COMPLETIONS).write_bytes(content)
    message = refused(path)
    assert message.startswith(f"{path}/completions.jsonl:2: ")
    assert reason in message
    assert (path / COMPLETIONS).read_bytes() == content
    del lines[1]
    (path / COMPLETIONS).write_bytes(b"\n".join(lines) + b"\n")
    assert list(kept(path)) == [("cell", "p1"), ("cell", "p3")]


def test_another_recipes_run_is_refused_and_left_as_it_is(tmp_path, says):
    path = begin(tmp_path / "run", row(1), fingerprint=YOURS)
    before = everything(tmp_path)
    says(refused(path))
    assert everything(tmp_path) == before


def test_another_recipes_run_that_found_nothing_makes_way(tmp_path):
    path = begin(tmp_path / "run", fingerprint=YOURS)
    (path / "recipe.toml").write_text("of another")
    with open_run(path, MINE) as run:
        assert run.manifest is None


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_is(fresh, tmp_path, says):
    path = tmp_path / "thesis"
    path.mkdir()
    (path / "chapter-1.tex").write_text("words")
    (path / "notes.txt").write_text("more")
    says(refused(path, fresh=fresh))
    assert everything(tmp_path) == {"thesis/chapter-1.tex": b"words", "thesis/notes.txt": b"more"}


def test_hidden_files_do_not_make_a_folder_somebodys(tmp_path):
    (tmp_path / ".DS_Store").write_text("")
    (tmp_path / ".manifest.json.partial").write_text('{"half')
    assert kept(tmp_path) == {}


def test_fresh_sets_a_run_aside_and_deletes_nothing(tmp_path):
    path = begin(tmp_path / "run", row(1), fingerprint=YOURS)
    old = everything(path)
    with open_run(path, MINE, fresh=True) as run:
        assert run.completions == {}
        run.write_json(MANIFEST, manifest(recipe_fingerprint=MINE))
    newer = everything(path)
    assert everything(tmp_path / "run.1") == old
    with open_run(path, MINE, fresh=True):
        pass
    assert everything(tmp_path / "run.1") == old
    assert everything(tmp_path / "run.2") == newer
    assert everything(path) == {}


def test_fresh_works_from_inside_the_folder(tmp_path, monkeypatch):
    path = begin(tmp_path / "run", row(1))
    old = everything(path)
    monkeypatch.chdir(path)
    with open_run(path.relative_to(path), MINE, fresh=True) as run:
        assert run.completions == {}
    assert everything(tmp_path / "run.1") == old


def test_fresh_that_dies_on_the_way_can_be_repeated_and_loses_nothing(tmp_path, monkeypatch):
    class Died(BaseException):
        pass

    path = begin(tmp_path / "run", row(1))
    (path / "results.json").write_text("{}")
    old = sorted(everything(path).values())
    replace = type(path).replace
    moves = []

    def die_at_the_last(entry, target):
        moves.append(entry.name)
        if len(moves) == len(old):
            raise Died
        return replace(entry, target)

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", die_at_the_last)
        with pytest.raises(Died), open_run(path, MINE, fresh=True):
            pass
    with open_run(path, MINE, fresh=True) as run:
        assert run.completions == {}
    aside = {**everything(tmp_path / "run.1"), **everything(tmp_path / "run.2")}
    assert sorted(aside.values()) == old
    assert everything(path) == {}


def test_fresh_in_an_empty_folder_sets_nothing_aside(tmp_path):
    with open_run(tmp_path / "run", MINE, fresh=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


HOLDER = """
    import sys
    from pathlib import Path
    from steerkit_core.results.run_directory import open_run
    with open_run(Path(sys.argv[1]), sys.argv[2]):
        print("held", flush=True)
        sys.stdin.readline()
"""


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_that_another_process_holds_is_refused_until_it_lets_go(fresh, tmp_path, says):
    path = begin(tmp_path / "run", row(1))
    before = everything(tmp_path)
    arguments = [sys.executable, "-c", textwrap.dedent(HOLDER), str(path), MINE]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        says(refused(path, fresh=fresh))
        assert everything(tmp_path) == before
        other.kill()  # even one that dies without a word lets go
    assert list(kept(path)) == [("cell", "p1")]


@pytest.mark.parametrize(("below", "reason"), [("file", "file exists"), ("file/run", "not a directory")])
def test_a_folder_that_cannot_be_made_is_explained(below, reason, tmp_path):
    (tmp_path / "file").write_text("mine")
    path = tmp_path / below
    assert refused(path) == f"{path}: cannot be written: {reason}; nothing was run; {REMEDY}"
    assert everything(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_explained(tmp_path, says):
    tmp_path.chmod(0o555)
    path = tmp_path / "run"
    try:
        says(refused(path))
    finally:
        tmp_path.chmod(0o755)


FILLER = """
    import resource, sys
    from pathlib import Path
    from steerkit_core import Completion, Prompt
    from steerkit_core.errors import StoreError
    from steerkit_core.results.run_directory import open_run

    try:
        with open_run(Path(sys.argv[1]), sys.argv[2]) as run:
            if sys.argv[3] == "full":
                resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
            for number in range(20):
                if ("cell", f"p{number}") not in run.completions:
                    run.append("cell", Completion(Prompt(f"p{number}", "?"), "x" * 200, 3, "eos"))
    except StoreError as error:
        sys.exit(str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files is POSIX")
def test_a_full_disk_keeps_the_rows_before_it_and_goes_on_when_there_is_room(tmp_path, says):
    path = begin(tmp_path / "run")

    def fill(state):
        arguments = [sys.executable, "-c", textwrap.dedent(FILLER), str(path), MINE, state]
        return subprocess.run(arguments, capture_output=True, text=True, check=False)

    full = fill("full")
    length = (path / COMPLETIONS).stat().st_size
    lines = (path / COMPLETIONS).read_bytes().split(b"\n")
    whole = [json.loads(line)["prompt_id"] for line in lines[:-1]]
    assert length == 2000  # the limit was met, in the middle of a line
    assert whole == [f"p{number}" for number in range(len(whole))]
    says(full.stderr)
    assert fill("roomy").stderr == ""
    found = [json.loads(line)["prompt_id"] for line in (path / COMPLETIONS).read_text().splitlines()]
    assert found == [f"p{number}" for number in range(20)]
    assert (path / COMPLETIONS).read_bytes().startswith(b"\n".join(lines[:-1]))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch, says):
    with open_run(tmp_path / "run", MINE) as run:
        run.write_text("results.json", "old")
        monkeypatch.setattr(
            "pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left"))
        )
        with pytest.raises(StoreError) as caught:
            run.write_text("results.json", "new")
    says(caught)
    assert (tmp_path / "run" / "results.json").read_text() == "old"


def test_tensors_come_back_bit_by_bit_with_their_metadata(tmp_path):
    tensors = {"a": torch.randn(3, 5), "b": torch.tensor([1e-300, -0.0], dtype=torch.float64)}
    with open_run(tmp_path / "run", MINE) as run:
        assert run.read_tensors(DIRECTIONS) == ({}, {})
        run.write_tensors(DIRECTIONS, tensors, {"key": '{"x": 1}'})
        found, metadata = run.read_tensors(DIRECTIONS)
    assert metadata == {"key": '{"x": 1}'}
    assert set(found) == {"a", "b"}
    for name, tensor in tensors.items():
        assert torch.equal(found[name], tensor)
        assert found[name].dtype == tensor.dtype


def test_damaged_tensors_are_explained(tmp_path):
    path = begin(tmp_path / "run")
    (path / DIRECTIONS).write_bytes(b"\xff" * 64)
    with open_run(path, MINE) as run, pytest.raises(StoreError) as caught:
        run.read_tensors(DIRECTIONS)
    message = str(caught.value)
    assert message.startswith(f"{path}/directions.safetensors: damaged (")
    assert message.endswith("): delete it to have it made again")


def test_reading_a_file_that_is_not_there_or_no_json(tmp_path, says):
    with pytest.raises(StoreError) as caught:
        read_json(tmp_path, "results.json")
    says(caught)
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(StoreError) as caught:
        read_json(tmp_path, "results.json")
    says(caught)
