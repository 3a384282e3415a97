"""The nodule detector, which shares neither network nor drawn nodules with the attackers, and sites for attacks."""
