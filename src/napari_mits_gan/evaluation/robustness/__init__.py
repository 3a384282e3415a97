"""What purification leaves of a protection."""
