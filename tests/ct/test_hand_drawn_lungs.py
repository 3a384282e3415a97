"""The lungs found on real scans, against masks corrected by hand (data/README.md says how)."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import anatomy_of
from napari_mits_gan.ct.volume import CTVolume

DATA = Path(__file__).parent / "data"


def _drawn(name: str) -> np.ndarray:
    """Run lengths, those of the background first, after the shape."""
    numbers = np.frombuffer(lzma.decompress((DATA / f"{name}_lungs.rle.xz").read_bytes()), dtype="<u4")
    shape, runs = numbers[:3], numbers[3:]
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(shape)


@pytest.mark.parametrize("file", ["LIDC-IDRI-0001", "LIDC-IDRI-0003.nii.gz", "LIDC-IDRI-0314.nii.gz"])
def test_lungs_are_those_drawn_by_hand_and_lie_inside_the_body(real_scan: Callable[[str], CTVolume], file: str):
    volume = real_scan(file)
    drawn = _drawn(file.removesuffix(".nii.gz"))
    found = anatomy_of(volume)
    assert 2 * (found.lungs & drawn).sum() / (found.lungs.sum() + drawn.sum()) >= 0.985
    assert not (found.lungs & ~found.body).any()
    assert (drawn & ~found.body).sum() == 0
    assert not (found.airways & found.lungs).any()
    assert (found.airways & drawn).sum() < 0.05 * found.airways.sum()
