"""Recursive feature machines (Beaglehole et al.). Reserved: no component is registered yet."""
