"""All that determined the run, and the command that repeats it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from steerkit_core.report.content.facts import versions
from steerkit_core.report.content.marks import plain
from steerkit_core.report.content.record import RunRecord
from steerkit_core.report.page.sections.base import Section
from steerkit_core.results.converter import unstructured
from steerkit_core.results.manifest import Manifest
from steerkit_core.results.run import command_of

WHOLE = 150_000  # characters, up to which the manifest stands as it is
MOST = 500_000  # beyond which even its short form is cut


def section(run: RunRecord) -> Section:
    """Every run has one."""
    text, short = manifest_text(run.manifest, run.limit(WHOLE))
    most = run.limit(MOST)
    values = {
        "command": command(run),
        "compare": shlex.join(["steerkit", "compare", str(run.folder), str(again(run))]),
        "versions": versions(run),
        "revisions": [(one.id, one.revision) for one in run.manifest.models if one.revision],
        "settings": len(run.manifest.settings),
        "text": plain(text[:most]),
        "short": short,
        "cut": max(len(text) - most, 0),
    }
    return Section("manifest", "Manifest, and how to repeat this run", values)


def command(run: RunRecord) -> str:
    """What to type to run the same again in another folder."""
    return command_of(run.folder, run.manifest, out=again(run))


def again(run: RunRecord) -> Path:
    """A folder beside the run's own."""
    folder = run.folder if run.folder.name not in ("", "..") else run.folder.resolve()
    return folder.with_name(f"{folder.name}-again")


def manifest_text(manifest: Manifest, whole: int) -> tuple[str, bool]:
    """The manifest as JSON, and whether what all configurations have in common stands there only once."""
    table = unstructured(manifest)
    text = json.dumps(table, indent=1, ensure_ascii=False)
    settings = table["settings"]
    if len(text) <= whole or len(settings) < 2:
        return text, False
    common, each = in_common(settings)
    short = {**table, "settings": {"in all": common, "each": each}}
    return json.dumps(short, indent=1, ensure_ascii=False), True


def in_common(
    settings: Sequence[Mapping[str, object]],
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Options by dotted names: those that are the same in all configurations, and the others of each."""
    flat = [dict(_flat(setting)) for setting in settings]
    names = dict.fromkeys(name for one in flat for name in one)
    same = {name for name in names if all(name in one and one[name] == flat[0][name] for one in flat)}
    common = {name: flat[0][name] for name in names if name in same}
    return common, [{name: value for name, value in one.items() if name not in same} for one in flat]


def _flat(table: Mapping[str, object], before: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in table.items():
        if isinstance(value, Mapping) and value:
            found += _flat(value, f"{before}{name}.")
        else:
            found.append((before + name, value))
    return found
