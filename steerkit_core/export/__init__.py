"""What a run has found, in the formats of others, and what others have found, for a recipe."""
