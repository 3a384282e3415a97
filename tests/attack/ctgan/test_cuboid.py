"""The algebra of boxes: where they lie, what they share, how they are cut and pasted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.attack.ctgan.cuboid import cut, paste
from napari_mits_gan.attack.cuboid import cuboid_shape
from napari_mits_gan.ct.grid import Box

corners = st.tuples(*[st.integers(-12, 12)] * 3)
shapes = st.tuples(*[st.integers(1, 10)] * 3)
boxes = st.builds(Box, corners, shapes)
spacings = st.tuples(*[st.floats(0.5, 8)] * 3)


def _voxels(box: Box) -> set[tuple[int, ...]]:
    return {tuple(np.add(i, box.low)) for i in np.ndindex(box.shape)}


@given(boxes, boxes)
def test_an_overlap_holds_exactly_the_shared_voxels(a, b):
    assert _voxels(a.overlap(b)) == _voxels(a) & _voxels(b)


@given(boxes, boxes)
def test_overlapping_is_symmetric_where_the_boxes_meet(a, b):
    if 0 not in a.overlap(b).shape:
        assert a.overlap(b) == b.overlap(a)


@given(boxes)
def test_a_box_overlaps_itself_entirely(box):
    assert box.overlap(box) == box


@given(boxes, shapes)
def test_the_inner_part_of_a_box_selects_its_voxels_in_the_scan(box, scan_shape):
    inner = box.inside(scan_shape)
    chosen = np.zeros(scan_shape, dtype=bool)
    chosen[inner.slices()] = True
    assert {tuple(v) for v in np.argwhere(chosen)} == {
        v for v in _voxels(box) if all(0 <= c < n for c, n in zip(v, scan_shape, strict=True))
    }


@given(corners, shapes)
def test_a_box_around_a_voxel_is_centred_within_half_a_voxel(center, shape):
    box = Box.around(center, shape)
    assert box.shape == shape
    for low, c, n in zip(box.low, center, shape, strict=True):
        assert abs((c - low) - n / 2) <= 0.5


@pytest.mark.parametrize(("n", "half"), [(59, 30), (13, 6), (41, 20), (53, 26), (61, 30), (32, 16)])
def test_half_lengths_round_half_to_even_as_published(n, half):
    assert Box.around((100, 100, 100), (n, n, n)).low == (100 - half,) * 3


@pytest.mark.parametrize(
    ("spacing", "voxels"), [(1.0, 32), (0.7, 46), (1.25, 26), (2.5, 13), (3.0, 11), (5.0, 6), (8.0, 4), (100.0, 2)]
)
def test_the_cuboid_is_32_mm_long(spacing, voxels):
    assert cuboid_shape((spacing,) * 3) == (voxels,) * 3


@settings(max_examples=60)
@given(boxes, shapes, st.integers(0, 9))
def test_cutting_pads_outside_the_scan(box, scan_shape, seed):
    scan = torch.from_numpy(np.random.default_rng(seed).integers(-1000, 400, scan_shape))
    piece = cut(scan, box, -1000)
    reach = 25
    wide = np.pad(scan.numpy(), reach, constant_values=-1000)
    z, y, x = (slice(lo + reach, lo + reach + n) for lo, n in zip(box.low, box.shape, strict=True))
    np.testing.assert_array_equal(piece.numpy(), wide[z, y, x])


@settings(max_examples=60)
@given(boxes, shapes, st.integers(0, 9))
def test_cutting_without_a_padding_value_repeats_the_border(box, scan_shape, seed):
    scan = torch.from_numpy(np.random.default_rng(seed).integers(-1000, 400, scan_shape))
    piece = cut(scan, box, None)
    reach = 25
    wide = np.pad(scan.numpy(), reach, mode="edge")
    z, y, x = (slice(lo + reach, lo + reach + n) for lo, n in zip(box.low, box.shape, strict=True))
    np.testing.assert_array_equal(piece.numpy(), wide[z, y, x])


@given(boxes, boxes)
def test_pasting_changes_only_the_shared_voxels_and_leaves_its_arguments_alone(a, b):
    target, piece = torch.zeros(a.shape), torch.ones(b.shape)
    out = paste(target, a, piece, b)
    assert int(out.sum()) == len(_voxels(a) & _voxels(b))
    assert not target.any()
    shared = a.overlap(b)
    if 0 not in shared.shape:
        assert out[shared.slices(within=a)].all()


@pytest.mark.parametrize("pad_hu", [None, 0.0])
def test_a_cut_is_a_copy(pad_hu):
    scan = torch.zeros(6, 6, 6)
    for box in (Box((1, 1, 1), (3, 3, 3)), Box((0, 0, 0), (6, 6, 6)), Box((-1, 0, 2), (4, 4, 4))):
        cut(scan, box, pad_hu).fill_(1.0)
    assert not scan.any()


@pytest.mark.parametrize("pad_hu", [None, 0.0])
def test_gradients_flow_through_cutting_and_pasting(pad_hu):
    torch.manual_seed(0)
    scan = torch.randn(4, 5, 3, dtype=torch.float64, requires_grad=True)
    piece = torch.randn(3, 3, 3, dtype=torch.float64, requires_grad=True)
    box, place = Box((-1, 2, 1), (4, 4, 4)), Box((1, 1, 1), (3, 3, 3))
    assert torch.autograd.gradcheck(lambda s, p: paste(cut(s, box, pad_hu), box, p, place), (scan, piece))
