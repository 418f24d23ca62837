"""Charts as inline SVG: text stays text, and colours that depend on the page's are its own."""
