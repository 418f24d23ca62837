"""A page as a reader's program sees it: its sections, their tables row by row, and their text."""

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "input", "path", "rect", "circle"}


class Page(HTMLParser):
    """`text[section]` and `tables[section]`, a list of tables, each a list of rows of texts."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.text, self.tables, self.tags, self.open = {}, {}, [], []
        self.section, self.cell = "", None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = found["id"]
            self.text[self.section], self.tables[self.section] = "", []
        elif tag == "table":
            self.tables[self.section].append([])
        elif tag == "tr":
            self.tables[self.section][-1].append([])
        elif tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag
        if tag in ("td", "th"):
            self.tables[self.section][-1][-1].append(" ".join(self.cell.split()))
            self.cell = None
        elif tag == "section":
            self.section = ""

    def handle_data(self, data):
        if self.section:
            self.text[self.section] += data
        if self.cell is not None:
            self.cell += data

    def named(self, tag):
        """The attributes of all elements of a tag."""
        return [found for name, found in self.tags if name == tag]
