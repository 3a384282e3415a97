"""What only the benchmarks measure."""
