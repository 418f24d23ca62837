"""How plugins come in: hook specifications, the host that calls them, the registry of what they bring.

Uses values and components; no plugin is imported by name.
"""
