"""How often a text changes its script where no mark or end of line stands between."""

import re

_RUN = re.compile(
    r"(?P<latin>[A-Za-z\u00aa-\u024f\u1e00-\u1eff]+)|(?P<greek>[\u0370-\u03ff]{2,})|(?P<cyrillic>[\u0400-\u052f]+)"
    r"|(?P<armenian>[\u0530-\u058f]+)|(?P<hebrew>[\u0590-\u05ff]+)|(?P<arabic>[\u0600-\u06ff]+)"
    r"|(?P<indic>[\u0900-\u0dff]+)|(?P<thai>[\u0e00-\u0eff]+)|(?P<georgian>[\u10a0-\u10ff]+)"
    r"|(?P<han>[\u3040-\u30ff\u3400-\u9fff]+)|(?P<hangul>[\uac00-\ud7af]+)|(?P<stop>[^\w\s]|\n)"
)


def changes(text: str) -> tuple[int, int, int]:
    """Changes of script between neighbours, runs of letters, and the scripts that take part in a change."""
    count = runs = 0
    parts: set[str] = set()
    before = ""
    for match in _RUN.finditer(text):
        name = match.lastgroup or ""
        if name == "stop":
            before = ""
            continue
        runs += 1
        if before and name != before:
            count += 1
            parts |= {before, name}
        before = name
    return count, runs, len(parts)
