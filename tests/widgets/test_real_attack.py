"""The window with the attackers that are shipped, not with light ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.demo import place_to_attack


@pytest.fixture
def real_dock(make_napari_viewer, settle, open_menu, viewers):
    viewer = make_napari_viewer(show=True)
    dock = open_menu(viewer)
    viewers.append((dock, viewer))
    settle(dock)
    return dock


def inject_by_mouse(dock, settle, click_at, scan, place):
    dock.workspace.session.open(scan)
    settle(dock)
    dock.sections["attack"].arm.click()
    click_at(dock, place)
    settle(dock)
    (injection,) = dock.workspace.session.injections
    assert np.abs(np.subtract(injection.at, place)).max() <= 1
    attacked = dock.workspace.panels.image("attack").data
    z, y, x = injection.at
    core = (slice(z - 3, z + 4), slice(y - 4, y + 5), slice(x - 4, x + 5))
    assert attacked[core].max() > -300
    assert attacked[core].mean() > scan.hu[core].mean() + 50


def test_a_real_click_in_the_lung_injects_a_nodule(real_dock, settle, click_at, sample_series):
    scan = read_ct(sample_series)
    inject_by_mouse(real_dock, settle, click_at, scan, place_to_attack(scan))


def test_a_real_click_in_the_right_lung_of_a_real_scan_injects_a_nodule(real_dock, settle, click_at, shared_ct):
    inject_by_mouse(real_dock, settle, click_at, read_ct(shared_ct / "LIDC-IDRI-0001"), (76, 227, 158))


def test_a_scan_thinner_than_the_cuboid_is_refused_and_the_window_goes_on(real_dock, settle, scan: CTVolume):
    real_dock.workspace.session.open(replace(scan, hu=scan.hu[:10]))
    settle(real_dock)
    real_dock.workspace.attacking.attack("inject", (5, 45, 34))
    settle(real_dock)
    assert "20 mm thick along z" in real_dock.message.complaint.text()
    assert real_dock.workspace.session.injections == ()
    assert real_dock.sections["attack"].here_button.isEnabled()
