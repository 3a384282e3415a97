"""Stage by stage against nine runs of CT-GAN's original code; tolerances as the reference vectors' README demands."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.cuboid import cut, paste
from napari_mits_gan.attack.ctgan.keras_weights import load_keras_attacker
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.attack.ctgan.pipeline import MENDED, REFERENCE, Tampering
from napari_mits_gan.attack.ctgan.touch_up import repair
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume

STUB = [
    "dev01_inj_stub_lung_iso",
    "dev02_rem_stub_lung_125",
    "dev05_rem_stub_soft_125",
]
MODEL = ["dev03_inj_A1_lung_25", "dev04_rem_A1_nodule_25"]
BORDER, GROWS, THICK, NO_NOISE = (
    "dev06_inj_stub_border_iso_raises",
    "dev07_inj_stub_zend_25_grows",
    "dev08_rem_A1_sp3_raises",
    "dev09_inj_stub_nonoise_nan",
)
PAINTED = [*STUB, *MODEL, BORDER, GROWS, NO_NOISE]
EVERY = [*PAINTED, THICK]


@dataclass
class Run:
    """One run of the original, and the same attack of ours."""

    golden: Mapping[str, Any]
    scan: torch.Tensor
    attack: Tampering
    calibration: Calibration

    @property
    def at(self) -> tuple[int, int, int]:
        z, y, x = (int(c) for c in self.golden["click"])
        return z, y, x

    @property
    def spacing(self) -> tuple[float, float, float]:
        z, y, x = (float(s) for s in self.golden["spacing"])
        return z, y, x

    def painted(self) -> torch.Tensor:
        """What the original's generator (or the stub in its place) put out."""
        name = "gen_output" if "gen_output" in self.golden else "stub"
        return torch.from_numpy(self.golden[name].astype(np.float64))

    def finished(self, painted: torch.Tensor) -> torch.Tensor:
        """The change of the whole scan that follows from the generator's output."""
        malicious = repair(self.calibration.denormalise(painted))
        on_grid = self.attack.to_scan_grid(malicious, self.spacing)
        box, hu = self.attack.finish(self.scan, on_grid, self.at, self.spacing)
        after = self.scan.clone()
        after[box.slices()] = hu
        return after - self.scan

    def golden_change(self) -> np.ndarray:
        change = np.zeros(self.golden["final_shape"])
        change[_slices(self.golden["bbox"])] = self.golden["final_diff"]
        return change


def _slices(box: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(int(low), int(high)) for low, high in box)


