"""Charts as SVG, for the page and for files: text stays text, and colours come from the style sheet."""
