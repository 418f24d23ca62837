"""Steering a loaded model in place: while a block lasts, whoever calls the model gets its edits."""