@pytest.fixture(scope="module")
def authors_folder(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a folder in the authors' layout from the reference model and a calibration."""

    def make(action: str) -> Path:
        folder = tmp_path_factory.mktemp("authors")
        short = {"inject": "INJ", "remove": "REM"}[action]
        shutil.copyfile(reference / "model" / "A1_G_model.h5", folder / f"G_model_{short.lower()}.h5")
        with np.load(reference / "calibration" / f"{short}.npz", allow_pickle=False) as stored:
            np.save(folder / "normalization.npy", stored["norm"])
            with (folder / "equalization.pkl").open("wb") as file:
                pickle.dump([stored["bins"], stored["cdf"]], file, protocol=3)
        return folder

    return make


@pytest.fixture(scope="module")
def authors_generator(authors_folder) -> Generator:
    return load_keras_attacker(authors_folder("inject")).generator


@pytest.fixture(scope="module")
def load_run(reference, authors_calibrations, authors_generator) -> Callable[..., Run]:
    """Makes a run by the name of its case."""

    def load(case: str, mode=REFERENCE) -> Run:
        with np.load(reference / "runs" / f"{case}.npz", allow_pickle=False) as stored:
            golden = dict(stored)
        with np.load(reference / "scans" / f"{golden['scan']}.npz", allow_pickle=False) as stored:
            hu = stored["hu"][_slices(golden["sub"])]
        if "stub" in golden:
            stub = torch.from_numpy(golden["stub"].astype(np.float64))[None, None]

            def generator(x: torch.Tensor) -> torch.Tensor:
                return stub.to(x.dtype)
        else:

            def generator(x: torch.Tensor) -> torch.Tensor:
                return authors_generator(x.float()).to(x.dtype)

        action = str(golden["action"])
        calibration = authors_calibrations[action]
        scan = torch.from_numpy(hu.astype(np.float64))
        return Run(golden, scan, Tampering(action, generator, calibration, mode=mode), calibration)

    return load


def _worst(found: torch.Tensor | np.ndarray, golden: np.ndarray) -> float:
    assert tuple(found.shape) == golden.shape
    return float(np.abs(np.asarray(found, dtype=np.float64) - golden).max(initial=0.0))


def test_every_run_of_the_reference_is_tested(reference):
    assert {path.stem for path in (reference / "runs").glob("*.npz")} == set(EVERY)


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("precision", ["output", "double"])
def test_the_loaded_generator_gives_the_keras_models_output(reference, authors_folder, index, precision):
    generator = load_keras_attacker(authors_folder("remove")).generator
    with np.load(reference / "model" / "A1_io.npz", allow_pickle=False) as stored:
        x = torch.from_numpy(stored[f"input{index}"][..., 0])[:, None]
        wanted = stored[f"output{index}" if precision == "output" else f"output{index}_f64"][..., 0]
    with torch.no_grad():
        out = generator(x) if precision == "output" else generator.double()(x.double())
    error = out[:, 0].numpy().astype(np.float64) - wanted
    limits = (2e-5, 3e-6) if precision == "output" else (1e-7, 1e-8)
    assert np.abs(error).max() <= limits[0]
    assert np.sqrt(np.mean(error**2)) <= limits[1]


@pytest.mark.parametrize("case", EVERY)
def test_the_cut_is_exact(load_run, case):
    run = load_run(case)
    cuboid = cut(run.scan, run.attack.cuboid(run.at, run.spacing), REFERENCE.pad_hu)
    assert _worst(cuboid, run.golden["cut_cuboid"]) == 0


@pytest.mark.parametrize("case", PAINTED)
def test_resampling_to_1_mm(load_run, case):
    run = load_run(case)
    assert _worst(run.attack.cut_at_1mm(run.scan, [run.at], run.spacing)[0], run.golden["cube_1mm"]) <= 1e-3
    single = run.attack.cut_at_1mm(run.scan.float(), [run.at], run.spacing)[0]
    assert _worst(single, run.golden["cube_1mm"]) <= 1e-2


@pytest.mark.parametrize("case", PAINTED)
def test_equalising_normalising_and_masking(load_run, case):
    run = load_run(case)
    cube = run.attack.cut_at_1mm(run.scan, [run.at], run.spacing)
    assert _worst(run.calibration.normalise(cube)[0], run.golden["cube_norm"]) <= 1e-6
    assert _worst(run.attack.masked(cube)[0], run.golden["gen_input"]) <= 1e-6


@pytest.mark.parametrize("case", MODEL)
def test_the_generator_in_the_pipeline(load_run, case):
    run = load_run(case)
    with torch.no_grad():
        golden_input = torch.from_numpy(run.golden["gen_input"])[None]
        error = (run.attack.in_paint(golden_input)[0] - torch.from_numpy(run.golden["gen_output"])).double()
    assert float(error.abs().max()) <= 2e-5
    assert float(error.square().mean().sqrt()) <= 3e-6


@pytest.mark.parametrize("case", PAINTED)
def test_recovering_hu(load_run, case):
    run = load_run(case)
    found, golden = run.calibration.denormalise(run.painted()).numpy(), run.golden["dequalised"]
    error, dense = np.abs(found - golden), golden > 1000
    assert error[~dense].max() <= 0.05
    assert error[dense].max(initial=0) <= 1
    np.testing.assert_array_equal(found > 2000, golden > 2000)
    assert int((found > 2000).sum()) == int(run.golden["n_repair"])


@pytest.mark.parametrize("case", PAINTED)
def test_repair_and_the_way_back_to_the_scans_grid(load_run, case):
    run = load_run(case)
    limit = 0.5 if case in MODEL else 0.05
    malicious = repair(run.calibration.denormalise(run.painted()))
    assert _worst(malicious, run.golden["mal_cube"]) <= limit
    assert _worst(run.attack.to_scan_grid(malicious, run.spacing), run.golden["mal_scaled"]) <= limit


@pytest.mark.parametrize("case", PAINTED)
def test_resampling_back_from_the_original_cube(load_run, case):
    run = load_run(case)
    golden = torch.from_numpy(run.golden["mal_cube"].astype(np.float64))
    assert _worst(run.attack.to_scan_grid(golden, run.spacing), run.golden["mal_scaled"]) <= 1e-3


@pytest.mark.parametrize("case", [*STUB, *MODEL])
def test_the_final_scan_from_the_originals_generator_output(load_run, case):
    run = load_run(case)
    found, golden = run.finished(run.painted()).numpy(), run.golden_change()
    error = np.abs(found - golden)
    inside = error[_slices(run.golden["bbox"])]
    outside = np.ones(golden.shape, dtype=bool)
    outside[_slices(run.golden["bbox"])] = False
    assert np.isfinite(found).all()
    assert not found[outside].any()
    assert inside.max() <= (0.2 if case in MODEL else 0.05)
    if case in MODEL:
        assert np.percentile(inside, 99.9) <= 0.005


@pytest.mark.parametrize("case", MODEL)
def test_the_final_scan_end_to_end(load_run, case):
    run = load_run(case)
    with torch.no_grad():
        found = (run.attack.tamper(run.scan, run.at, run.spacing) - run.scan).numpy()
    error = np.abs(found - run.golden_change())
    assert error.max() <= 2
    assert np.percentile(error[_slices(run.golden["bbox"])], 99.9) <= 0.05


@pytest.mark.parametrize("case", [BORDER, GROWS, THICK, NO_NOISE])
@pytest.mark.parametrize("mode", [REFERENCE, MENDED])
def test_where_the_original_fails_ours_does_what_a_user_expects(load_run, case, mode):
    """The original raises, grows the scan or fills it with NaN in these runs."""
    run = load_run(case, mode)
    with torch.no_grad():
        after = run.attack.tamper(run.scan, run.at, run.spacing)
    assert after.shape == run.scan.shape
    assert torch.isfinite(after).all()
    changed = after != run.scan
    assert changed.any()
    changed[run.attack.touched(run.at, run.spacing).inside(run.scan.shape).slices()] = False
    assert not changed.any()
    if run.attack.action == "inject":
        assert (after >= run.scan).all()


def test_a_border_click_pastes_what_the_original_had_pasted_when_it_raised(load_run):
    run = load_run(BORDER)
    on_grid = run.attack.to_scan_grid(repair(run.calibration.denormalise(run.painted())), run.spacing)
    whole = Box((0, 0, 0), tuple(run.scan.shape))
    pasted = paste(run.scan, whole, on_grid, run.attack.cuboid(run.at, run.spacing))
    assert _worst(pasted - run.scan, run.golden_change()) <= 0.05


@pytest.mark.parametrize(("case", "action"), [(MODEL[0], "inject"), (MODEL[1], "remove")])
def test_a_user_who_loads_the_authors_folder_gets_the_originals_result(load_run, authors_folder, case, action):
    run = load_run(case)
    volume = CTVolume(run.scan.numpy().astype(np.int16), run.spacing)
    attacker = CTGAN.load(authors_folder(action), "cpu", mode=REFERENCE)
    assert attacker.action == action

    tampered = attacker.tamper(volume, run.at)

    wanted = np.round(volume.hu + run.golden_change())
    assert np.abs(tampered.hu - wanted).max() <= 2
    assert (tampered.hu != wanted).mean() < 1e-3
