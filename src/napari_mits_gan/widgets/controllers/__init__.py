"""What acts: reads, protects, attacks, searches, exports; each changes the session or starts the work that will."""
