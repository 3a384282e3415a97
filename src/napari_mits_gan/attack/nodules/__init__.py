"""Synthetic nodules for the attackers: the rules they follow, and implanting them into cubes and whole scans."""
