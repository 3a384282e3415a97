"""The window with the profile through the chosen attack and the histogram of what changed around it."""

from __future__ import annotations

import numpy as np

PLACE, OTHER = (20, 45, 34), (12, 40, 86)


def test_one_curve_for_each_panel_and_one_histogram_for_each_change(dock, scan, settle):
    section, work = dock.sections["compare"], dock.workspace
    assert not section.plots_button.isEnabled()
    work.attacking.attack("inject", PLACE)
    work.attacking.attack("remove", OTHER)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    section.four_button.click()
    section.plots_button.click()
    window = section.plots
    assert window.place.text() == "Remove at z 12, y 40, x 86"
    curves = window.plots.curves()
    n = np.prod([16, 32, 32])
    assert list(curves) == [
        *("Original", "Protected", "Attack on original", "Attack on protected"),
        *(f"Attack on {v}: {window_changed(work, v, OTHER)} of {n} voxels" for v in ("original", "protected")),
        f"Protection: {n} of {n} voxels",
    ]
    edges, hu = curves["Attack on protected"]
    line = work.session.attacked("protected").hu[12, 40, 86 - 32 : 86 + 33]
    np.testing.assert_array_equal(hu, line)
    np.testing.assert_allclose(edges, np.arange(-32.5, 33.5))
    section.usual_button.click()
    window.direction.setCurrentIndex(2)
    work.display.select(0)
    settle(dock)
    assert window.place.text().startswith("Inject at z 20")
    curves = window.plots.curves()
    assert list(curves)[:2] == ["Protected", "Attack on protected"]
    np.testing.assert_array_equal(curves["Protected"][1], work.session.protected.hu[20 - 16 : 20 + 17, 45, 34])
    work.session.clear()
    settle(dock)
    assert window.plots.curves() == {}
    assert "No attack is chosen" in window.place.text()
    window.close()


def window_changed(work, version: str, at) -> int:
    """How many voxels of the 32 mm around a place an attack changed."""
    part = tuple(slice(a - 16 // s, a + 16 // s) for a, s in zip(at, (2, 1, 1), strict=True))
    return int(np.count_nonzero(work.session.attacked(version).hu[part] != work.session.required(version).hu[part]))
