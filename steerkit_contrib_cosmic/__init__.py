"""COSMIC layer selection (Siu et al., 2025). Reserved: no component is registered yet."""
