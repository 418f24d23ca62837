"""The project's checks: `nox -s tests lint types docs` is what a change must pass."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.options.sessions = ["tests", "lint", "types", "docs"]
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

CONSTRAINTS = ("-c", "constraints.txt")
# what is exported is given to the packages that it is for. Both ask for an older numpy or transformers than
# steerkit has, and work with ours, so that they are installed without what they ask for
PEERS = ("repeng==0.4.0", "steering-vectors==0.12.2")
# the models are small, so that a core for each worker does more than all cores for one
WORKERS = ("-n", "logical", "--dist", "loadfile")
PROJECT = nox.project.load_toml("pyproject.toml")
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
HERE = ".".join(map(str, sys.version_info[:2]))


def runs(version: str) -> bool:
    """Whether there is such a Python; a name on the path may be a shim that leads to none."""
    program = shutil.which(f"python{version}")
    if version == HERE or program is None:
        return version == HERE
    asked = [program, "-c", "import sys; print('.'.join(map(str, sys.version_info[:2])))"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603  # reason: a Python
    return answer.stdout.strip() == version


PRESENT = [version for version in SUPPORTED if runs(version)]
# start-up, recipes, the engine, the pipeline and the command line: what a library's version can break
OF_LIBRARIES = tuple(
    f"tests/{room}" for room in ("cli", "generation", "model", "pipeline", "recipe", "stats")
)
# a warning is an error, a reference that leads nowhere is one, and all of them are shown
SPHINX = ("--quiet", "--fail-on-warning", "--nitpicky", "--doctree-dir", "docs/_build/doctrees")
# the packages are read as sources here, so they need not be installed
SOURCES = {"PYTHONPATH": "plugins"}


def group(name: str) -> list[str]:
    """The requirements of one of the project's dependency groups; older versions of pip know of none."""
    return nox.project.dependency_groups(PROJECT, name)


@nox.session(python=PRESENT)
def tests(session: nox.Session) -> None:
    """Run the quick tests against the installed package, on every Python that there is."""
    if absent := [version for version in SUPPORTED if version not in PRESENT]:
        session.log(f"left out, as this machine has none: Python {', '.join(absent)}")
    session.install(*CONSTRAINTS, ".", *group("test"))
    session.install("--no-deps", *PEERS)
    session.run("pytest", *WORKERS, "-m", "not slow", *session.posargs)


@nox.session
def minimums(session: nox.Session) -> None:
    """Run what a library's version can break with the lowest versions that pyproject.toml allows.

    Torch stays the pinned one, and what only these libraries need is the newest that they allow.
    """
    lowest = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    pins = [f"{one.name}=={next(iter(one.specifier)).version}" for one in lowest if one.name != "torch"]
    pinned = Path("constraints.txt").read_text("utf-8").splitlines()
    pins += [line for line in pinned if line.startswith("torch==")]
    constraints = Path(session.create_tmp()) / "minimums.txt"
    constraints.write_text("\n".join(pins) + "\n", "utf-8")
    session.install("-c", str(constraints), ".[plots]", "pytest", "pytest-xdist", "hypothesis")
    session.run("pytest", *WORKERS, "-m", "not slow", *(session.posargs or OF_LIBRARIES))


@nox.session
def wheel(session: nox.Session) -> None:
    """Build wheel and sdist, look into them, and run the quickstart from the wheel alone."""
    session.install(*CONSTRAINTS, "build", "hatchling", "packaging", "trove-classifiers")
    folder = Path(session.create_tmp()).resolve()
    dist, alone = folder / "dist", folder / "alone"
    for made in (dist, alone):
        shutil.rmtree(made, ignore_errors=True)
    # the first makes the wheel out of the sdist, the second out of the sources
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist))
    session.run("python", "-m", "build", "--no-isolation", "--wheel", "--outdir", str(dist / "direct"))
    session.run("python", "tests/release/contents.py", str(dist))
    session.run("python", "-m", "venv", str(alone))
    program = alone / ("Scripts" if os.name == "nt" else "bin")
    constraints = Path("constraints.txt").resolve()
    (built,) = dist.glob("*.whl")
    with session.chdir(alone):
        session.run(str(program / "pip"), "install", "-c", str(constraints), str(built), external=True)
        steerkit = str(program / "steerkit")
        session.run(steerkit, "run", "quickstart", "--quiet", external=True)
        session.run(steerkit, "show", "quickstart", external=True)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take long; CI leaves them out."""
    session.install(*CONSTRAINTS, ".", *group("test"), "mypy")
    session.install("--no-deps", *PEERS)
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, and that imports keep the rules."""
    session.install(*CONSTRAINTS, "ruff", "import-linter")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", env=SOURCES)


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install(*CONSTRAINTS, ".[plots]", "mypy", "pandas-stubs", "scipy-stubs", "pytest")
    session.run("mypy", "steerkit_core", "plugins", "steerkit_contrib_cosmic", "steerkit_contrib_rfm")


@nox.session
def docs(session: nox.Session) -> None:
    """Check the reference, build the site, run its walkthroughs; `-- --write` renews the reference."""
    session.install(*CONSTRAINTS, ".[notebook,plots]", *group("docs"), "pytest", "pytest-xdist")
    if "--write" in session.posargs:
        session.run("python", "docs/build_reference.py")
    else:
        session.run("python", "docs/build_reference.py", "--check")
    for builder in ("doctest", "html"):
        session.run("sphinx-build", *SPHINX, "-b", builder, "docs", f"docs/_build/{builder}")
    session.run("pytest", *WORKERS, "-m", "slow", "tests/docs/test_walkthroughs.py")


@nox.session
def methods(session: nox.Session) -> None:
    """Try every component on every bundled model, for docs/methods.md; takes about a quarter of an hour."""
    session.install(*CONSTRAINTS, ".")
    session.run("python", "docs/measure_methods.py", *(session.posargs or ["--write"]))
    session.run("python", "docs/build_reference.py")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what people wait for, beside other ways to do the same in the same run; prints tables."""
    session.install(*CONSTRAINTS, ".", "xrfm")
    # other libraries are measured in environments of their own, which it makes itself beside this one
    session.run("python", "-m", "bench", *session.posargs, env={"PYTHONPATH": "tests"})
