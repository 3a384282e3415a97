"""Whole jobs from file to file, as picklable functions of a frozen dataclass: no window, no command line."""
