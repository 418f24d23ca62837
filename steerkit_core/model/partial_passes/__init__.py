"""Partial forward passes: many candidate interventions on the same prompts, without writing anything."""
