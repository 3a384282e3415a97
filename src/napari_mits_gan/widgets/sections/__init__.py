"""The pages of the dock, in the order of their titles. A new one is one file here and one line in `SECTIONS`."""

from __future__ import annotations

from napari_mits_gan.widgets.sections.attack import AttackSection
from napari_mits_gan.widgets.sections.compare import CompareSection
from napari_mits_gan.widgets.sections.evidence import EvidenceSection
from napari_mits_gan.widgets.sections.export import ExportSection
from napari_mits_gan.widgets.sections.inspect import InspectSection
from napari_mits_gan.widgets.sections.protect import ProtectSection
from napari_mits_gan.widgets.sections.scan import ScanSection
from napari_mits_gan.widgets.sections.section import Section

SECTIONS: list[type[Section]] = [
    ScanSection,
    ProtectSection,
    AttackSection,
    CompareSection,
    EvidenceSection,
    InspectSection,
    ExportSection,
]
