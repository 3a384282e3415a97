"""Figures as tables, for Markdown and for a terminal."""
