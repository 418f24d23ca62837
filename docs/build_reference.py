"""Write the generated parts of the pages from the code and the measured results, or check them.

    python docs/build_reference.py            rewrite what is stale
    python docs/build_reference.py --check    exit with 1 and name the pages that are stale

A part stands between `<!-- generated: NAME -->` and `<!-- end generated -->`. Its words come from where the
code declares them: the options' metadata, the components' docstrings, the hooks' signatures. What is said
about a wrong recipe (`<!-- wrong -->`, a block of TOML, a block of text) comes from the recipe loader. Only
plugins that `pyproject.toml` lists are described, whatever else is installed.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import attrs
import click
import tomlkit
from reference_api import api_sections, api_table
from reference_commands import command_rows, command_sections
from reference_findings import parts as findings

from steerkit_core.authoring.text import taken
from steerkit_core.components import Component, ModelAdapter, PromptSet
from steerkit_core.components.core_keys import CORE_KEYS
from steerkit_core.errors import RecipeError
from steerkit_core.plugin import hookspecs
from steerkit_core.plugin.host import Host
from steerkit_core.plugin.registry import KINDS, Registry, summary
from steerkit_core.recipe.parsing import parse_recipe
from steerkit_core.recipe.tables import COMPONENT_TABLES, OPTION_TABLES

DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"
METHODS = DOCS / "methods.json"
FINDINGS = DOCS / "study" / "findings.md"
PROJECT = DOCS.parent / "pyproject.toml"
PART = re.compile(r"<!-- generated: (?P<name>[^>]+?) -->\n.*?<!-- end generated -->", re.DOTALL)
WRONG = re.compile(
    r"(?<=<!-- wrong -->\n```toml\n)(?P<recipe>.*?)```\n\n```text\n.*?(?=```)", re.DOTALL
)  # fmt: skip
HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("steerkit_"))

# what a part of a recipe is completed with, so that it can be checked
COMPLETE = """
[model]
id = "Qwen/Qwen2.5-3B-Instruct"
[prompts]
contrast = "refusal-5"
evaluation = "benign-30"
[extractor]
use = "dim"
[selector]
use = "sweep"
[site]
use = "residual-add"
[classifier]
use = "refusal-keywords"
"""


def shipped_registry() -> Registry:
    """The components of the plugins that `pyproject.toml` lists.

    Raises:
        RuntimeError: one of them does not work.
    """
    host = Host.load(points=[])
    points = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["entry-points"]["steerkit"]
    for name, module in sorted(points.items()):
        host.register(import_module(module), name)
    registry = Registry.collect(host)
    if host.failed:
        raise RuntimeError(f"{host.failed[0].name}: {host.failed[0].error}")
    return registry


def option_table(cl: type, key: str = "option") -> str:
    """A Markdown table of a class's options, as they were declared."""
    attrs.resolve_types(cast("Any", cl))
    rows = [
        (f"`{field.name}`", taken(field).replace("'", "`"), _default(field), field.metadata["help"])
        for field in attrs.fields(cast("Any", cl))
    ]
    return _table((key, "type", "default", "meaning"), rows) if rows else "No options."


def _default(field: attrs.Attribute[Any]) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    if field.default is None:
        return "not set"
    return f"`{json.dumps(field.default, ensure_ascii=False)}`"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [list(heading), ["---"] * len(heading), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(_cell(text) for text in row) + " |" for row in cells)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def component_names(registry: Registry, word: str) -> str:
    """A Markdown table of the components of one kind, each with a link to its section."""
    rows = [
        (f"[`{name}`](components.md#{name})", summary(entry.component))
        for kind, name, entry in registry
        if kind == word
    ]
    return _table(("`use`" if word in COMPONENT_TABLES else "name", "what it does"), rows)


def component_sections(registry: Registry) -> str:
    """Every component of every kind: what it does, and its options."""
    parts: list[str] = []
    for kind in KINDS:
        parts.append(f"## {kind.word.capitalize()}s")
        base = inspect.getdoc(kind.base) or ""
        parts.append(base.partition("\n")[0])
        for word, name, entry in registry:
            if word == kind.word:
                parts.append(f"### {name}")
                parts += _component(entry.component)
    return "\n\n".join(parts)


def _component(component: type[Component]) -> Iterator[str]:
    yield inspect.getdoc(component) or ""
    if component.reference:
        yield f"Source: {component.reference}. Cost in forward passes: {component.cost}."
    if issubclass(component, ModelAdapter):
        yield f"The family's multiplier: {component.defaults.multiplier:g}. Priority {component.priority}."
        return
    if issubclass(component, PromptSet):
        roles = [prompt.role for prompt in component().prompts()]
        counts = ", ".join(f"{roles.count(role)} {role}" for role in dict.fromkeys(roles))
        yield f"{len(roles)} prompts: {counts}."
        return
    yield option_table(component)
    labels = getattr(component, "labels", ())
    if labels:
        yield f"Labels: {', '.join(f'`{label}`' for label in labels)}."


def hook_contract(name: str) -> str:
    """A hook's signature, how its answers are used, and its docstring."""
    function = getattr(hookspecs, name)
    signature = str(inspect.signature(function)).replace("'", "")
    first = function.steerkit_spec["firstresult"]
    if first:
        use = "First result: plugins are asked in the order of their names until one answers."
    elif signature.endswith("-> None"):
        use = "Notification: every plugin is called, nothing is returned."
    else:
        use = "Collecting: the answers of all plugins are put together."
    return f"```text\n{name}{signature}\n```\n\n{use}\n\n{inspect.getdoc(function)}"


