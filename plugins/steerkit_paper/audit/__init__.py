"""What the paper prints, recomputed from its counts: findings, contradictions, supplements, their pages."""
