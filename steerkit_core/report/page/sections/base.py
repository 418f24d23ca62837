"""What a section of the page is."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen
class Section:
    """A heading, and the template that is filled with `values` below it.

    `id` is the anchor, and the name of the template: `templates/<id>.html.jinja`.
    """

    id: str
    title: str
    values: Mapping[str, object] = field(factory=dict)
