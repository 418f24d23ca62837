"""STEER: cells, their strengths and calibration, and the directions of controls.

Uses extraction and everything below it.
"""
