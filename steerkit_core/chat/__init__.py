"""Talking to the steered and the unsteered model of a run."""
