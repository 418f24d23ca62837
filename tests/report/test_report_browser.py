"""The page in a real browser: no errors, no requests, a filter that counts right, dark mode and print."""

import shutil
from collections import Counter

import pytest

from steerkit_core.report.content.record import read_record
from steerkit_core.report.page.html import render_html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on PATH; ends when one is installed, as .ci/run does"
)


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; ends with `pip install playwright`"
    )
    with playwright.sync_playwright() as found:
        # a container's root has no other way
        browser = found.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, html, tmp_path):
    """`opened(**context)`: a tab with the page; `tab.said` and `tab.asked` are console lines and requests."""
    file = tmp_path / "report.html"
    tabs = []

    def open_page(content=html, **context):
        file.write_text(content, "utf-8")
        tab = chromium.new_context(**context).new_page()
        tabs.append(tab)
        tab.said, tab.asked = [], []
        tab.on("console", lambda message: tab.said.append(message.text))
        tab.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.goto(file.as_uri())
        return tab

    yield open_page
    for tab in tabs:
        tab.context.close()


def visible(tab):
    return tab.locator("article.sample:not([hidden])").count()


def shown(tab):
    return tab.locator("form.filter output").text_content()


def test_nothing_is_fetched_and_nothing_is_said(opened, tmp_path):
    tab = opened()
    assert tab.asked == [(tmp_path / "report.html").as_uri()]
    assert tab.said == []


def test_the_filter_counts_as_the_files_do(opened, rows, results):
    tab = opened()
    cells = {cell["id"]: cell for cell in results["cells"]}
    total = len(rows)
    assert (visible(tab), shown(tab)) == (total, f"{total} of {total}")
    for name, key in (("label", "label"), ("cell", "cell")):
        for value, number in Counter(row[key] for row in rows).items():
            tab.select_option(f"select[name={name}]", value)
            assert (visible(tab), shown(tab)) == (number, f"{number} of {total}")
        tab.select_option(f"select[name={name}]", "")
    for name in ("layer", "multiplier", "role"):
        for value, number in Counter(cells[row["cell"]][name] for row in rows).items():
            if value is not None:
                tab.select_option(f"select[name={name}]", f"{value:g}" if name != "role" else value)
                assert visible(tab) == number
        tab.select_option(f"select[name={name}]", "")
    tab.select_option("select[name=label]", "refusal")
    tab.select_option("select[name=layer]", "2")
    tab.fill("input[name=text]", "QUESTION 1")
    both = [row for row in rows if row["label"] == "refusal" and row["prompt"] == "question 1"]
    assert visible(tab) == sum(cells[row["cell"]]["layer"] == 2 for row in both)
    # what is found is open
    assert tab.locator("article.sample:visible").count() == visible(tab)
    tab.click("button[type=reset]")
    tab.wait_for_function(f"document.querySelector('output').textContent === '{total} of {total}'")
    assert visible(tab) == total


def test_without_a_script_all_is_there_but_the_filter(opened, rows):
    tab = opened(java_script_enabled=False)
    assert tab.locator("form.filter").is_hidden()
    assert tab.locator("article.sample").count() == len(rows)
    assert tab.locator("svg[role=img]").count() == tab.locator("svg[role=img] > title").count() > 3


def background(tab):
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_mode_has_another_background(opened):
    assert background(opened(color_scheme="light")) == "rgb(255, 255, 255)"
    assert background(opened(color_scheme="dark")) == "rgb(22, 24, 28)"


def test_print_shows_what_is_folded_but_for_texts(opened, rows):
    tab = opened(color_scheme="dark")

    def drawn(place):
        """How many of these details, and how many of them are as high as what is in them."""
        inside = "one.lastElementChild.getBoundingClientRect().bottom - one.getBoundingClientRect().top"
        whole = f"(all) => all.filter((one) => one.getBoundingClientRect().height >= {inside} - 1).length"
        return tab.locator(place).count(), tab.locator(place).evaluate_all(whole)

    total = len({row["cell"] for row in rows})
    tables = tab.locator("details:not(.texts)").count()
    assert drawn("details:not(.texts)") == (tables, 0)
    tab.emulate_media(media="print")
    assert drawn("details:not(.texts)") == (tables, tables)
    assert drawn("details.texts") == (total, 1)
    assert background(tab) == "rgb(255, 255, 255)"
    tab.emulate_media(media="screen")
    assert tab.locator("form.filter").is_visible()
    # what the filter finds is unfolded, and so is printed
    tab.select_option("select[name=layer]", "2")
    tab.emulate_media(media="print")
    assert drawn("details.texts:not([hidden])") == (3, 3)


def test_a_narrow_screen_need_not_be_scrolled_sideways(opened):
    tab = opened(viewport={"width": 400, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_what_a_model_wrote_does_nothing(opened, copied):
    evil = "<script>document.title = 'taken'</script><img src='https://example.com/x.png' onerror='document.title=1'>"
    path = copied.folder / "completions.jsonl"
    path.write_text(path.read_text("utf-8").replace("Here is", evil.replace('"', '\\"')), "utf-8")
    tab = opened(render_html([read_record(copied.folder)]))
    assert tab.title() == "small-run - steerkit"
    assert (len(tab.asked), tab.said) == (1, [])
    assert evil in tab.locator("article.sample").last.text_content()


def test_several_runs_have_a_filter_each(opened, made, copied, rows):
    tab = opened(render_html([read_record(made), read_record(copied.folder)]))
    assert tab.locator("form.filter").count() == 2
    tab.locator("form.filter").first.locator("select[name=label]").select_option("garbled")
    garbled = sum(row["label"] == "garbled" for row in rows)
    assert visible(tab) == garbled + len(rows)
    assert tab.said == []
