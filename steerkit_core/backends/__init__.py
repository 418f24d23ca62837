"""Ways to reach a model's tensors."""
