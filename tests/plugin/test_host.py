import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

from steerkit_core import PluginError, SteerkitError, hookimpl
from steerkit_core.plugin.host import Host

KNOWN = (
    "steerkit_add_commands, steerkit_cell_finished, steerkit_load_model, steerkit_locate_model,"
    " steerkit_register_classifiers, steerkit_register_extractors, steerkit_register_layer_selectors,"
    " steerkit_register_model_adapters, steerkit_register_prompt_sets, steerkit_register_recipes,"
    " steerkit_register_sites, steerkit_run_finished, steerkit_run_started"
)
HEADER = "from steerkit_core import hookimpl\n"
SETS = HEADER + "@hookimpl\ndef steerkit_register_prompt_sets():\n    return {items}\n"


@pytest.fixture
def point(tmp_path, monkeypatch):
    """Write a module and make an entry point to it, as an installed distribution has one."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def make(source, name="mine", module=None, distribution="steer-mine", version="1.2"):
        module = module or f"entry_{name}_{len(written)}"
        if source is not None:
            (tmp_path / f"{module}.py").write_text(source)
        written.append(module)
        found = EntryPoint(name=name, value=module, group="steerkit")
        dist = SimpleNamespace(name=distribution, version=version) if distribution else None
        return found._for(dist)

    yield make
    for module in written:
        sys.modules.pop(module, None)


def errors(host):
    return {name: record.error for name, record in host.records.items() if record.status == "failed"}


def test_entry_points_become_plugins_with_their_distribution(point):
    host = Host.load([point(SETS.format(items="[]"), module="good_plugin")])
    (record,) = host.records.values()
    assert (record.name, record.module, record.status, record.error) == (
        "mine",
        "good_plugin",
        "active",
        "",
    )
    assert record.source == "plugin 'mine' (steer-mine 1.2)"
    assert list(host.collect("steerkit_register_prompt_sets")) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "ModuleNotFoundError: No module named 'broken'"),
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        (
            HEADER + "@hookimpl\ndef steerkit_register_extractor():\n    return []\n",
            f"PluginError: there is no hook 'steerkit_register_extractor' (known: {KNOWN})",
        ),
        (
            HEADER + "@hookimpl\ndef steerkit_register_sites(model):\n    return []\n",
            (
                "PluginValidationError: Plugin 'mine' for hook 'steerkit_register_sites'\n"
                "hookimpl definition: steerkit_register_sites(model)\n"
                "Argument(s) {'model'} are declared in the hookimpl but can not be found in the hookspec"
            ),
        ),
    ],
    ids=["missing", "import fails", "exits", "raises", "unknown hook", "wrong signature"],
)
def test_a_broken_plugin_is_a_record_and_the_others_go_on(point, source, message):
    broken = point(source, module="broken")
    good = point(SETS.format(items="['kept']"), name="other", module="good_plugin")
    host = Host.load([broken, good])
    assert errors(host) == {"mine": message}
    assert [item for _, item in host.collect("steerkit_register_prompt_sets")] == ["kept"]


@pytest.mark.parametrize("wanted", [KeyboardInterrupt, MemoryError])
def test_what_is_no_fault_of_a_plugin_is_not_blamed_on_it(point, wanted):
    with pytest.raises(wanted):
        Host.load([point(f"raise {wanted.__name__}")])


def test_the_first_of_two_plugins_of_one_name_stays_and_the_second_is_listed(point):
    first = point(SETS.format(items="['first']"), module="a_first")
    second = point(SETS.format(items="['second']"), module="b_second", distribution="steer-other")
    host = Host.load([second, first])
    assert errors(host) == {"mine (steer-other)": "the name 'mine' is taken by steer-mine (a_first)"}
    assert [item for _, item in host.collect("steerkit_register_prompt_sets")] == ["first"]


def test_one_module_under_two_names_is_used_once(point):
    first = point(SETS.format(items="['once']"), name="a", module="shared")
    second = EntryPoint(name="b", value="shared", group="steerkit")
    host = Host.load([first, second])
    assert errors(host) == {"b": "PluginError: it is the same object as plugin 'a' (steer-mine 1.2)"}
    assert [item for _, item in host.collect("steerkit_register_prompt_sets")] == ["once"]


def test_an_entry_point_without_distribution_is_named_as_such(point):
    host = Host.load([point(SETS.format(items="[]"), distribution=None)])
    assert host.records["mine"].source == "plugin 'mine' (unknown)"


class Raises:
    @hookimpl
    def steerkit_register_sites(self):
        raise LookupError("no such site")


class Exits:
    @hookimpl
    def steerkit_register_sites(self):
        raise SystemExit(4)


class NoCollection:
    @hookimpl
    def steerkit_register_sites(self):
        return 5


class Nothing:
    @hookimpl
    def steerkit_register_sites(self):
        return None


class Two:
    @hookimpl
    def steerkit_register_sites(self):
        return iter(("one", "two"))


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Raises(), "hook steerkit_register_sites raised LookupError: no such site"),
        (Exits(), "hook steerkit_register_sites raised SystemExit: 4"),
        (
            NoCollection(),
            "hook steerkit_register_sites raised TypeError: 'int' object is not iterable",
        ),
    ],
)
def test_a_plugin_whose_collecting_hook_fails_is_recorded(plugin, message):
    host = Host.load([])
    host.register(plugin, "bad")
    host.register(Two(), "good")
    host.register(Nothing(), "silent")
    assert [item for _, item in host.collect("steerkit_register_sites")] == ["one", "two"]
    assert errors(host) == {"bad": message}


def test_a_failed_plugin_is_not_called_again():
    host = Host.load([])
    host.register(Raises(), "bad")
    list(host.collect("steerkit_register_sites"))
    assert list(host.collect("steerkit_register_sites")) == []
    assert errors(host) == {"bad": "hook steerkit_register_sites raised LookupError: no such site"}


def test_a_second_plugin_of_one_name_is_refused_and_the_first_goes_on(says):
    host = Host.load([])
    host.register(Two(), "mine")
    with pytest.raises(PluginError) as caught:
        host.register(Two(), "mine")
    says(caught)
    assert errors(host) == {}
    assert [item for _, item in host.collect("steerkit_register_sites")] == ["one", "two"]


def test_a_plugin_in_memory_with_an_unknown_hook_is_refused_at_once(says):
    class Typo:
        @hookimpl
        def steerkit_register_site(self):
            return []

    host = Host.load([])
    with pytest.raises(PluginError) as caught:
        host.register(Typo(), "typo")
    says(caught)


class Observer:
    """Takes a subset of each hook's arguments, in an order of its own."""

    def __init__(self):
        self.seen = []

    @hookimpl
    def steerkit_run_started(self, out):
        self.seen.append(("started", out))

    @hookimpl
    def steerkit_cell_finished(self):
        self.seen.append(("cell",))

    @hookimpl
    def steerkit_run_finished(self, out, report):
        self.seen.append(("finished", out, report))


