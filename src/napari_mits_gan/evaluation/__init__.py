"""Measuring: how much a protection changes a scan, and how far it disrupts attacks at sites it does not know."""
