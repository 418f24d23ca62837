"""A loaded model: loading, family quirks, backends, the handle that plugins get, health and parity.

Uses recipes (options, names), components and generation; knows no run.
"""
