"""From TOML to a checked plan: options, names, prompt files, and every problem with its place.

Uses components, plugins and results; never imports torch.
"""
