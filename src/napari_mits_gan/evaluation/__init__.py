"""Measuring: how much a protection changes a scan, and how far it disrupts attacks at places it does not know."""