def hook_names() -> str:
    """A Markdown table of all hooks."""
    rows = [
        (f"[`{name}`](#{name})", (inspect.getdoc(getattr(hookspecs, name)) or "").partition("\n")[0])
        for name in HOOKS
    ]
    return _table(("hook", "in a sentence"), rows)


def methods_table(registry: Registry, word: str) -> str:
    """A Markdown table of one kind's components, with what each did on the bundled models.

    The results are those that `docs/measure_methods.py` has kept; a component without one is left open, and
    a test asks for it.
    """
    results = json.loads(METHODS.read_text("utf-8")) if METHODS.exists() else {}
    models = list(dict.fromkeys(model for found in results.get(word, {}).values() for model in found))
    rows = [
        (
            f"[`{name}`](reference/components.md#{name})",
            entry.component.reference,
            _options(entry.component),
            entry.component.cost,
            *(_result(word, results.get(word, {}).get(name, {}).get(model)) for model in models),
        )
        for kind, name, entry in registry
        if kind == word
    ]
    return _table(("`use`", "source", "options", "cost in forward passes", *models), rows)


def _options(component: type[Component]) -> str:
    names = [field.name for field in attrs.fields(cast("Any", component))]
    return ", ".join(f"`{name}`" for name in names) or "none"


def _result(word: str, found: dict[str, Any] | None) -> str:
    """One cell of the table: coherent refusals, where and how strongly, and what was garbled."""
    if found is None:
        return ""
    if "error" in found:
        return found["error"]
    counts = found["counts"]
    where = [] if found["layer"] is None else [f"layer {found['layer']}"]
    where += [f"position {found['position']}"] if found["position"] not in (None, -1) else []
    where += [f"{found['multiplier']:g}"] if found["multiplier"] is not None else []
    garbled = f" ({counts['garbled']})" if counts.get("garbled") else ""
    before = found["unsteered"].get("refusal", 0)
    of = f" of {before}" if before and word == "site" else ""
    also = f"; baseline {before}" if word == "classifier" else ""
    share = f"{counts.get('refusal', 0)}{of}" if of else f"{counts.get('refusal', 0)}/{found['n']}"
    return f"{share}{garbled}, {', '.join(where)}{also}"


def other_components(registry: Registry) -> str:
    """A Markdown table of the adapters and prompt sets, which have no results of their own."""
    rows = [
        (f"[`{name}`](reference/components.md#{name})", word, summary(entry.component))
        for word, name, entry in registry
        if word in ("model adapter", "prompt set")
    ]
    return _table(("name", "kind", "what it is"), rows)


def generators(registry: Registry) -> dict[str, Callable[[], str]]:
    """Every part that a page may ask for, by name."""
    made: dict[str, Callable[[], str]] = {"components": lambda: component_sections(registry)}
    made["hooks"] = hook_names
    made["commands"] = lambda: _table(("command", "what it does"), command_rows(registry.host))
    made["command sections"] = lambda: command_sections(registry.host)
    made["api"] = partial(api_sections, "steerkit_core")
    made |= findings(json.loads(METHODS.read_text("utf-8")), _table)
    made["api testing"] = partial(api_table, "steerkit_core.testing")
    for word in COMPONENT_TABLES:
        made[f"methods {word}"] = partial(methods_table, registry, word)
    made["methods others"] = partial(other_components, registry)
    for table, cl in OPTION_TABLES.items():
        made[f"options {table}"] = partial(option_table, cl, "key")
    for table, cl in CORE_KEYS.items():
        made[f"core keys {table}"] = partial(option_table, cl, "key")
    for kind in KINDS:
        made[f"names {kind.word}"] = partial(component_names, registry, kind.word)
    for name in HOOKS:
        made[f"hook {name}"] = partial(hook_contract, name)
    return made


def completed(part: str) -> str:
    """A part of a recipe, with the tables that it leaves out."""
    document = tomlkit.parse(COMPLETE)
    for table, value in tomlkit.parse(part).items():
        document[table] = value
    return tomlkit.dumps(document)


def refusal(part: str, registry: Registry) -> str:
    """What the recipe loader says about a part of a recipe.

    Raises:
        ValueError: nothing is wrong with it.
    """
    try:
        parse_recipe(completed(part), registry, source="example", folder=REFERENCE)
    except RecipeError as error:
        return str(error)
    raise ValueError(f"nothing is wrong with this example:\n{part}")


def rebuilt(text: str, registry: Registry) -> str:
    """A page with its generated parts written anew.

    Raises:
        KeyError: it asks for a part that there is none of.
    """
    made = generators(registry)

    def printed(match: re.Match[str]) -> str:
        recipe = match["recipe"]
        return f"{recipe}```\n\n```text\n{refusal(recipe, registry)}\n"

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- generated: {name} -->\n\n{made[name]()}\n\n<!-- end generated -->"

    return WRONG.sub(printed, PART.sub(part, text))


def stale_pages() -> Iterator[tuple[Path, str]]:
    """The pages that are not as the code would have them, with what they should be."""
    registry = shipped_registry()
    for page in [DOCS / "methods.md", FINDINGS, *sorted(REFERENCE.glob("*.md"))]:
        text = page.read_text("utf-8")
        wanted = rebuilt(text, registry)
        if wanted != text:
            yield page, wanted


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where a page is stale.")
def main(*, check: bool) -> None:
    """Write the generated parts of the reference."""
    stale = list(stale_pages())
    for page, wanted in stale:
        if not check:
            page.write_text(wanted, "utf-8")
        click.echo(f"{'stale' if check else 'written'}: {page.relative_to(DOCS.parent)}")
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
