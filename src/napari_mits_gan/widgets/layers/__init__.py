"""Volumes as napari layers and back, the panels they are shown in, and what is marked on them."""
