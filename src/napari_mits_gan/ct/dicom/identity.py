"""From what an export draws its UIDs and its time: at random, or from what it writes."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from pydicom.uid import UID, generate_uid

from napari_mits_gan.ct.dicom.provenance import describe
from napari_mits_gan.ct.dicom.source import DicomSource
from napari_mits_gan.ct.volume import CTVolume

_NAMESPACE = uuid.UUID("6e0f7d0c-0d6e-4b1f-9c56-3d1b1f9c6a52")
"""A UUID drawn once, so that no other software draws the same UIDs from the same content."""


@dataclass(frozen=True)
class Identity:
    """What makes an export another one than all others.

    Parameters
    ----------
    made_at : datetime
        When it is said to be made, with a time zone.
    root : UUID or None
        What its UIDs are drawn from; None draws each at random.
    """

    made_at: datetime
    root: uuid.UUID | None = None

    @classmethod
    def now(cls) -> Identity:
        """Of an export like no other."""
        return cls(datetime.now().astimezone())

    @classmethod
    def of_content(cls, volume: CTVolume, made_at: datetime, *settings: object) -> Identity:
        """Of an export whose files are the same, byte for byte, whenever the same scan is written at the same time.

        Parameters
        ----------
        volume : CTVolume
            What is written.
        made_at : datetime
            When it is said to be made.
        settings : object
            What else decides about the files; their text counts.
        """
        digest = hashlib.sha256()
        source = volume.source
        images = [(s.header.sop_uid, s.header.frame) for s in source.slices] if isinstance(source, DicomSource) else []
        # What was done is told as the files tell it: a seed must not be found out by trying.
        done = describe(volume.history)
        told = (volume.shape, volume.spacing, volume.origin, volume.direction.tolist(), done, images, settings)
        digest.update(repr((made_at.isoformat(), *told)).encode())
        for hu in volume.hu:
            digest.update(hu.tobytes())
        return cls(made_at, uuid.uuid5(_NAMESPACE, digest.hexdigest()))

    def uid(self, *what: object) -> UID:
        """The UID of one thing of the export, named by texts and numbers: PS3.5 B.2, a UUID below 2.25."""
        if self.root is None:
            return generate_uid(prefix=None)
        return UID(f"2.25.{uuid.uuid5(self.root, repr(what)).int}")
