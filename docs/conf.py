"""How Sphinx builds the pages of this folder; `nox -s docs` does it."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from docutils import nodes
from pygments.lexers.data import JsonLexer
from pygments.lexers.special import TextLexer
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import steerkit_core

ROOT = Path(__file__).parents[1]
# files that are read among the sources, and the pages that stand for them on the site
PAGES = {"README": "index", "CHANGELOG": "changelog", "CONTRIBUTING": "contributing"}
LINK = re.compile(rf"(?:\.\./)*(?:docs/)?(?P<name>{'|'.join(PAGES)})(?:\.md)?")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

# notebooks run beside the build, where more threads than cores only slow down
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "steerkit"
author = PROJECT["authors"][0]["name"]
project_copyright = author
release = version = PROJECT["version"]

extensions = [
    "myst_nb",  # CommonMark pages and notebooks
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
]
root_doc = "index"
# README.md is the index for those who read the sources, as index.md is that of the site
exclude_patterns = ["_build", "README.md"]
# tables of a benchmark stand one level deeper than the page that they are put into
suppress_warnings = ["myst.header"]

# links are those that work among the sources, headings' anchors included
myst_heading_anchors = 6

nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
# what a notebook writes is not kept
nb_execution_in_temp = True
nb_merge_streams = True

# docstrings mark code as Markdown does
default_role = "code"
autodoc_class_signature = "separated"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
# other libraries' own pages are not asked, so that the build needs no network
nitpick_ignore_regex = [("py:.*", ".*")]

html_theme = "furo"
html_title = f"steerkit {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False


def without_notebooks(app: Sphinx, page: str, source: list[str]) -> None:
    """Take a folder that has no pages yet out of the index, which Sphinx would warn of."""
    if page == "index" and not (Path(app.srcdir) / "notebooks").exists():
        source[0] = source[0].replace("notebooks/*\n", "")


def pages_of_the_site(app: Sphinx, document: nodes.document) -> None:
    """Lead links to files of the sources to the pages that stand for them; a folder has none."""
    folder = app.env.doc2path(app.env.docname).parent
    links = [*document.findall(addnodes.pending_xref), *document.findall(addnodes.download_reference)]
    for link in [link for link in links if link["reftype"] == "myst"]:
        target = link["reftarget"]
        if found := LINK.fullmatch(target):
            facts = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{PAGES[found['name']]}"}
            facts |= {"refdoc": app.env.docname, "refexplicit": True}
            link.replace_self(addnodes.pending_xref("", *link.children, **facts))
        elif (folder / target).is_dir():
            link.replace_self(link.children)


def described_elsewhere(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, text: nodes.Element
) -> nodes.Node | None:
    """Where a name is described that is public under another one than that of its definition."""
    name = node["reftarget"].rpartition(".")[2]
    if node.get("refdomain") == "py" and name in steerkit_core.__all__:
        public = f"steerkit_core.{name}"
        return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", public, node, text)
    return None


def setup(app: Sphinx) -> None:
    """Connect what is above, and name the lexers of prompt files."""
    for name, lexer in {"jsonl": JsonLexer, "csv": TextLexer, "txt": TextLexer}.items():
        app.add_lexer(name, lexer)
    app.connect("source-read", without_notebooks)
    app.connect("doctree-read", pages_of_the_site)
    app.connect("missing-reference", described_elsewhere)
