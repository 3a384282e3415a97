"""Evidence that outlasts an attacker: the seal in the lowest bits, the signed manifest, the encrypted sidecar."""
