from __future__ import annotations

import pytest

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import MitsGanError, WriteError
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.key import read_key
from napari_mits_gan.widgets.demo import Demonstration, run


def test_a_folder_that_is_not_empty_is_refused_before_the_window_opens(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(WriteError, match="not empty"):
        run(output=tmp_path)


def test_the_whole_loop_leaves_pictures_series_and_report(
    make_napari_viewer, plugin, light_session, short_series, tmp_path
):
    output = tmp_path / "output"
    demonstration = Demonstration(short_series, make_napari_viewer(show=True))
    demonstration.write(output)
    session = demonstration.workspace.session
    assert (read_ct(output / "protected_dicom").hu == session.protected.hu).all()
    report = (output / "report.md").read_text(encoding="utf-8")
    assert "Attack on protected vs attack on original, in the tampered cuboid" in report
    assert str(session.injections[0].at) in report
    assert "no HU changed by more than 1." in report
    assert "Check: Tampered" in report
    assert verify(read_ct(output / "sealed_dicom"), read_key(output / "demo.key")).is_intact
    secret = (output / "demo.key").read_text().split()[-1]
    assert secret not in report
    for picture in ("attack_on_original.png", "attack_on_protected.png", "attack_found.png", "attack_undone.png"):
        assert (output / picture).stat().st_size > 50_000


def test_a_scan_that_cannot_be_read_ends_the_demonstration_with_its_reason(
    make_napari_viewer, plugin, light_session, tmp_path
):
    with pytest.raises(MitsGanError, match="nowhere"):
        Demonstration(tmp_path / "nowhere", make_napari_viewer())
