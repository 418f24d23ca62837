"""EXTRACT: directions of a model, their rank and stability, and what quantization does to them.

Uses models, recipes and results.
"""
