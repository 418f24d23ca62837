"""COUNT: from verdicts to counts, rates, comparisons, the chosen cell, windows and trends.

Uses results and stats; generates nothing.
"""
