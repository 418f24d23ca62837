"""The project's checks: `nox -s tests lint types docs` is what a change must pass."""

import nox

nox.options.sessions = ["tests", "lint", "types", "docs"]
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

CONSTRAINTS = ("-c", "constraints.txt")
# xrfm is the authors' package of what `rfm` does, and the tests hold one against the other
# matplotlib is the extra `plots`, gguf and pyarrow the extras `gguf` and `parquet`; playwright drives the
# system's Chromium, and downloads none
# what `steerkit plugins new` and `steerkit schema` write is held against what others accept
OTHER_JUDGES = ("ruff", "jsonschema", "taplo")
TEST_TOOLS = (
    *("pytest", "pytest-xdist", "hypothesis", "pandas", "hatchling", "matplotlib", "xrfm"),
    *("gguf", "pyarrow", "playwright"),
    *OTHER_JUDGES,
)
# what is exported is given to the packages that it is for. Both ask for an older numpy or transformers than
# steerkit has, and work with ours, so that they are installed without what they ask for
PEERS = ("repeng==0.4.0", "steering-vectors==0.12.2")
# the models are small, so that a core for each worker does more than all cores for one
WORKERS = ("-n", "logical", "--dist", "loadfile")
# the packages are read as sources here, so they need not be installed
SOURCES = {"PYTHONPATH": "plugins"}


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests against the installed package, without those that take long."""
    session.install(*CONSTRAINTS, ".", *TEST_TOOLS)
    session.install("--no-deps", *PEERS)
    session.run("pytest", *WORKERS, "-m", "not slow", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that take long; CI leaves them out."""
    session.install(*CONSTRAINTS, ".", *TEST_TOOLS, "mypy")
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
    session.install(*CONSTRAINTS, ".", "mypy", "pandas-stubs", "scipy-stubs", "pytest")
    session.run("mypy", "steerkit_core", "plugins", "steerkit_contrib_cosmic", "steerkit_contrib_rfm")


@nox.session
def docs(session: nox.Session) -> None:
    """Check that the reference pages say what the code says; `nox -s docs -- --write` renews them."""
    session.install(*CONSTRAINTS, ".")
    arguments = session.posargs or ["--check"]
    session.run("python", "docs/build_reference.py", *(a for a in arguments if a != "--write"))


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
