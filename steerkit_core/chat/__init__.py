"""Talking to a run's model, with and without steering."""
