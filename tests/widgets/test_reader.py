from __future__ import annotations

import zipfile

import numpy as np
import pytest

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import SeveralSeriesError
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError
from napari_mits_gan.widgets.layers.volume_layer import VOLUME_KEY
from napari_mits_gan.widgets.reader import get_reader
from napari_mits_gan.widgets.sample import chest_phantom, sample_folder

IMAGE_SUFFIXES = (".nii", ".nii.gz", ".mha", ".nrrd")


@pytest.fixture
def series(scan, tmp_path):
    write_dicom(scan, tmp_path / "series")
    return tmp_path / "series"


@pytest.mark.parametrize("name", ["scan.txt", "scan.png", "scan", "scan.gz"])
def test_other_files_are_left_to_other_readers(name, tmp_path):
    path = tmp_path / name
    path.touch()
    assert get_reader(str(path)) is None
    assert get_reader([str(path)]) is None


def test_folders_of_other_formats_are_left_to_other_readers(tmp_path):
    folder = tmp_path / "image.zarr"
    folder.mkdir()
    assert get_reader(str(folder)) is None


def test_a_dicom_file_without_an_ending_is_taken(series, tmp_path):
    bare = tmp_path / "IM000001"
    bare.write_bytes(next(series.iterdir()).read_bytes())
    assert get_reader(str(bare)) is not None


def test_nothing_at_all_is_left_to_other_readers():
    assert get_reader([]) is None


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_image_files_are_read_with_their_spacing(suffix, scan, tmp_path):
    path = tmp_path / f"scan{suffix}"
    write_image(scan, path)
    ((data, options, kind),) = get_reader(str(path))(str(path))
    assert kind == "image"
    assert np.array_equal(data, scan.hu)
    assert np.allclose(options["scale"], scan.spacing)


def test_a_folder_a_file_and_a_stack_of_files_give_the_whole_series_once(series, scan):
    files = sorted(str(file) for file in series.iterdir())
    for path in (str(series), files[3], files):
        layers = get_reader(path)(path)
        assert len(layers) == 1
        assert np.array_equal(layers[0][0], scan.hu)


def test_an_empty_folder_is_refused_in_one_sentence(tmp_path):
    reader = get_reader(str(tmp_path))
    with pytest.raises(ReadError) as caught:
        reader(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_scan_opened_by_napari_is_taken_by_the_dock(make_dock, series, viewer_of, qtbot, settle):
    dock = make_dock()
    viewer = viewer_of(dock)
    for data, options, _ in get_reader(str(series))(str(series)):
        viewer.add_image(data, **options)
    qtbot.waitUntil(lambda: dock.workspace.session.original is not None)
    settle(dock)
    assert [layer.name for layer in viewer.layers] == ["Scan · original", "Marks · scan"]
    assert viewer.layers[0].metadata[VOLUME_KEY].source is not None


def test_a_dock_that_is_opened_later_takes_the_scan_as_well(
    make_napari_viewer, series, settle, open_menu, light_session
):
    viewer = make_napari_viewer()
    for data, options, _ in get_reader(str(series))(str(series)):
        viewer.add_image(data, **options)
    dock = open_menu(viewer)
    settle(dock)
    assert dock.workspace.session.original is not None
    assert viewer.layers[0].name == "Scan · original"


def test_the_sample_is_a_chest_large_enough_to_work_on():
    assert sample_folder().is_dir()
    ((data, options, kind),) = chest_phantom()
    assert kind == "image"
    assert data.dtype == np.int16
    assert data.shape[2] * options["scale"][2] > 200


def test_the_manifest_offers_reader_sample_and_dock(make_napari_viewer, plugin, light_session, series):
    from napari_mits_gan.widgets.main_dock import MitsGanDock

    viewer = make_napari_viewer()
    (layer,) = viewer.open(str(series), plugin="napari-mits-gan")
    assert layer.metadata[VOLUME_KEY].shape == layer.data.shape
    _, dock = viewer.window.add_plugin_dock_widget("napari-mits-gan", "MITS-GAN")
    assert isinstance(dock, MitsGanDock)
    assert dock.workspace.session.original is layer.metadata[VOLUME_KEY]
    viewer.layers.clear()
    viewer.open_sample("napari-mits-gan", "chest_phantom")
    assert len(viewer.layers) >= 1


def test_of_two_series_napari_asks_the_user(scan, tmp_path, qtbot):
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication

    other = CTVolume(scan.hu[:, ::2], spacing=(2.0, 2.0, 1.0))
    both = tmp_path / "both"
    write_dicom(scan, both / "one", series_description="one")
    write_dicom(other, both / "two", series_description="two")

    def answer(accept: bool) -> None:
        chooser = QApplication.activeModalWidget()
        rows = [chooser.list.item(row).text() for row in range(chooser.list.count())]
        chooser.list.setCurrentRow(next(row for row, text in enumerate(rows) if text.startswith("two")))
        chooser.accept() if accept else chooser.reject()

    QTimer.singleShot(0, lambda: answer(True))
    ((data, _, _),) = get_reader(str(both))(str(both))
    assert data.shape == other.shape
    QTimer.singleShot(0, lambda: answer(False))
    with pytest.raises(SeveralSeriesError, match="choose one of them"):
        get_reader(str(both))(str(both))


def test_a_packed_series_is_opened_and_a_packed_zarr_is_left_to_others(series, scan, tmp_path):
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path, "w") as made:
        for file in sorted(series.iterdir()):
            made.write(file, file.name)
    ((data, *_),) = get_reader(str(path))(str(path))
    assert np.array_equal(data, scan.hu)
    path.rename(tmp_path / "image.ome.zarr.zip")
    assert get_reader(str(tmp_path / "image.ome.zarr.zip")) is None
