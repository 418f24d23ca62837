"""The paper's tables run again, and what came out held against what it prints."""
