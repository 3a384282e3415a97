"""The judge: a nodule detector that shares neither network nor drawn nodules with the attackers."""
