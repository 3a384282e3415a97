"""Protection of a scan against tampering: methods behind one contract, the HU budget, training through the attack."""
