"""Measurements behind the figures in README and docs; run from the top of the checkout."""
