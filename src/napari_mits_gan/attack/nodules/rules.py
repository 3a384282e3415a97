"""The rules that synthetic nodules follow: size, density, shape.

Shapes and densities span what the LIDC-IDRI readers describe (Armato et al., 2011): solid, part-solid and ground-glass;
smooth, lobulated or spiculated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_USUAL_SIZE = 0.9
"""Share of nodules of the usual size."""
_USUAL_DIAMETER_MM = (12.0, 2.5)
"""Mean and standard deviation."""
LONGEST_SPIKE = 1.9
"""Length of the longest spike of a nodule from its centre, in its radii."""


@dataclass(frozen=True)
class NoduleShape:
    """The parameters of one synthetic nodule; together with `seed` they recreate it.

    Parameters
    ----------
    diameter_mm : float
        Mean diameter.
    solid_hu : float
        HU of the solid part.
    rim_hu : float
        HU of a ground-glass rim; NaN where the nodule is solid throughout.
    elongation : tuple of float
        Ratio of the half axes (z, y, x) to the mean radius.
    lobulation : float
        Relative height of the bumps on the surface, 0 to about 0.25.
    spicules : int
        Number of spikes.
    edge_mm : float
        Standard deviation of the blur that the scanner puts on the edge.
    seed : int
        Fixes the surface and the spikes.
    """

    diameter_mm: float
    solid_hu: float
    rim_hu: float
    elongation: tuple[float, float, float]
    lobulation: float
    spicules: int
    edge_mm: float
    seed: int


def random_nodule(rng: np.random.Generator, diameter_mm: tuple[float, float] = (4.0, 30.0)) -> NoduleShape:
    """Draw the parameters of a nodule.

    Four in five are solid, one in ten part-solid, one in ten ground-glass. Nine in ten measure about 8 to 16 mm, as the
    nodules that CT-GAN was trained on (section 5.2: 10 to 16 mm); the tenth is anything within `diameter_mm`.
    """
    kind = rng.random()
    usual = rng.random() < _USUAL_SIZE
    diameter = float(rng.normal(*_USUAL_DIAMETER_MM) if usual else rng.uniform(*diameter_mm))
    solid = float(rng.normal(30, 25)) if kind < 0.9 else float(rng.uniform(-650, -350))
    rim = float(rng.uniform(-650, -350)) if 0.8 <= kind < 0.9 else float("nan")
    stretch = np.exp(rng.normal(0, 0.12, 3))
    z, y, x = stretch / np.prod(stretch) ** (1 / 3)
    return NoduleShape(
        diameter_mm=float(np.clip(diameter, *diameter_mm)),
        solid_hu=solid,
        rim_hu=rim,
        elongation=(float(z), float(y), float(x)),
        lobulation=float(rng.uniform(0.03, 0.22)),
        spicules=int(rng.poisson(5)) if rng.random() < 0.4 else 0,
        edge_mm=float(rng.uniform(0.6, 1.0)),
        seed=int(rng.integers(2**31)),
    )
