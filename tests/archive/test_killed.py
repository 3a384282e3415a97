"""Killed workers and a killed run lose nothing: what was under way is done again, and nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY
from copying_job import CopyingJob

from napari_mits_gan.archive.record import DONE, FAILED, all_records
from napari_mits_gan.archive.output import Output
from napari_mits_gan.archive.run import ArchiveRun, run_archive
