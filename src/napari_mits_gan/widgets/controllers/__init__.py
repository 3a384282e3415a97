"""What acts: reading, protecting, attacking, searching, exporting; each changes the session or starts the work that will."""
