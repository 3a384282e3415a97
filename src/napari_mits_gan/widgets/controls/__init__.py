"""Widgets that a section is made of; they know neither session nor viewer."""
