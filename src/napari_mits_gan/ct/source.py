"""What a volume knows of the file or series that it was read from."""

from __future__ import annotations

from abc import ABC, abstractmethod

from napari_mits_gan.ct.step import Step
from napari_mits_gan.ct.storable import StorableHU


class Source(ABC):
    """Where a volume came from, as far as those have to know who know nothing of file formats."""

    @property
    @abstractmethod
    def series_uid(self) -> str:
        """What identifies the source: for DICOM its SeriesInstanceUID."""

    @abstractmethod
    def storable(self, z: int) -> StorableHU:
        """The HU that the source's own format can store in slice `z`, without those that mean padding there."""

    @property
    def earlier(self) -> tuple[Step, ...]:
        """What this software did to the scan before it was read, oldest first, as far as the source says so."""
        return ()
