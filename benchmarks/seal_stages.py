"""The measurements of `benchmarks.seal`: each takes a sealed scan and returns figures that JSON can hold."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import MIB, forget_peak, peak_bytes, resident_bytes
from napari_mits_gan.attack.contract import Attacker
from napari_mits_gan.attack.nodules.in_scan import DrawnNodule, implant_in_scan
from napari_mits_gan.attack.nodules.rules import random_nodule
from napari_mits_gan.ct.annotations import nodules_beside
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.detection.detector import NoduleDetector
from napari_mits_gan.detection.sites import injection_sites
from napari_mits_gan.evaluation.evaluate import load_attackers
from napari_mits_gan.evaluation.measures.diagnostic_value import DiagnosticValue, diagnostic_value
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.evaluation.sites.synthetic_nodules import synthetic_nodules
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.lattice import SealError
from napari_mits_gan.evidence.layout import SIDE
from napari_mits_gan.evidence.recover import recover
from napari_mits_gan.evidence.regions import BODY, LUNGS, OUTSIDE, regions_of
from napari_mits_gan.evidence.seal import seal

Figures = dict[str, Any]
Place = tuple[slice, ...]

BITS = (1, 2)
KEY = SealKey(bytes(range(32)))
_APART_MM = (46.0, 56.0, 56.0)
"""Along one axis at least: what an attack touches is 42 mm wide, what the detector sees 48 mm, and a block 12 mm."""
REGIONS = {"lungs + 10 mm": LUNGS, "body elsewhere": BODY, "air outside": OUTSIDE}
_COPIES_AT_ONCE = 5
_LOWEST_PERCENT, _HIGHEST_PERCENT, _PERCENT_STEP = 6, 40, 2
_SPEED_SLICES = 300


@dataclass(frozen=True)
class Wanted:
    """How much to measure.

    Parameters
    ----------
    attacks : int
        Attacks of each action on each scan.
    seed : int
        Fixes all that is drawn.
    slices : int
        Middle slices of each scan that are used; 0 for all.
    nodules : int
        Drawn into each scan for its diagnostic value.
    repeats : int
        How often the share that can be healed is looked for.
    overwritten : float
        Share of the voxels that is overwritten, and healed.
    """

    attacks: int = 50
    seed: int = 0
    slices: int = 0
    nodules: int = 12
    repeats: int = 2
    overwritten: float = 0.10

    def as_json(self) -> dict[str, float]:
        """The options, to tell figures of one run from those of another."""
        return asdict(self)


class Case:
    """One scan, sealed with one strength; what is costly is made once.

    Parameters
    ----------
    path : Path
        The scan.
    bits : int
        Strength of the seal.
    wanted : Wanted
        How much to measure.
    folder : Path
        Where the sealed scan is kept from one run to the next.
    """

    def __init__(self, path: Path, bits: int, wanted: Wanted, folder: Path) -> None:
        self.path, self.bits, self.wanted, self.folder = path, bits, wanted, folder

    def rng(self, stage: str) -> np.random.Generator:
        """A stream for each stage, so that a run that goes on draws what one that was not stopped does."""
        return np.random.default_rng([self.wanted.seed, self.bits, zlib.crc32(stage.encode())])

    @cached_property
    def scan(self) -> CTVolume:
        """The scan before it is sealed."""
        return middle(read_ct(self.path), self.path, self.wanted.slices)

    @cached_property
    def sealed(self) -> CTVolume:
        """The sealed scan; its history tells how it was sealed only where it was sealed by this run."""
        file = self.folder / f"{self.scan.name}-{self.bits}-{self.wanted.slices}-sealed.npz"
        if not file.is_file():
            made = seal(self.scan, KEY, bits=self.bits)
            np.savez(file, hu=made.hu, copy_bytes=made.history[-1].parameters["copy_bytes"])
        with np.load(file) as stored:
            return self.scan.with_hu(stored["hu"], Step("seal", {"copy_bytes": int(stored["copy_bytes"])}))

    @cached_property
    def detector(self) -> NoduleDetector:
        """Judges nodules."""
        return NoduleDetector.load(device="cpu")

    @cached_property
    def sites(self) -> list[Voxel]:
        """Healthy places for attacks; ends the program where there is none."""
        sites = injection_sites(self.scan, self.wanted.attacks, detector=self.detector, seed=self.wanted.seed)
        if not sites:
            raise SystemExit(f"there is no healthy place for an attack in {self.scan.name}; choose another scan")
        return [site.at for site in sites]

    def attackers(self, action: str) -> list[Attacker]:
        """The shipped attackers with this action."""
        return [attacker for attacker in load_attackers(device="cpu").values() if attacker.action == action]


def middle(volume: CTVolume, path: Path, slices: int) -> CTVolume:
    """The middle slices of a scan, all for 0, named after its file."""
    name = path.name.split(".")[0]
    if not slices or slices >= len(volume.hu):
        return replace(volume, name=name)
    first = (len(volume.hu) - slices) // 2
    part = slice(first, first + slices)
    padding = None if volume.padding is None else volume.padding[part].copy()
    return replace(volume, hu=volume.hu[part].copy(), padding=padding, source=None, name=name)


# ---- what the seal itself changes


def change(case: Case) -> Figures:
    """How far values moved, and how long the copy is."""
    scan, sealed = case.scan, case.sealed
    difference = sealed.hu.astype(np.int32) - scan.hu
    measured = np.ones(scan.shape, bool) if scan.padding is None else ~scan.padding
    copy_bytes = int(sealed.history[-1].parameters["copy_bytes"])
    return {
        "largest": int(np.abs(difference).max()),
        "rms": float(np.sqrt(np.mean(difference[measured] ** 2.0))),
        "padding": float(1 - measured.mean()),
        "copy_bytes": copy_bytes,
        "bits_a_voxel": 8 * copy_bytes / scan.hu.size,
    }


def diagnostic(case: Case) -> Figures:
    """The same table as for the perturbation: regions of interest, emphysema, nodules, the detector."""
    wanted, scan = case.wanted, case.scan
    annotated = () if wanted.slices else nodules_beside(case.path, scan)
    drawn = synthetic_nodules(scan, wanted.nodules, wanted.seed, annotated=annotated)
    sealed = seal(drawn.volume, KEY, bits=case.bits)
    real = [(round(z), round(y), round(x)) for z, y, x in (nodule.at for nodule in annotated)]
    return asdict(
        diagnostic_value(
            drawn.volume,
            sealed,
            nodules=[*drawn.sites, *real],
            detector=case.detector,
            healthy_sites=random_lung_clicks(scan, 20, wanted.seed),
            healthy=scan,
            seed=wanted.seed,
        )
    )


# ---- what is found and named


def blocks_of(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Blocks that hold a voxel of the mask, shape (z, rows, columns)."""
    nz, ny, nx = mask.shape
    rows, columns = -(-ny // SIDE), -(-nx // SIDE)
    wide = np.zeros((nz, rows * SIDE, columns * SIDE), bool)
    wide[:, :ny, :nx] = mask
    return wide.reshape(nz, rows, SIDE, columns, SIDE).any(axis=(2, 4))


class Told:
    """Counts what checks named against what was changed."""

    def __init__(self) -> None:
        self.found: dict[str, list[bool]] = {}
        self.named, self.wrongly = [0, 0], [0, 0]

    def count(
        self,
        kind: str,
        before: NDArray[np.int16],
        after: NDArray[np.int16],
        named: NDArray[np.bool_],
        places: Sequence[Place],
    ) -> None:
        """Add a check; `places` are the boxes of single attacks, each found if every voxel that it changed is named."""
        changed = before != after
        for place in places:
            if changed[place].any():
                self.found.setdefault(kind, []).append(bool(named[place][changed[place]].all()))
        expected, got = blocks_of(changed), blocks_of(named)
        self.named[0] += int((got & expected).sum())
        self.named[1] += int(expected.sum())
        self.wrongly[0] += int((got & ~expected).sum())
        self.wrongly[1] += int((~expected).sum())

    def figures(self) -> Figures:
        """For JSON."""
        return {"found": self.found, "named": self.named, "wrongly": self.wrongly}


def far_apart(places: Sequence[Voxel], spacing: Sequence[float], count: int) -> Iterator[list[Voxel]]:
    """Places in groups whose members lie far apart; each place as often as it takes to make `count`."""
    left = [places[i % len(places)] for i in range(count)]
    while left:
        group: list[Voxel] = []
        for place in list(left):
            apart = [(np.abs(np.subtract(place, other) * spacing) >= _APART_MM).any() for other in group]
            if all(apart):
                group.append(place)
                left.remove(place)
        yield group


def attacked(
    volume: CTVolume, attackers: Sequence[Attacker], group: Sequence[Voxel], first: int
) -> tuple[CTVolume, list[Place]]:
    """The scan with one attack at each place, the attackers in turn, and the boxes that were touched."""
    hu, boxes = volume.hu.copy(), []
    for number, attacker in enumerate(attackers):
        sites = [at for i, at in enumerate(group) if (first + i) % len(attackers) == number]
        for done in attacker.attacks(volume, sites):
            hu[done.box.slices()] = done.hu
            boxes.append(done.box.slices())
    return replace(volume, hu=hu, history=(*volume.history, Step("attack", {"sites": len(group)}))), boxes


def injections(case: Case) -> Figures:
    """Nodules injected into the sealed scan: found, and gone after healing?"""
    told, gone, done = Told(), [], 0
    for group in far_apart(case.sites, case.scan.spacing, case.wanted.attacks):
        tampered, boxes = attacked(case.sealed, case.attackers("inject"), group, done)
        done += len(group)
        recovery = recover(tampered, KEY)
        told.count("injections by the shipped attackers", case.sealed.hu, tampered.hu, recovery.healed, boxes)
        clean, seen, after = (case.detector.scores(v, group) for v in (case.sealed, tampered, recovery.volume))
        limit = case.detector.threshold
        worked = (clean < limit) & (seen >= limit)
        gone += (after < limit)[worked].tolist()
    return {**told.figures(), "back": {"injected nodules gone": gone}}


def removals(case: Case) -> Figures:
    """Nodules removed from the sealed scan: found, and back after healing?

    They are drawn first, then the scan is sealed: the patient's nodules, as it were.
    """
    told, back, done = Told(), [], 0
    groups, rng = list(far_apart(case.sites, case.scan.spacing, case.wanted.attacks)), case.rng("removals")
    ill = case.scan
    for at in case.sites[: case.wanted.attacks]:
        ill = implant_in_scan(ill, random_nodule(rng, (8, 20)), at)
    sealed = seal(replace(ill, history=()), KEY, bits=case.bits)
    for group in groups:
        tampered, boxes = attacked(sealed, case.attackers("remove"), group, done)
        done += len(group)
        recovery = recover(tampered, KEY)
        told.count("removals by the shipped attackers", sealed.hu, tampered.hu, recovery.healed, boxes)
        was, hidden, after = (case.detector.scores(v, group) for v in (sealed, tampered, recovery.volume))
        limit = case.detector.threshold
        worked = (was >= limit) & (hidden < limit)
        back += (after >= limit)[worked].tolist()
    return {**told.figures(), "back": {"removed nodules back": back}}


def drawn(case: Case) -> Figures:
    """Nodules drawn by rule."""
    told, rng = Told(), case.rng("drawn")
    for group in far_apart(case.sites, case.scan.spacing, case.wanted.attacks):
        nodules = [DrawnNodule(random_nodule(rng)) for _ in group]
        hu, boxes = case.sealed.hu.copy(), []
        for nodule, at in zip(nodules, group, strict=True):
            for done in nodule.attacks(case.sealed, [at]):
                # Some are wider than what keeps the places apart, so what each adds is added.
                hu[done.box.slices()] += done.hu - case.sealed.hu[done.box.slices()]
                boxes.append(done.box.slices())
        named = verify(replace(case.sealed, hu=hu), KEY).changed_voxels()
        told.count("drawn nodules", case.sealed.hu, hu, named, boxes)
    return told.figures()


def copied(case: Case) -> Figures:
    """Boxes copied from one place of the scan to another, unaligned."""
    told, shape, rng = Told(), case.sealed.shape, case.rng("copied")
    for _ in range(-(-case.wanted.attacks // _COPIES_AT_ONCE)):
        hu, targets, taken = case.sealed.hu.copy(), [], np.zeros(shape, bool)
        while len(targets) < _COPIES_AT_ONCE:
            size = [min(n // 2, int(rng.integers(4, 48))) for n in shape]
            source, target = (_random_box(shape, size, rng) for _ in range(2))
            block_wide = (target[0], *(slice(s.start // SIDE * SIDE, -(-s.stop // SIDE) * SIDE) for s in target[1:]))
            if taken[block_wide].any() or (case.sealed.hu[source] == case.sealed.hu[target]).all():
                continue
            taken[block_wide] = True
            hu[target] = case.sealed.hu[source]
            targets.append(target)
        named = verify(replace(case.sealed, hu=hu), KEY).changed_voxels()
        told.count("copy and paste", case.sealed.hu, hu, named, targets)
    return told.figures()


def single_voxels(case: Case) -> Figures:
    """One voxel + 1, anywhere, padding included."""
    told, rng = Told(), case.rng("single voxels")
    for _ in range(4):
        places = rng.integers(0, case.sealed.shape, (case.wanted.attacks, 3))
        hu = case.sealed.hu.copy()
        hu[tuple(places.T)] = np.minimum(hu[tuple(places.T)].astype(np.int32) + 1, 32767)
        named = verify(replace(case.sealed, hu=hu), KEY).changed_voxels()
        single = [tuple(slice(int(a), int(a) + 1) for a in at) for at in places]
        told.count("1 voxel + 1", case.sealed.hu, hu, named, single)
    return told.figures()


# ---- what is healed


def _random_box(shape: Sequence[int], size: Sequence[int], rng: np.random.Generator) -> Place:
    low = [int(rng.integers(0, n - s + 1)) for n, s in zip(shape, size, strict=True)]
    return tuple(slice(a, a + s) for a, s in zip(low, size, strict=True))


def random_boxes(volume: CTVolume, side_mm: float, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Boxes anywhere, not aligned with blocks, until they hold that share of all voxels."""
    mask = np.zeros(volume.shape, bool)
    size = [min(n, max(1, round(side_mm / s))) for n, s in zip(volume.shape, volume.spacing, strict=True)]
    left = share * mask.size
    while left > 0:
        box = mask[_random_box(volume.shape, size, rng)]
        left -= np.count_nonzero(~box)
        box[:] = True
    return mask


def random_slices(volume: CTVolume, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whole slices, at least that share of all."""
    mask = np.zeros(volume.shape, bool)
    mask[rng.choice(len(mask), int(np.ceil(share * len(mask))), replace=False)] = True
    return mask


def healing(case: Case) -> Figures:
    """A tenth of the scan overwritten in 32 mm boxes, then healed: RMS against the sealed scan, by region."""
    sealed, told, rng = case.sealed, Told(), case.rng("healing")
    mask = random_boxes(sealed, 32, case.wanted.overwritten, rng)
    if sealed.padding is not None:
        mask &= ~sealed.padding
    hu = sealed.hu.copy()
    hu[mask] = rng.normal(-300, 300, int(mask.sum())).astype(np.int16)
    try:
        recovery = recover(replace(sealed, hu=hu), KEY)
    except SealError:
        return {"healed": dict.fromkeys(REGIONS, math.inf)}
    told.count("a tenth of the scan in 32 mm boxes", sealed.hu, hu, recovery.healed, [(slice(None),) * 3])
    difference = recovery.volume.hu.astype(np.int32) - sealed.hu
    if difference[~recovery.healed].any():
        raise SystemExit("a voxel that was not healed is not what was sealed")
    measured = recovery.healed if sealed.padding is None else recovery.healed & ~sealed.padding
    regions = regions_of(sealed)
    rms = {}
    for name, region in REGIONS.items():
        part = difference[measured & (regions == region)].astype(np.float64)
        if part.size:
            rms[name] = float(np.sqrt(np.mean(part**2)))
    return {**told.figures(), "healed": rms}


def shares(case: Case) -> Figures:
    """The largest share of all voxels, in steps of 2 %, that can be tampered with and the scan still be healed."""
    sealed, found = case.sealed, {}
    kinds: dict[str, Callable[[float, np.random.Generator], NDArray[np.bool_]]] = {
        "boxes of 32 mm": lambda share, rng: random_boxes(sealed, 32, share, rng),
        "boxes of 64 mm": lambda share, rng: random_boxes(sealed, 64, share, rng),
        "whole slices": lambda share, rng: random_slices(sealed, share, rng),
    }
    for kind, draw in kinds.items():
        found[kind] = [_most_healed(sealed, draw, [case.wanted.seed, case.bits, i]) for i in range(case.wanted.repeats)]
    return {"share": found}


def _most_healed(
    sealed: CTVolume, draw: Callable[[float, np.random.Generator], NDArray[np.bool_]], seed: list[int]
) -> float:
    """By bisection: more of the same boxes never leave more of the copy."""
    heals, fails, reached = _LOWEST_PERCENT - _PERCENT_STEP, _HIGHEST_PERCENT + _PERCENT_STEP, 0.0
    while fails - heals > _PERCENT_STEP:
        percent = (heals + fails) // (2 * _PERCENT_STEP) * _PERCENT_STEP
        mask = draw(percent / 100, np.random.default_rng(seed))
        # Bit 2 carries no seal, whatever its strength.
        if verify(replace(sealed, hu=np.where(mask, sealed.hu ^ 4, sealed.hu)), KEY).can_be_healed:
            heals, reached = percent, float(mask.mean())
        else:
            fails = percent
    return reached


# ---- false alarms


def transcodings(case: Case) -> Figures:
    """Every lossless way to write and read the scan again; each must be intact."""
    sealed, alarms = case.sealed, {}
    bare = replace(sealed, source=None, padding=None, history=())

    def read_intact(name: str, path: Path) -> None:
        alarms[name] = not verify(read_ct(path), KEY).is_intact

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in ("scan.nii", "scan.nii.gz", "scan.mha", "scan.nrrd"):
            read_intact(name.removeprefix("scan."), write_image(bare, folder / name))
        now, written = sealed, folder
        for syntax in ("explicit-le", "deflated", "rle", "jpeg-ls", "jpeg-2000"):  # each from what the last wrote
            last, written = written, folder / syntax
            write_dicom(now, written, transfer_syntax=syntax)
            if last != folder:
                shutil.rmtree(last)
            now = read_ct(written)
            alarms[f"DICOM, {syntax}"] = not verify(now, KEY).is_intact
        _deidentify(written, case.rng("transcodings"))
        read_intact("DICOM, de-identified, files renamed", written)
        write_dicom(bare, folder / "new")
        read_intact("DICOM, new patient, study and series", folder / "new")
    return {"alarms": alarms}


def _deidentify(folder: Path, rng: np.random.Generator) -> None:
    """Replace identifiers and UIDs, drop free text and private elements, and give the files names in another order."""
    import pydicom
    from pydicom.uid import generate_uid

    files = sorted(folder.iterdir())
    study, series, frame = (generate_uid() for _ in range(3))
    patient = f"{rng.integers(10**6)}"
    for number, file in zip(rng.permutation(len(files)), files, strict=True):
        dataset = pydicom.dcmread(file)
        dataset.remove_private_tags()
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "", patient, ""
        for keyword in ("StudyDescription", "SeriesDescription", "StudyDate", "StudyTime", "InstitutionName"):
            if keyword in dataset:
                setattr(dataset, keyword, "")
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.save_as(folder / f"new-{number:05d}")
        file.unlink()


# ---- time and memory


def speed(path: Path, bits: int, wanted: Wanted) -> Figures:
    """Seconds, MiB beyond the volume and the longest silence, for 300 slices of 512 x 512 made of a scan's."""
    scan = middle(read_ct(path), path, wanted.slices)
    ny, nx = (min(512, n) for n in scan.shape[1:])
    part = np.pad(scan.hu[:, :ny, :nx], ((0, 0), (0, 512 - ny), (0, 512 - nx)), mode="edge")
    slices = _SPEED_SLICES if not wanted.slices else wanted.slices
    hu = np.pad(part, ((0, max(0, slices - len(part))), (0, 0), (0, 0)), mode="symmetric")[:slices]
    volume = CTVolume(np.ascontiguousarray(hu), (1.25, *scan.spacing[1:]))
    del scan, part, hu
    seal(replace(volume, hu=volume.hu[:8].copy()), KEY, bits=bits)  # loads libraries
    rows: dict[str, dict[str, float]] = {}

    def measured(name: str, work: Callable[..., Any]) -> Any:
        asked = [time.perf_counter()]
        before = resident_bytes()
        forget_peak()
        start, processor = time.perf_counter(), time.process_time()
        result = work(progress=lambda done, total, /: asked.append(time.perf_counter()))
        rows[name] = {
            "seconds": time.perf_counter() - start,
            "processor": time.process_time() - processor,
            "mib": max(0, peak_bytes() - before) / MIB,
            "silence": float(np.diff([*asked, time.perf_counter()]).max()),
        }
        return result

    sealed = measured("seal", lambda progress: seal(volume, KEY, bits=bits, progress=progress))
    measured("verify", lambda progress: verify(sealed, KEY, progress=progress))
    z = slices // 2
    changed = sealed.hu.copy()
    changed[z - 13 : z + 13, 200:246, 150:196] = 40
    tampered = replace(sealed, hu=changed)
    measured("recover", lambda progress: recover(tampered, KEY, progress=progress))
    return {"slices": slices, "load": os.getloadavg()[0], "rows": rows}


def diagnostic_of(figures: Figures) -> DiagnosticValue:
    """What `diagnostic` measured, from JSON."""
    from napari_mits_gan.evaluation.measures.diagnostic_value import Lungs, NoduleChange
    from napari_mits_gan.evaluation.measures.nodule import NoduleMeasure

    def lungs(name: str) -> tuple[Lungs, ...]:
        return tuple(Lungs(**one) for one in figures[name])

    def nodule(one: Figures) -> NoduleChange:
        measures = (None if one[of] is None else NoduleMeasure(**one[of]) for of in ("original", "protected"))
        return NoduleChange(*measures, one["found_original"], one["found_protected"])

    return DiagnosticValue(
        tuple(figures["region_mean_change_hu"]),
        tuple((a, b) for a, b in figures["region_sd_hu"]),
        lungs("lungs_original"),
        lungs("lungs_protected"),
        tuple(figures["lung_dice"]),
        tuple(nodule(one) for one in figures["nodules"]),
        tuple(figures["false_original"]),
        tuple(figures["false_protected"]),
    )


STAGES: dict[str, Callable[[Case], Figures]] = {
    "change": change,
    "diagnostic": diagnostic,
    "single-voxels": single_voxels,
    "copied": copied,
    "drawn": drawn,
    "healing": healing,
    "transcodings": transcodings,
    "injections": injections,
    "removals": removals,
    "shares": shares,
}
