"""The demonstration: napari with a scan and the dock, ready to be clicked in, or the whole loop run by itself."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_mits_gan.errors import MitsGanError, WriteError
from napari_mits_gan.session import Difference, Figures, Voxel
from napari_mits_gan.session.comparison import subtract
from napari_mits_gan.widgets.controls.figures_table import COLUMNS, ROWS
from napari_mits_gan.widgets.garbage import keep_what_is_loaded
from napari_mits_gan.widgets.main_dock import arrange_window, open_dock
from napari_mits_gan.widgets.sample import sample_folder
from napari_mits_gan.widgets.sections.evidence import EvidenceSection
from napari_mits_gan.widgets.sections.protect import ProtectSection
from napari_mits_gan.widgets.sections.section import Section

if TYPE_CHECKING:
    import napari

    from napari_mits_gan.attack.contract import Action
    from napari_mits_gan.ct.volume import CTVolume

BUDGET_HU = 20
DICOM_FOLDER, SEALED_FOLDER, REPORT, KEY_FILE = "protected_dicom", "sealed_dicom", "report.md", "demo.key"
TITLES = {
    "protection_slice": "Protected vs original, in the slice",
    "protection_cuboid": "Protected vs original, in the tampered cuboid",
    "attack_slice": "Attack on protected vs attack on original, in the slice",
    "attack_cuboid": "Attack on protected vs attack on original, in the tampered cuboid",
}


def run(path: Path | None = None, *, output: Path | None = None) -> None:
    """Show the main job on a scan.

    Parameters
    ----------
    path : Path, optional
        A CT scan; the sample unless told.
    output : Path, optional
        A new or empty folder: do the whole loop without a user (attack, protect, compare, export; seal, attack, check,
        recover) and leave there the pictures, both DICOM series, the key of the seal and a report. Without it, the
        window opens and waits for the user.

    Raises
    ------
    MitsGanError
        If a step of the loop fails, or the folder is not empty.
    """
    if output is not None and output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise WriteError(f"the folder {output.name} is not empty; choose a new or an empty one")
    demonstration = Demonstration(path if path is not None else sample_folder())
    try:
        if output is None:
            demonstration.wait_for_the_user()
        else:
            demonstration.write(output)
    finally:
        demonstration.close()


class Demonstration:
    """A window with a scan and the dock, and the steps of the main job as a user would take them.

    Parameters
    ----------
    path : Path
        The scan to open.
    viewer : napari.Viewer, optional
        A window that is open already.
    """

    def __init__(self, path: Path, viewer: napari.Viewer | None = None) -> None:
        import napari

        self.viewer: napari.Viewer = viewer or napari.Viewer(title="MITS-GAN", show_welcome_screen=False)
        self.dock = open_dock(self.viewer)
        self.dock.offers_tour = False  # it would stand in the pictures
        self.workspace = self.dock.workspace
        self._problem: str | None = None
        self.workspace.messages.complained.connect(self._remember)
        arrange_window(self.viewer, self.dock)
        if viewer is None:
            keep_what_is_loaded(self.workspace)
        self.dock.show_page("attack")
        self.workspace.loading.open_path(str(path))
        self.wait()

    @property
    def scan(self) -> CTVolume:
        """The scan that was opened, with its seal if it has one by now."""
        return self.workspace.session.required("original")

    def wait(self) -> None:
        """Let the window work until nothing is under way.

        Raises
        ------
        MitsGanError
            If something went wrong meanwhile.
        """
        work = self.workspace
        while not work.at_rest:
            loop = QEventLoop()
            for lane in (work.slow, work.quick, work.ahead):
                lane.idle.connect(loop.quit)
            loop.exec()
        if self._problem is not None:
            problem, self._problem = self._problem, None
            raise MitsGanError(problem)

    def wait_for_the_user(self) -> None:
        """Hand the window over, ready to be clicked in, until it is closed."""
        import napari

        self.workspace.clicking.arm(True)
        self.workspace.messages.say(
            "Click into a lung to inject a nodule; then press the switch above to protect the scan, and see what "
            "becomes of it. Or make a key on the page Evidence, seal the scan, and Check: what was changed is "
            "found and undone."
        )
        if self.workspace.preferences.tour:
            self.dock.tour.start()
        napari.run()

    def attack(self, action: Action, at: Voxel) -> None:
        """Inject or remove at a voxel (z, y, x), and look at it closely."""
        self.workspace.attacking.attack(action, at)
        self.wait()
        self.workspace.display.select(len(self.workspace.session.injections) - 1)
        self.workspace.display.zoom()
        self.wait()

    def protect(self, max_change_hu: int = BUDGET_HU) -> None:
        """Press Protect and wait."""
        section = self.dock.section(ProtectSection)
        section.budget.setValue(max_change_hu)
        section.protect_button.click()
        self.wait()

    def switch(self, on: bool) -> None:
        """Switch the protection on or off and wait for the replay."""
        self.workspace.protecting.switch(on)
        self.wait()

    def seal(self, key_file: Path) -> None:
        """Seal the scan that is shown, with a new key in a file, or the one that is there."""
        evidence = self.workspace.evidence
        if key_file.exists():
            evidence.choose_key(key_file)
        else:
            evidence.make_key(key_file)
        evidence.seal()
        self.wait()

    def check(self) -> None:
        """Press Check and wait."""
        self.dock.section(EvidenceSection).check_button.click()
        self.wait()

    def recover(self) -> None:
        """Press Recover and wait."""
        self.dock.section(EvidenceSection).recover_button.click()
        self.wait()

    def show_section(self, kind: type[Section]) -> None:
        """Show the page of a section."""
        self.dock.show_page(kind.name)

    def look_at(self, kind: Difference) -> None:
        """Choose a difference and wait for it."""
        self.workspace.display.choose_difference(kind)
        self.wait()

    def picture(self, path: Path) -> None:
        """Save what the window shows as PNG."""
        _handle_events_for(300)  # the window draws and lays out its parts only while events are handled
        self.wait()  # figures follow the slice a moment later
        _handle_events_for(100)
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)

    def write(self, output: Path) -> None:
        """The whole loop without a user; pictures, DICOM series and report go to a folder."""
        output.mkdir(parents=True, exist_ok=True)
        place = place_to_attack(self.scan)
        _tell("attacking")
        self.attack("inject", place)
        self.picture(output / "attack_on_original.png")
        _tell("protecting; this takes up to half a minute on a CPU")
        self.protect()
        self.look_at(Difference.EFFECT)
        self.picture(output / "attack_on_protected.png")
        _tell("writing the protected series")
        self.workspace.exporting.export(str(output / DICOM_FOLDER))
        self.wait()
        report = self._report(self.workspace.display.figures, place)
        _tell("sealing the original scan")
        self.workspace.session.clear()
        self.switch(False)
        self.seal(output / KEY_FILE)
        self.workspace.exporting.export(str(output / SEALED_FOLDER), shown=True)
        self.wait()
        _tell("attacking the sealed scan, checking and healing it")
        self.attack("inject", place)
        self.look_at(Difference.ATTACK)
        self.check()
        self.show_section(EvidenceSection)
        self.picture(output / "attack_found.png")
        self.recover()
        self.show_section(EvidenceSection)
        self.picture(output / "attack_undone.png")
        (output / REPORT).write_text(report + self._report_of_the_seal(), encoding="utf-8")
        _tell(f"done: pictures, {DICOM_FOLDER}, {SEALED_FOLDER} with its {KEY_FILE}, and {REPORT} are in {output}")

    def close(self) -> None:
        """Close the window, unless the user has done so."""
        try:
            self.viewer.close()
        except RuntimeError:  # the user was quicker
            return
        application = QApplication.instance()
        if application is not None:
            application.processEvents()

    # ---- inside

    def _remember(self, problem: str) -> None:
        self._problem = problem

    def _report(self, figures: Figures, place: Voxel) -> str:
        session = self.workspace.session
        scan, protected = session.required("original"), session.required("protected")
        steps = [dict(step.parameters) for step in protected.history if step.kind == "protection"]
        lines = [
            "# MITS-GAN demonstration",
            "",
            f"Scan: {scan.name}, {' × '.join(map(str, scan.shape))} voxels (z, y, x) of "
            f"{' × '.join(f'{s:.4g}' for s in scan.spacing)} mm.",
            f"Simulated attack: CT-GAN injects a nodule at voxel (z, y, x) = {place}.",
            f"Protection: {steps[-1] if steps else 'none'}.",
            f"Computed on {platform.machine()} with the device “{session.networks.device}”.",
            "",
            "| | " + " | ".join(title for title, _, _ in ROWS) + " |",
            "|---|" + "---|" * len(ROWS),
        ]
        for part in COLUMNS:
            fidelity = getattr(figures, part)
            if fidelity is not None:
                cells = [pattern.format(getattr(fidelity, name)) for _, name, pattern in ROWS]
                lines.append(f"| {TITLES[part]} | " + " | ".join(cells) + " |")
        lines += ["", "SSIM is that of the lung window, -1350 to 150 HU; PSNR refers to a range of 4095 HU.", ""]
        return "\n".join(lines)

    def _report_of_the_seal(self) -> str:
        session = self.workspace.session
        original, sealed, found = session.original, session.required("original"), session.examined
        if original is None or found is None or found.recovery is None:
            raise MitsGanError("the sealed scan was attacked, and the check found nothing to heal")
        before = subtract(found.recovery.tampered_hu, sealed.hu)[found.recovery.healed].astype(float)
        after = subtract(found.recovery.volume.hu, sealed.hu)[found.recovery.healed].astype(float)
        lines = [
            "## The seal",
            "",
            f"The original scan was sealed in {found.verdict.bits} bit a voxel: no HU changed by more than "
            f"{int(np.abs(subtract(sealed.hu, original.hu)).max())}. The same nodule was then injected.",
            "",
            f"Check: {found.headline}",
            "",
            *(f"- {finding.sentence}" for finding in found.verdict.findings),
            "",
            f"Recover: in the blocks named, the attack differed from the sealed scan by {_rms(before):.1f} HU RMS, "
            f"the healed scan by {_rms(after):.1f} HU RMS; everywhere else it is the sealed one to the bit.",
            "",
            f"Check the export on the command line: `napari-mits-gan verify {SEALED_FOLDER} --key-file {KEY_FILE}`.",
            "",
        ]
        return "\n" + "\n".join(lines)


def _handle_events_for(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def place_to_attack(scan: CTVolume) -> Voxel:
    """A place in a lung with little but lung around, where a nodule is easily seen: the same one for the same scan."""
    from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
    from napari_mits_gan.session import cuboid

    def tissue(place: Voxel) -> float:
        return float((scan.hu[cuboid(scan, place)] > -600).mean())

    return min(random_lung_clicks(scan, 40, seed=0), key=tissue)


def _tell(text: str) -> None:
    print(f"MITS-GAN: {text}", flush=True)
