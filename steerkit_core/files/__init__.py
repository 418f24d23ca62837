"""Files of any kind: written in one step, hashed, and tensors and directions on disk.

Uses errors alone; nothing here knows what a run is.
"""
