"""Charts that belong together: a heading, panels side by side, and one legend."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from markupsafe import Markup

from steerkit_core.report.charts.keys import Key, legend
from steerkit_core.report.charts.picture import Picture


@frozen
class Panel:
    """A chart with what stands above it, and a legend of its own where the panels do not share one."""

    picture: Picture
    caption: str = ""
    keys: Sequence[Key] = ()

    def __html__(self) -> str:
        """The chart within a page; one with a caption is as wide as it is drawn."""
        drawn = Markup("{}{}").format(legend(self.keys), self.picture)
        if not self.caption:
            return drawn
        return Markup(
            '<figure class="panel" style="width:{}px"><figcaption>{}</figcaption>{}</figure>'
        ).format(self.picture.width, self.caption, drawn)


@frozen
class Figure:
    """What is one figure of a page, or one file.

    `title` and `note` are for the file, whose reader sees nothing else; a page has its own words around the
    charts. `across` is how many panels stand in a row of the file; in a page as many as there is room for.
    """

    title: str
    panels: Sequence[Panel]
    keys: Sequence[Key] = ()
    note: str = ""
    across: int = 3

    def __html__(self) -> str:
        """The legend and the charts within a page."""
        drawn = Markup("").join(self.panels)
        captioned = any(panel.caption for panel in self.panels)
        return legend(self.keys) + (
            Markup('<div class="panels">{}</div>').format(drawn) if captioned else drawn
        )
