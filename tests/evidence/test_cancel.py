"""Whoever waits for a seal can stop the work at any point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evidence.sealed_scans import KEY, body, nonce, with_hu
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import Cancelled
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.recover import recover
from napari_mits_gan.evidence.seal import seal
from napari_mits_gan.progress import Progress

SHAPE = (56, 64, 80)
"""Two slabs of the recovery copy."""


@pytest.fixture(scope="module")
def sealed() -> CTVolume:
    return seal(body(SHAPE), KEY, bits=2, nonce=nonce(1))


@pytest.fixture(scope="module")
def tampered(sealed: CTVolume) -> CTVolume:
    hu = sealed.hu.copy()
    hu[20:24, 16:32, 16:32] = 50
    return with_hu(sealed, hu)


_WORK: dict[str, Callable[[CTVolume, CTVolume, Progress], Any]] = {
    "seal": lambda sealed, tampered, progress: seal(body(SHAPE), KEY, bits=2, progress=progress),
    "verify": lambda sealed, tampered, progress: verify(sealed, KEY, progress=progress),
    "recover": lambda sealed, tampered, progress: recover(tampered, KEY, progress=progress),
}


@pytest.mark.parametrize("name", list(_WORK))
def test_work_stops_where_it_is_cancelled_and_ascends_otherwise(sealed, tampered, name: str) -> None:
    told: list[float] = []
    _WORK[name](sealed, tampered, lambda done, total, /: told.append(done / total))
    assert told == sorted(told)
    assert told[-1] == 1

    before = sealed.hu.copy(), tampered.hu.copy()
    for at in (0.0, 0.1, 0.3, 0.6, 0.9):

        def stop(done: int, total: int, /, at: float = at) -> None:
            if done >= at * total:
                raise Cancelled("stop")

        with pytest.raises(Cancelled):
            _WORK[name](sealed, tampered, stop)
    assert (before[0] == sealed.hu).all()
    assert (before[1] == tampered.hu).all()
