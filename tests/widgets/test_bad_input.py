from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers.volume_layer import LayerError, volume_of

PLACE = (20, 45, 34)


@pytest.fixture
def complaint(dock):
    """The last thing that the dock complained of."""
    return lambda: dock.message.complaint.text()


def open_path(dock, settle, path: Path) -> None:
    dock.sections["scan"].path.setText(str(path))
    dock.sections["scan"].path.returnPressed.emit()
    settle(dock)


def assert_one_sentence(text: str) -> None:
    assert text
    assert text[0].isupper() or not text[0].isalpha()
    assert text.endswith(".")
    assert "Traceback" not in text
    assert "\n" not in text


def test_an_empty_folder_and_a_text_file_are_refused_and_the_open_scan_stays(dock, settle, complaint, scan, tmp_path):
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    text = tmp_path / "notes.txt"
    text.write_text("no scan")
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (text, empty, tmp_path / "nowhere"):
        open_path(dock, settle, path)
        assert_one_sentence(complaint())
        assert dock.workspace.session.original is scan
        assert dock.workspace.session.injections == (Injection("inject", PLACE),)
        assert dock.sections["scan"].folder_button.isEnabled()


@pytest.mark.both_bindings
def test_of_two_series_the_user_chooses_one(dock, settle, complaint, scan, tmp_path, qtbot):
    other = CTVolume(scan.hu[:, ::2], spacing=(2.0, 2.0, 1.0), name="other")
    for number, volume in enumerate((scan, other)):
        write_dicom(volume, tmp_path / f"s{number}", series_description=f"series {number}")
    both = tmp_path / "both"
    both.mkdir()
    for number in (0, 1):
        for file in (tmp_path / f"s{number}").iterdir():
            shutil.copy(file, both / f"{number}_{file.name}")
    choosers = []
    ask = dock.sections["scan"].choose_series
    dock.workspace.loading.several_series.disconnect()
    dock.workspace.loading.several_series.connect(lambda path, series: choosers.append(ask(path, series)))
    open_path(dock, settle, both)
    assert complaint() == ""
    assert "choose one" in dock.message.text.text()
    assert dock.workspace.session.original is scan
    (chooser,) = choosers
    rows = [chooser.list.item(row).text() for row in range(chooser.list.count())]
    assert len(rows) == 2
    wanted = next(row for row, text in enumerate(rows) if text.startswith("series 1"))
    chooser.list.setCurrentRow(wanted)
    chooser.accept()
    settle(dock)
    assert dock.workspace.session.original.shape == other.shape


def test_of_the_volumes_that_a_series_mixes_the_user_chooses_one(dock, settle, dicom_series):
    def edit(ds, z):
        ds.ConvolutionKernel = ("B30f", "B70f")[z % 2]

    choosers = []
    ask = dock.sections["scan"].choose_series
    dock.workspace.loading.several_series.disconnect()
    dock.workspace.loading.several_series.connect(lambda path, series: choosers.append(ask(path, series)))
    open_path(dock, settle, dicom_series(shape=(8, 30, 40), edit=edit).folder)
    (chooser,) = choosers
    rows = [chooser.list.item(row).text() for row in range(chooser.list.count())]
    chooser.list.setCurrentRow(next(row for row, text in enumerate(rows) if "kernel B70f" in text))
    chooser.accept()
    settle(dock)
    assert dock.workspace.session.original.shape == (4, 30, 40)
    assert "kernel B70f, 2 of 2" in dock.sections["scan"].notes.text()


def test_a_place_outside_the_scan_is_refused(dock, settle, complaint):
    dock.sections["attack"].voxel_boxes.boxes[0].setValue(40)
    dock.sections["attack"].here_button.click()
    settle(dock)
    assert_one_sentence(complaint())
    assert "outside the scan" in complaint()
    assert dock.workspace.session.injections == ()


def test_a_click_beside_the_scan_is_refused(dock, settle, complaint, viewer_of):
    assert dock.workspace.attacking.click((50.0, 500.0, 0.0)) is None
    assert_one_sentence(complaint())
    assert dock.workspace.session.injections == ()


def test_a_click_in_three_dimensions_is_refused(dock, complaint, viewer_of):
    viewer_of(dock).dims.ndisplay = 3
    assert dock.workspace.attacking.click((50.0, 0.0, 0.0)) is None
    assert_one_sentence(complaint())


def test_a_scan_thinner_than_the_cuboid_is_refused_and_earlier_attacks_stay(make_dock, settle, scan):
    from napari_mits_gan.errors import AttackError

    class Refuses:
        def tamper(self, volume, at, out=None):
            raise AttackError("the scan is only 8 mm thick along z, and the attack needs 32 mm.")

    dock = make_dock(scan, load_attacker=lambda action, device: Refuses())
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert dock.message.complaint.text() == "The scan is only 8 mm thick along z, and the attack needs 32 mm."
    assert dock.workspace.session.injections == ()
    assert dock.sections["attack"].list.count() == 0


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "choose the device “cpu”"),
        (MemoryError(), "too little free memory"),
        (RuntimeError("DOE^JANE 1234"), "failed unexpectedly (RuntimeError)"),
    ],
)
def test_what_goes_wrong_in_the_protection_is_one_sentence_without_foreign_text(make_dock, settle, scan, error, says):
    def fails(volume, options, progress):
        raise error

    dock = make_dock(scan, protector=fails)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    text = dock.message.complaint.text()
    assert says in text
    assert "DOE" not in text
    assert dock.sections["protect"].protect_button.isEnabled()
    assert dock.workspace.session.protected is None


