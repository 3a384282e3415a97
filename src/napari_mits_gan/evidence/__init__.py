"""Evidence that a scan is what it was: a seal in the lowest bits that finds, places and undoes any change.

Knows the CT volume; knows neither attacks nor protections.
"""
