"""What a run leaves behind: the run directory and the shape of each file in it.

Uses files, stats and values; knows no recipe and no model, so that a run can be read without either.
"""