def test_a_folder_that_is_not_empty_is_not_exported_to(dock, settle, complaint, tmp_path):
    dock.sections["protect"].protect_button.click()
    settle(dock)
    mine = tmp_path / "mine.txt"
    mine.write_text("keep me")
    dock.sections["export"].folder.setText(str(tmp_path))
    dock.sections["export"].export_button.click()
    settle(dock)
    assert_one_sentence(complaint())
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    assert mine.read_text() == "keep me"


def test_a_simulated_attack_is_never_exported(dock, settle, complaint, viewer_of, tmp_path):
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    viewer = viewer_of(dock)
    viewer.layers.selection.active = viewer.layers["SIMULATED ATTACK · original"]
    dock.sections["export"].source.setCurrentText("Selected layer")
    dock.sections["export"].folder.setText(str(tmp_path / "out"))
    dock.sections["export"].export_button.click()
    settle(dock)
    assert_one_sentence(complaint())
    assert "simulated attack" in complaint()
    assert not (tmp_path / "out").exists()


def test_neither_a_copy_of_an_attack_nor_a_difference_is_exported(dock, settle, complaint, viewer_of, tmp_path):
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    viewer = viewer_of(dock)
    attacked = viewer.layers["SIMULATED ATTACK · protected"]
    copies = [
        viewer.add_image(attacked.data.copy(), metadata=dict(attacked.metadata), name="innocent"),
        viewer.add_image(attacked.data.copy(), name="SIMULATED ATTACK · protected [1]"),
        viewer.layers["Difference (HU) · attacked − scan"],
    ]
    dock.sections["export"].source.setCurrentText("Selected layer")
    for number, layer in enumerate(copies):
        viewer.layers.selection.active = layer
        dock.sections["export"].folder.setText(str(tmp_path / str(number)))
        dock.message.say("")
        dock.sections["export"].export_button.click()
        settle(dock)
        assert_one_sentence(complaint())
    assert list(tmp_path.iterdir()) == []


def test_exporting_before_protecting_or_without_a_folder_is_refused(dock, settle, complaint, tmp_path):
    dock.sections["export"].export_button.click()
    assert "folder" in complaint()
    dock.sections["export"].folder.setText(str(tmp_path / "out"))
    dock.sections["export"].export_button.click()
    assert "Protect" in complaint()
    assert not (tmp_path / "out").exists()


@pytest.mark.both_bindings
def test_the_exported_series_holds_the_protected_layer_voxel_by_voxel(dock, settle, tmp_path, viewer_of):
    import SimpleITK as sitk

    dock.sections["protect"].protect_button.click()
    settle(dock)
    dock.sections["export"].folder.setText(str(tmp_path / "out"))
    dock.sections["export"].export_button.click()
    settle(dock)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
    image = reader.Execute()
    scan = dock.workspace.session.original
    assert np.array_equal(sitk.GetArrayFromImage(image), viewer_of(dock).layers["Scan · protected"].data)
    assert np.allclose(image.GetSpacing(), scan.spacing[::-1])
    assert np.allclose(image.GetOrigin(), scan.origin)


def test_layers_that_are_no_ct_are_refused_with_the_reason(dock, complaint, viewer_of, scan):
    viewer = viewer_of(dock)
    flawed = np.zeros((4, 5, 6), dtype=np.float32)
    flawed[1, 2, 3] = np.nan
    wrong = {
        "colour": viewer.add_image(np.zeros((6, 5, 3), dtype=np.uint8), rgb=True, name="rgb"),
        "4 axes": viewer.add_image(np.zeros((2, 3, 4, 5), dtype=np.int16), name="four"),
        "not finite": viewer.add_image(flawed, name="nan"),
        "cannot be HU": viewer.add_image(np.full((4, 5, 6), 70000, dtype=np.int32), name="large"),
        "no image": viewer.add_labels(np.zeros((4, 5, 6), dtype=np.uint8), name="labels"),
    }
    for says, layer in wrong.items():
        viewer.layers.selection.active = layer
        dock.sections["scan"].layer_button.click()
        assert_one_sentence(complaint())
        assert says in complaint()
        assert dock.workspace.session.original is scan
    with pytest.raises(LayerError, match="no layer is selected"):
        volume_of(None)


def test_any_grey_layer_with_three_axes_can_be_taken_for_a_scan(dock, settle, viewer_of):
    viewer = viewer_of(dock)
    data = np.linspace(-1000, 500, 40 * 50 * 60).reshape(40, 50, 60)
    layer = viewer.add_image(data, scale=(2.5, 0.8, 0.8), translate=(7, 8, 9), name="mine")
    viewer.layers.selection.active = layer
    dock.sections["scan"].layer_button.click()
    settle(dock)
    taken = dock.workspace.session.original
    assert taken.spacing == (2.5, 0.8, 0.8)
    assert taken.origin == (9.0, 8.0, 7.0)
    assert np.array_equal(taken.hu, np.rint(data).astype(np.int16))
    assert not layer.visible
    assert layer in viewer.layers
