"""Figures of a scan, of a change to it and of what is in it; how sure a figure is."""
