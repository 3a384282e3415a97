"""One thing that was done to a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal


@dataclass(frozen=True)
class Step:
    """One thing that was done to a volume, with all that is needed to do it again.

    Parameters
    ----------
    kind : {"protection", "attack", "mark", "seal", "recovery"}
        What was done. A volume with an "attack" step is never exported as DICOM.
    parameters : mapping
        JSON-serialisable names and values: method, weights digest, seed, place in voxels, budget in HU.
    """

    kind: Literal["protection", "attack", "mark", "seal", "recovery"]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, dict(self.parameters))  # a read-only view of a dict cannot be pickled

    @property
    def words(self) -> str:
        """Kind and settings in a line.

        Examples
        --------
        >>> Step("protection", {"method": "mits-gan", "max_change_hu": 20}).words
        'protection (method=mits-gan, max_change_hu=20)'
        """
        settings = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.kind} ({settings})" if settings else self.kind
