"""Collected only when `tests/widgets/test_alone.py` runs them, each file in a process of its own."""

import os

collect_ignore_glob = [] if os.environ.get("MITS_GAN_ALONE") else ["test_*.py"]
