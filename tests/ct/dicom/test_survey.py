"""What an archive holds, without decoding a pixel."""

from __future__ import annotations

import pytest

from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.dicom import pixels
from napari_mits_gan.ct.dicom.survey import survey
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError


def _archive(dicom_series, place):
    def tilted(ds, z) -> None:
        ds.ImagePositionPatient = [0, z * 0.9, z * 2.5]

    def described(text):
        def edit(ds, z) -> None:
            ds.SeriesDescription, ds.ConvolutionKernel = text, "B30f"

        return edit

    return {
        "a": dicom_series(place / "a", edit=described("LUNG")),
        "a/b": dicom_series(place / "a" / "b", edit=tilted, shape=(4, 20, 18)),
        "c": dicom_series(place / "c", syntax="1.2.840.10008.1.2.4.80", shape=(5, 16, 16)),
        "d": dicom_series(place / "d", edit=lambda ds, z: setattr(ds, "RescaleType", "OD")),
        "e": dicom_series(place / "e", edit=lambda ds, z: setattr(ds, "Modality", "MR") or setattr(
            ds, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.4")),
    }  # fmt: skip


def test_each_series_is_told_as_it_would_be_read(dicom_series, tmp_path, monkeypatch) -> None:
    series = _archive(dicom_series, tmp_path)
    series["c"].files[1].unlink()
    with monkeypatch.context() as patch:
        patch.setattr(pixels, "stored_values", None)  # no pixel is decoded
        told = {s.folder: s for s in survey(tmp_path)}
    assert set(told) == set(series)
    for folder, surveyed in told.items():
        place = tmp_path / folder
        first = next(place.glob("*.dcm"))
        if not surveyed.refusal:
            volume = read_ct(first)
            assert (surveyed.shape, surveyed.spacing) == (volume.shape, volume.spacing)
            assert surveyed.tilt_degrees == volume.source.tilt_degrees
            continue
        assert surveyed.shape is None
        with pytest.raises(ReadError) as caught:
            read_ct(first)
        assert surveyed.refusal == str(caught.value) or folder == "e"
    assert {folder for folder, s in told.items() if not s.refusal} == {"a", "a/b"}
    assert told["a"].kernel == "B30f"
    assert "JPEG-LS" in told["c"].transfer_syntaxes[0]


def test_the_command_tells_each_series_on_a_line(dicom_series, tmp_path, capsys) -> None:
    _archive(dicom_series, tmp_path)
    assert main(["info", "--recursive", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 5
    lung = next(line for line in lines if "LUNG" in line)
    for word in (
        "CT",
        "5 images",
        "5 x 16 x 12",
        "2.5 x 0.8 x 0.7 mm",
        "B30f",
        "Explicit VR",
        "can be read and exported",
    ):
        assert word in lung
    assert "tilt 19." in next(line for line in lines if "tilt" in line)
    assert sum("cannot be read: " in line for line in lines) == 2
    assert "Doe" not in "\n".join(lines)


def test_a_file_cannot_be_surveyed(dicom_series, capsys) -> None:
    assert main(["info", "--recursive", str(dicom_series().files[0])]) == 1
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("count", [40])
def test_memory_does_not_grow_with_the_archive(dicom_series, tmp_path, count) -> None:
    import gc

    from napari_mits_gan.ct.dicom.header import SliceHeader

    for number in range(count):
        dicom_series(tmp_path / f"{number:03d}", shape=(3, 8, 8))

    def headers() -> int:
        gc.collect()
        return sum(type(thing) is SliceHeader for thing in gc.get_objects())

    before, most = headers(), 0  # other tests keep scans
    for number, _ in enumerate(survey(tmp_path)):
        if number % 10 == 9:
            most = max(most, headers())
    assert most - before <= 2 * 3
