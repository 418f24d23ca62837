"""What a new plugin is called: one name, from which those of its package, module and class follow."""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec

from attrs import frozen

from steerkit_core import components
from steerkit_core.errors import SteerkitError, nearest
from steerkit_core.plugin.registry import KIND_OF, KINDS, Kind, Registry

NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
LONGEST = 30
# the words for kinds that people use besides the registry's own
ALIASES = {"layer selector": "selector", "adapter": "model adapter", "prompts": "prompt set"}
SUFFIXES = {"model adapter": "Adapter", "prompt set": "Prompts"}


@frozen
class Names:
    """The names of one new plugin; `name` is what recipes write after `use =`."""

    kind: Kind
    name: str

    @property
    def module(self) -> str:
        """The Python module, which is the name of the distribution with underscores."""
        return self.distribution.replace("-", "_")

    @property
    def distribution(self) -> str:
        """What pip installs."""
        name = self.name.replace("_", "-")
        return name if name.startswith("steerkit-") else f"steerkit-{name}"

    @property
    def component(self) -> str:
        """The class, which must not hide a public name of steerkit."""
        words = "".join(word.capitalize() for word in re.split("[-_]", self.name))
        suffix = SUFFIXES.get(self.kind.word, self.kind.word.capitalize())
        own = words + suffix
        return f"My{own}" if own in components.__all__ else own

    @property
    def contract(self) -> str:
        """The class of contract tests for the kind."""
        return f"{self.kind.base.__name__}Contract"

    @property
    def slug(self) -> str:
        """The kind as a word without blanks."""
        return self.kind.word.replace(" ", "-")


def kind_of(word: str) -> Kind:
    """The kind that a word means, with hyphens, underscores or blanks.

    Raises:
        SteerkitError: there is no such kind.
    """
    plain = word.lower().replace("-", " ").replace("_", " ").strip()
    plain = ALIASES.get(plain, plain)
    if plain not in KIND_OF:
        known = [kind.word.replace(" ", "-") for kind in KINDS]
        near = nearest(word, known)
        raise SteerkitError(f"no kind of component {word!r}{near} (known: {', '.join(known)})")
    return KIND_OF[plain]


def new_names(kind: Kind, name: str, registry: Registry) -> Names:
    """The names of a new plugin, none of which is taken.

    Raises:
        SteerkitError: the name cannot be one, or something that is installed has it.
    """
    check_name(name)
    names = Names(kind, name)
    taken = registry.entries[kind.word].get(name)
    if taken is not None:
        raise SteerkitError(f"the {kind.word} {name!r} already exists, from {taken.plugin.source}")
    if (kind.word, name) in registry.clashes:
        raise SteerkitError(registry.clashes[kind.word, name])
    record = registry.host.records.get(name)
    if record is not None:
        raise SteerkitError(f"the name {name!r} is taken by {record.source}")
    owner = _owner(names.module, registry)
    if owner:
        raise SteerkitError(
            f"the name {name!r} would give the module {names.module!r}, which is there: {owner}"
        )
    return names


def check_name(name: str) -> None:
    """Raise `SteerkitError` for a name that no component, module and class could have."""
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise SteerkitError(f"the name {name!r} is a keyword of Python: choose another")
    if len(name) > LONGEST:
        raise SteerkitError(f"the name {name!r} has {len(name)} characters, expected at most {LONGEST}")
    if not NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_")
        usable = NAME.fullmatch(better) and len(better) <= LONGEST and not keyword.iskeyword(better)
        hint = f", such as {better!r}" if usable else ""
        raise SteerkitError(
            f"the name {name!r} cannot be that of a component and its module: expected small letters and"
            f" digits, a letter first, with single hyphens or underscores between words{hint}"
        )


def _owner(module: str, registry: Registry) -> str:
    """What has a module name already: a plugin, or a file that Python would import; empty for nobody."""
    for record in registry.host.records.values():
        if record.module.partition(".")[0] == module:
            return record.source
    spec = find_spec(module)
    if spec is None:
        return ""
    return spec.origin or ", ".join(spec.submodule_search_locations or ())
