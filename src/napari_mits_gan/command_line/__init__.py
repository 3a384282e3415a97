"""The command `napari-mits-gan`: parses, calls, shows progress; contains no science."""
