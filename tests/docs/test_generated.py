"""The pages on commands, the API and the findings say what the commands, the module and the audit say."""

import contextlib
import io
import json
import re

import click
import pytest
from docs_pages import DOCS, blocks, first_table, section
from scipy.stats import fisher_exact

import steerkit_core
from steerkit_core import testing
from steerkit_core.cli import execute

COMMANDS = (DOCS / "reference" / "commands.md").read_text("utf-8")
API = (DOCS / "reference" / "api.md").read_text("utf-8")
FINDINGS = (DOCS / "study" / "findings.md").read_text("utf-8")


@pytest.fixture(scope="module")
def listed(shipped):
    from reference_commands import commands

    return dict(commands(shipped.host))


def test_every_command_has_a_section(listed):
    headings = [tuple(line.split()[1:]) for line in COMMANDS.splitlines() if line.startswith("## ")]
    assert headings == list(listed)
    assert ("steerkit", "plugins", "show") in listed


def test_every_option_of_the_help_is_on_the_page(listed):
    for words, command in listed.items():
        part = section(COMMANDS, " ".join(words))
        help_text = command.get_help(click.Context(command, info_name=words[-1]))
        lines = re.findall(r"^ {2}(?:-\w, )?(--.*)$", help_text, re.MULTILINE)
        options = {name for line in lines for name in re.findall(r"--[\w-]+", line.split("  ")[0])} - {
            "--help"
        }
        rows = {
            name
            for row in re.findall(r"^\| `([^`]+)`", part, re.MULTILINE)
            for name in re.findall(r"--[\w-]+", row)
        }
        assert rows == options, words


def test_examples_of_the_help_are_on_the_page(listed):
    for words, command in listed.items():
        examples = re.findall(
            r"^ +(.*steerkit .*)$", (command.help or "").partition("\b\n")[2], re.MULTILINE
        )
        shown = [
            line
            for _, _, body in blocks(section(COMMANDS, " ".join(words)), "bash")
            for line in body.splitlines()
        ]
        assert [line.strip() for line in examples] == shown


def test_every_public_name_is_on_the_page():
    for module, part in ((steerkit_core, API), (testing, section(API, "The kit for plugin authors"))):
        for name in module.__all__:
            assert re.search(rf"^\| `{name}` \| .+ \|$", part, re.MULTILINE), name
            assert re.search(rf"^\.\. (auto|py:)\w+:: {name}$", part, re.MULTILINE), name


@pytest.fixture(scope="module")
def audit(host):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert execute(["replicate", "--audit", "--json"], host) == 0
    return json.loads(printed.getvalue())


def test_the_figures_are_those_of_the_command(audit):
    statuses = [finding["status"] for finding in audit["findings"]]
    repeated = [finding for finding in audit["findings"] if finding["by_prompt"] is not None]
    said = [int(number) for number in re.findall(r"\d+", section(FINDINGS, "Its figures").splitlines()[3])]
    assert said[:3] == [len(statuses), statuses.count("holds"), statuses.count("differs")]
    assert said[4] == len(statuses) - said[1] - said[2]
    assert said[5:] == [len(repeated), sum(not one["by_prompt_holds"] for one in repeated), len(repeated)]


def test_the_claims_are_those_of_the_command(audit):
    rows = first_table(section(FINDINGS, "What the paper says"))
    assert rows == [[claim["claim"], claim["verdict"], claim["why"]] for claim in audit["claims"]]


def test_p_values_are_those_of_another_library():
    rows = first_table(section(FINDINGS, "Its figures"))
    assert len(rows) == 10
    for _, counts, _, _, printed, _ in rows:
        (k, n), (other_k, other_n) = (
            [int(part) for part in one.split("/")] for one in counts.split(" and ")
        )
        found = fisher_exact([[k, n - k], [other_k, other_n - other_k]]).pvalue
        assert float(printed) == pytest.approx(found, abs=5e-4)


def test_bundled_findings_are_the_measured_ones():
    results = json.loads((DOCS / "methods.json").read_text("utf-8"))
    for model, dim, random, cosmic, advice, transfer in first_table(
        section(FINDINGS, "On the bundled models")
    ):
        kinds = ("extractor", "extractor", "selector", "selector", "extractor")
        names = ("dim", "random", "cosmic", "family-depth", "transfer")
        for kind, name, shown in zip(kinds, names, (dim, random, cosmic, advice, transfer), strict=True):
            found = results[kind][name][model]
            assert shown == f"{found['counts'].get('refusal', 0)}/{found['n']}"