def test_an_implementation_may_take_any_subset_of_the_arguments():
    host, observer = Host.load([]), Observer()
    host.register(observer, "observer")
    host.notify("steerkit_run_started", recipe="r", out="o")
    host.notify("steerkit_cell_finished", cell={}, out="o")
    host.notify("steerkit_run_finished", report={"n": 1}, out="o")
    assert observer.seen == [("started", "o"), ("cell",), ("finished", "o", {"n": 1})]


def test_an_observer_that_raises_is_named_with_its_hook_and_its_exception_is_the_cause(says):
    class Falls:
        @hookimpl
        def steerkit_run_started(self):
            raise LookupError("no database")

    host = Host.load([])
    host.register(Falls(), "falls")
    with pytest.raises(PluginError) as caught:
        host.notify("steerkit_run_started", recipe=None, out=None)
    says(caught)
    assert isinstance(caught.value.__cause__, LookupError)


class Locates:
    def __init__(self, answer):
        self.answer = answer
        self.asked = 0

    @hookimpl
    def steerkit_locate_model(self, id):  # noqa: A002  # reason: the hook's own argument
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_first_answer_counts_and_nobody_is_asked_after_it():
    host = Host.load([])
    plugins = [Locates(None), Locates("here"), Locates("there")]
    for number, plugin in enumerate(plugins):
        host.register(plugin, f"p{number}")
    assert host.first("steerkit_locate_model", id="x") == "here"
    assert [plugin.asked for plugin in plugins] == [1, 1, 0]


def test_an_answer_that_nobody_has_is_none():
    host = Host.load([])
    host.register(Locates(None), "p")
    assert host.first("steerkit_locate_model", id="x") is None


@pytest.mark.parametrize(
    ("raised", "kind", "message"),
    [
        (
            KeyError("x"),
            PluginError,
            "plugin 'p' (this process) raised KeyError in hook steerkit_locate_model: 'x'",
        ),
        (SteerkitError("no such model"), SteerkitError, "no such model"),
    ],
)
def test_an_answer_that_fails_is_explained_unless_the_plugin_explains_it(raised, kind, message):
    host = Host.load([])
    host.register(Locates(raised), "p")
    with pytest.raises(kind) as caught:
        host.first("steerkit_locate_model", id="x")
    assert str(caught.value) == message
