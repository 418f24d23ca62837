"""What a wheel and a source distribution must hold, and what not; run by `nox -s wheel`.

python tests/release/contents.py DIST        DIST has one wheel, one sdist, and `direct/` a wheel made without it
"""

from __future__ import annotations

import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path, PurePosixPath

from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from trove_classifiers import classifiers

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def wanted_files() -> set[str]:
    """Every file of the packages as it is called in a wheel: code, types, templates, data and weights."""
    return {
        str(PurePosixPath(Path(package).name) / path.relative_to(ROOT / package).as_posix())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def wheel_files(wheel: Path) -> dict[str, tuple[int, int]]:
    """The files of a wheel with their checksums and sizes, without what describes the wheel itself."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: (info.CRC, info.file_size) for info in archive.infolist()}


def described(name: str) -> bool:
    """Whether a file is one that describes the wheel."""
    return ".dist-info/" in name


def wheel_problems(found: set[str], wanted: set[str]) -> list[str]:
    """What a wheel lacks, and what it should not have."""
    packaged = {name for name in found if not described(name)}
    lacking = [f"the wheel has no {name}" for name in sorted(wanted - packaged)]
    return lacking + [
        f"the wheel has {name}, which belongs to no package" for name in sorted(packaged - wanted)
    ]


def sdist_problems(found: set[str], wanted: set[str]) -> list[str]:
    """What a source distribution lacks to build, test and read it, and what it should not have."""
    folders = {name.partition("/")[0] for name in found}
    wanted = wanted | {
        "pyproject.toml",
        "noxfile.py",
        "constraints.txt",
        "README.md",
        "LICENSE",
        "CITATION.cff",
    }
    lacking = [f"the sdist has no {name}" for name in sorted(wanted - found)]
    lacking += [f"the sdist has no {folder}/" for folder in sorted({"docs", "tests"} - folders)]
    built = [name for name in sorted(found) if "/_build/" in name or name.startswith(("runs/", "dist/"))]
    return lacking + [f"the sdist has {name}, which is built" for name in built]


def metadata_problems(text: str) -> list[str]:
    """What an index would refuse, or a reader would miss, in a wheel's METADATA."""
    project = PROJECT["project"]
    try:
        metadata = Metadata.from_email(text, validate=True)
    except ExceptionGroup as group:
        return [str(error) for error in group.exceptions]
    problems = [
        f"unknown classifier {name!r}" for name in metadata.classifiers or () if name not in classifiers
    ]
    same = {
        "name": metadata.name == project["name"],
        "version": str(metadata.version) == project["version"],
        "requires-python": metadata.requires_python == SpecifierSet(project["requires-python"]),
        "license": metadata.license_expression == project["license"],
        "readme": metadata.description == (ROOT / "README.md").read_text("utf-8"),
        "readme's type": message_from_string(text)["Description-Content-Type"] == "text/markdown",
        "dependencies": {str(one) for one in metadata.requires_dist or () if "extra" not in str(one.marker)}
        == {str(Requirement(one)) for one in project["dependencies"]},
        "extras": set(metadata.provides_extra or ()) == set(project["optional-dependencies"]),
    }
    return problems + [
        f"the {what} is not that of pyproject.toml" for what, holds in same.items() if not holds
    ]


def problems(dist: Path) -> list[str]:
    """Everything that is wrong with what was built."""
    (wheel,), (sdist,), (direct,) = (
        dist.glob("*.whl"),
        dist.glob("*.tar.gz"),
        (dist / "direct").glob("*.whl"),
    )
    files, wanted = wheel_files(wheel), wanted_files()
    found = wheel_problems(set(files), wanted)
    if files != wheel_files(direct):
        found.append("the wheel of the sdist is another than that of the sources")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    found += sdist_problems(names, {name for package in PACKAGES for name in _below(package)})
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in files if name.endswith(".dist-info/METADATA"))
        return found + metadata_problems(archive.read(metadata).decode("utf-8"))


def _below(package: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


if __name__ == "__main__":
    wrong = problems(Path(sys.argv[1]))
    print("\n".join(wrong) or "wheel and sdist hold what they should")  # noqa: T201  # reason: a script's answer
    sys.exit(1 if wrong else 0)
