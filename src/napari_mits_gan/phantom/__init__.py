"""A chest CT phantom drawn from formulas: the sample scan that the repository can give away."""
