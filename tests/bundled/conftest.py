"""Puts this folder on the path: its tests share an oracle, the prompts and a way to talk to the models."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
