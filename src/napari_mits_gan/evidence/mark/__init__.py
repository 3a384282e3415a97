"""A mark within the scanner's noise: it outlives what destroys a seal, and tells where it is missing."""
