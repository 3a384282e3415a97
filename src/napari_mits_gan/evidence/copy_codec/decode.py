"""From the bytes of a recovery copy back to a scan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import container, rans
from napari_mits_gan.evidence.copy_codec.frequencies import frequencies_of
from napari_mits_gan.evidence.copy_codec.region_grid import coded
from napari_mits_gan.evidence.copy_codec.side_information import unpack_coarsest
from napari_mits_gan.evidence.copy_codec.slab_decoder import decode as decode_slab
from napari_mits_gan.evidence.copy_codec.wavelet import Array, inverse
from napari_mits_gan.evidence.side_by_side import side_by_side
from napari_mits_gan.progress import Progress, silent


def decode_copy(data: bytes, progress: Progress = silent) -> NDArray[np.int16]:
    """Decode a recovery copy.

    Parameters
    ----------
    data : bytes
        What `encode_copy` returned.
    progress : Progress
        Told how many slabs are done; may raise to stop.

    Returns
    -------
    ndarray of int16, shape (z, y, x)
        HU, close to those encoded.

    Raises
    ------
    EvidenceError
        Where `data` is not a recovery copy, or a damaged one.
    """
    contents = container.read(data)
    hu = np.full(contents.shape, contents.fill, np.int16)
    frequencies = frequencies_of(contents.codes)
    plan, box = contents.plan, hu[contents.box]

    def one(place: slice, stored: container.SlabBytes) -> None:
        box[place] = np.clip(np.rint(_slab(contents, frequencies, place, stored)), -32768, 32767)

    slabs = list(zip(plan.slabs, contents.slabs, strict=True)) if contents.slabs else []
    side_by_side(lambda item: one(*item), slabs, progress)
    return hu


def _slab(
    contents: container.Contents, frequencies: NDArray[np.uint32], place: slice, stored: container.SlabBytes
) -> Array:
    plan = contents.plan
    bands = plan.bands(place)
    regions = plan.regions(contents.grid, contents.fineness, place)
    symbols = sum(
        int(np.count_nonzero(coded(regions(number), band))) for number, band in enumerate(bands) if band.level
    )
    states = stored.states
    # Few states for many symbols are not written: they would take long to read.
    if states < rans.states_for(symbols) or len(stored.coded) < 4 * states or len(stored.coded) % 2:
        raise EvidenceError("the recovery copy is damaged: a slab is too short")
    decoder = rans.Decoder(
        np.frombuffer(stored.coded, "<u4", states).astype(np.uint32),
        np.frombuffer(stored.coded, "<u2", offset=4 * states).astype(np.uint16),
        frequencies,
    )
    coarsest = unpack_coarsest(stored.coarsest, bands[0].shape, stored.step)
    coefficients = decode_slab(
        bands, regions, stored.step, coarsest, stored.centres, contents.weights, decoder, stored.rest
    )
    return inverse(coefficients, (place.stop - place.start, *plan.shape[1:]), plan.levels)
