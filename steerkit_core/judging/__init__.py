"""JUDGE: classifiers at work, raters, agreement between them, and human labels.

Uses results, recipes and models.
"""
