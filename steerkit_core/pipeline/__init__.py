"""The five steps put together: one group of configurations on one model, and a whole recipe.

Uses every room below it; what a step does lives there, what a run does lives here.
"""
