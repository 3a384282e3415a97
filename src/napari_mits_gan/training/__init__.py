"""Training of networks: one loop, one format of checkpoints, random streams that go on after an interruption."""
