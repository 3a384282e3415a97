"""The whole attack as one function: its gradient, and what it may and may not change."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from napari_mits_gan.attack.ctgan.pipeline import MENDED, REFERENCE, Tampering

MODES = [MENDED, REFERENCE]
SPACING = (1.25, 0.8, 0.8)
AT = (20, 30, 30)


@pytest.fixture(scope="module")
def double_tampering(tiny_attacker) -> Callable[..., Tampering]:
    """Makes an attack that computes in float64."""
    cache: dict[str, Tampering] = {}

    def make(action: str = "inject", mode=MENDED) -> Tampering:
        if action not in cache:
            weights = tiny_attacker(action)
            cache[action] = Tampering(action, weights.generator.double(), weights.calibration)
        return Tampering(action, cache[action].generator, cache[action].calibration, mode=mode)

    return make


@pytest.fixture(scope="module")
def scan(lung_scan) -> Tensor:
    return torch.from_numpy(lung_scan(spacing=SPACING).hu.astype(np.float64))


def _assert_gradient_is_right(
    function: Callable[[Tensor], Tensor], x: Tensor, n: int = 100, step: float = 1e-4, seed: int = 0
) -> None:
    """Compare autograd with central differences at voxels where a gradient comes back, leaving out kinks."""
    rng = np.random.default_rng(seed)
    x = x.detach().clone().requires_grad_()
    out = function(x)
    direction = torch.from_numpy(rng.normal(size=tuple(out.shape)))
    (gradient,) = torch.autograd.grad((out * direction).sum(), x)
    assert torch.isfinite(gradient).all()
    reached = torch.nonzero(gradient).numpy()
    assert len(reached) > n

    def along(voxel: tuple[int, ...], amount: float) -> float:
        moved = x.detach().clone()
        moved[voxel] += amount
        with torch.no_grad():
            # The difference is taken before the sum, which would bury it in rounding.
            return float(((function(moved) - out.detach()) * direction).sum())

    compared = 0
    for voxel in map(tuple, reached[rng.permutation(len(reached))[:n]]):
        up, down = along(voxel, step) / step, -along(voxel, -step) / step
        if abs(up - down) > 1e-3 * max(abs(up), abs(down)):
            continue  # a kink lies between
        compared += 1
        assert float(gradient[voxel]) == pytest.approx((up + down) / 2, rel=1e-3), voxel
    assert compared >= n // 2


@pytest.mark.parametrize("stage", ["cut_at_1mm", "normalise", "in_paint", "denormalise", "to_scan_grid", "core"])
def test_each_stage_has_the_right_gradient(double_tampering, scan, stage):
    attack = double_tampering()
    cubes = attack.cut_at_1mm(scan, [AT], SPACING)
    functions: dict[str, tuple[Callable[[Tensor], Tensor], Tensor, float]] = {
        "cut_at_1mm": (lambda s: attack.cut_at_1mm(s, [AT, (2, 50, 8)], SPACING), scan, 1e-4),
        "normalise": (attack.masked, cubes, 1e-4),
        "in_paint": (attack.in_paint, attack.masked(cubes), 1e-6),
        "denormalise": (attack.calibration.denormalise, attack.in_paint(attack.masked(cubes)), 1e-8),
        "to_scan_grid": (lambda c: attack.to_scan_grid(c, SPACING), cubes[0], 1e-4),
        "core": (lambda s: attack.core(s, [AT], SPACING), scan, 1e-4),
    }
    function, x, step = functions[stage]
    _assert_gradient_is_right(function, x, step=step)


@pytest.mark.parametrize("action", ["inject", "remove"])
@pytest.mark.parametrize("mode", MODES)
def test_the_last_stage_has_the_right_gradient_for_scan_and_cuboid(double_tampering, scan, action, mode):
    attack = double_tampering(action, mode)
    cuboid = attack.cuboid(AT, SPACING)
    torch.manual_seed(0)
    painted = -700 + 300 * torch.rand(cuboid.shape, dtype=torch.float64)
    _assert_gradient_is_right(lambda c: attack.finish(scan, c, AT, SPACING)[1], painted)
    _assert_gradient_is_right(lambda s: attack.finish(s, painted, AT, SPACING)[1], scan)


@pytest.mark.parametrize("action", ["inject", "remove"])
@pytest.mark.parametrize("mode", MODES)
def test_the_whole_attack_has_the_right_gradient(double_tampering, scan, action, mode):
    attack = double_tampering(action, mode)
    _assert_gradient_is_right(lambda s: attack.tamper(s, AT, SPACING), scan, n=8)


def test_the_whole_attack_has_the_right_gradient_at_the_border(double_tampering, scan):
    attack = double_tampering()
    _assert_gradient_is_right(lambda s: attack.tamper(s, (0, 3, 57), SPACING), scan, n=8)


def test_the_blanked_core_does_not_steer_the_output(double_tampering, scan):
    attack = double_tampering()
    x = scan.clone().requires_grad_()
    attack.core(x, [AT], SPACING).sum().backward()
    inner = tuple(slice(c - 5, c + 5) for c in AT)
    shell = attack.cuboid(AT, SPACING).inside(scan.shape).slices()
    # A cubic spline reaches beyond its interval, so a trace of the core gets into the shell.
    assert x.grad[inner].abs().max() < 0.02 * x.grad[shell].abs().max()


def test_what_is_painted_is_clipped_and_has_the_size_of_the_mask(double_tampering, scan):
    attack = double_tampering()
    core = attack.core(scan, [AT, (0, 0, 0)], SPACING)
    assert core.shape == (2, 20, 20, 20)
    assert core.abs().max() <= 0.5


def test_several_places_at_once_give_what_each_gives_alone(double_tampering, scan):
    attack = double_tampering()
    sites = [AT, (5, 12, 44)]
    together = attack.core(scan, sites, SPACING)
    alone = torch.cat([attack.core(scan, [site], SPACING) for site in sites])
    torch.testing.assert_close(together, alone)


millimetres = st.floats(0.5, 8)
fractions = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spacing=st.tuples(millimetres, millimetres, millimetres),
    extra=st.tuples(*[st.integers(0, 20)] * 3),
    where=st.tuples(fractions, fractions, fractions),
    action=st.sampled_from(["inject", "remove"]),
    mode=st.sampled_from(MODES),
)
def test_any_place_spacing_and_size_leaves_the_rest_alone_and_repeats(
    lung_scan, tiny_attacker, spacing, extra, where, action, mode
):
    shape = tuple(min(60, int(np.ceil(32 / s))) + e for s, e in zip(spacing, extra, strict=True))
    at = tuple(round(f * (n - 1)) for f, n in zip(where, shape, strict=True))
    volume = lung_scan(shape, spacing)
    weights = tiny_attacker(action)
    attack = Tampering(action, weights.generator, weights.calibration, mode=mode)
    before = torch.from_numpy(volume.hu.astype(np.float32))
    given_hu = before.clone()
    with torch.no_grad():
        after = attack.tamper(before, at, spacing)
        again = attack.tamper(before, at, spacing)
        box, hu = attack.tamper_box(torch.from_numpy(volume.hu.copy()), at, spacing)

    assert torch.equal(before, given_hu)
    assert after.shape == before.shape
    assert torch.isfinite(after).all()
    assert torch.equal(after, again)
    outside = torch.ones(shape, dtype=torch.bool)
    outside[attack.touched(at, spacing).inside(shape).slices()] = False
    assert torch.equal(after[outside], before[outside])
    assert torch.equal(after[box.slices()], hu)
    assert all(lo <= c < hi for lo, c, hi in zip(box.low, at, box.high, strict=True))
    if action == "inject":
        assert (after >= before).all()


@given(spacing=st.tuples(millimetres, millimetres, millimetres), mode=st.sampled_from(MODES))
def test_the_touched_box_holds_the_whole_cuboid(lung_calibration, spacing, mode):
    attack = Tampering("inject", lambda x: x, lung_calibration, mode=mode)
    cuboid = attack.cuboid((50, 50, 50), spacing)
    assert attack.touched((50, 50, 50), spacing).overlap(cuboid) == cuboid


def test_by_default_the_attack_reaches_as_far_in_mm_along_each_axis(lung_calibration):
    spacing = (2.5, 0.7, 0.7)
    mended = Tampering("inject", lambda x: x, lung_calibration).touched((0, 0, 0), spacing)
    assert [n * s for n, s in zip(mended.shape, spacing, strict=True)] == pytest.approx([40, 41.3, 41.3])
    published = Tampering("inject", lambda x: x, lung_calibration, mode=REFERENCE).touched((0, 0, 0), spacing)
    assert published.shape == (59, 59, 59)


def test_a_scan_without_lung_at_the_noise_source_is_tampered_with_without_nan(double_tampering):
    soft = torch.full((40, 50, 60), 40.0, dtype=torch.float64)
    after = double_tampering("remove").tamper(soft, (20, 25, 30), SPACING)
    assert torch.isfinite(after).all()
    assert not torch.equal(after, soft)


def test_whole_numbers_and_floats_give_the_same(lung_scan, tiny_attacker):
    volume, weights = lung_scan(), tiny_attacker()
    attack = Tampering("inject", weights.generator, weights.calibration)
    with torch.no_grad():
        whole = attack.tamper(torch.from_numpy(volume.hu.copy()), AT, SPACING)
        single = attack.tamper(torch.from_numpy(volume.hu.astype(np.float32)), AT, SPACING)
    assert whole.dtype == torch.float32
    assert torch.equal(whole, single)


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_a_saturated_output_paints_no_metal_unless_the_original_is_asked_for(lung_calibration, scan, action):
    def white(masked: Tensor) -> Tensor:
        return torch.full_like(masked, 0.5)

    before = scan.clamp(max=100)
    before[AT[0] - 2 : AT[0] + 3, AT[1] - 2 : AT[1] + 3, AT[2] + 6 : AT[2] + 9] = 1200  # bone that was there
    brightest = {}
    for mode in MODES:
        after = Tampering(action, white, lung_calibration, mode=mode).tamper(before, AT, SPACING)
        brightest[mode] = float(after[before < 0].max())
    # Splines and noise go a little beyond.
    assert brightest[MENDED] < 450
    assert brightest[REFERENCE] > 800
    mended = Tampering(action, white, lung_calibration).tamper(before, AT, SPACING)
    assert float(mended[AT[0], AT[1], AT[2] + 7]) > 900, "what was bright before may stay so"
