"""CT volumes in HU: reading, geometry, anatomy and writing. Knows no other part of the package."""
