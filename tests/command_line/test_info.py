import shutil

from napari_mits_gan.command_line.info import facts
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.volume import Step


def test_it_tells_size_spacing_and_hu(series_folder, capsys):
    assert main(["info", str(series_folder)]) == 0
    told = capsys.readouterr().out
    assert "8 x 256 x 256 (z, y, x)" in told
    assert "2 x 1.3 x 1.3 mm" in told
    assert "Short chest" in told
    assert "DICOM" in told


def test_it_tells_nothing_about_the_patient(series_folder, capsys):
    main(["info", str(series_folder)])
    assert "anonymous" not in capsys.readouterr().out.lower()


def test_several_series_are_listed_with_the_uids_to_choose_from(series_folder, short_scan, tmp_path, capsys):
    both = tmp_path / "both"
    shutil.copytree(series_folder, both / "first")
    write_dicom(short_scan, both / "second", series_description="Longer chest")
    assert main(["info", str(both)]) == 1
    out, err = capsys.readouterr()
    lines = out.strip().splitlines()
    assert len(lines) == 2
    assert "2 CT series" in err
    uid = next(line for line in lines if "Longer chest" in line).split()[0]
    assert main(["info", str(both), "--series", uid]) == 0
    assert "36 x 256 x 256" in capsys.readouterr().out


def test_a_simulated_attack_is_called_that(short_scan):
    tampered = short_scan.with_hu(short_scan.hu, Step("attack", {"action": "inject", "at": [1, 2, 3]}))
    assert facts(tampered)["step 1"] == "SIMULATED ATTACK (action=inject, at=[1, 2, 3])"


def test_what_was_moved_when_a_scan_was_read_is_told(dicom_series, capsys) -> None:
    def tilted(ds, z) -> None:
        ds.ImagePositionPatient = [0, z * 0.9, z * 2.5]

    series = dicom_series(edit=tilted, shape=(4, 20, 18))
    assert main(["info", str(series.folder)]) == 0
    told = capsys.readouterr()
    assert "note 1:     The gantry was tilted by 19.8 degrees; the slices were moved onto a grid." in told.out
    assert "Note: The gantry was tilted" in told.err
