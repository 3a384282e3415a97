import numpy as np
import pytest
import SimpleITK as sitk

from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.read import read_ct


def test_it_writes_a_series_that_stays_within_the_budget(image_file, short_scan, tmp_path, capsys):
    output = tmp_path / "out"
    options = [
        "--method",
        "gaussian-noise",
        "--max-change-hu",
        "7",
        "--seed",
        "3",
        "--series-description",
        "Safe chest",
    ]
    assert main(["protect", str(image_file), str(output), *options]) == 0
    assert capsys.readouterr().out.startswith("36 files in ")
    protected = read_ct(output)
    change = protected.hu.astype(int) - short_scan.hu
    assert 0 < np.abs(change).max() <= 7
    assert "Safe chest" in protected.name


def test_it_does_what_the_function_does(image_file, short_scan, tmp_path):
    from napari_mits_gan.protection.protect import protect

    main(["protect", str(image_file), str(tmp_path / "out"), "--method", "gaussian-noise", "--seed", "5"])
    expected = protect(short_scan, method="gaussian-noise", seed=5)
    np.testing.assert_array_equal(read_ct(tmp_path / "out").hu, expected.hu)


def test_another_program_reads_the_series(image_file, short_scan, tmp_path):
    output = tmp_path / "out"
    main(["protect", str(image_file), str(output), "--method", "gaussian-noise", "--transfer-syntax", "explicit-le"])
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(output)))
    assert image.GetSize()[::-1] == short_scan.shape
    np.testing.assert_allclose(image.GetSpacing()[::-1], short_scan.spacing)


def test_a_folder_with_something_in_it_is_refused_and_left_alone(image_file, tmp_path, capsys):
    (tmp_path / "precious.txt").write_text("mine")
    assert main(["protect", str(image_file), str(tmp_path)]) == 1
    assert "not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["precious.txt"]


def test_an_unknown_method_is_refused_with_the_known_ones(image_file, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["protect", str(image_file), str(tmp_path / "out"), "--method", "magic"])
    assert ended.value.code == 2
    assert "mits-gan" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_key_is_a_seed_that_only_its_owner_knows(image_file, short_scan, tmp_path):
    from napari_mits_gan.protection.noise_map import seed_from_key
    from napari_mits_gan.protection.protect import protect

    output = tmp_path / "out"
    main(["protect", str(image_file), str(output), "--method", "gaussian-noise", "--key", "ward 7, winter"])
    seed = seed_from_key("ward 7, winter")
    np.testing.assert_array_equal(read_ct(output).hu, protect(short_scan, method="gaussian-noise", seed=seed).hu)
    for file in output.iterdir():
        written = file.read_bytes()
        assert b"ward 7" not in written
        assert str(seed).encode() not in written


def test_a_key_and_a_seed_exclude_each_other(image_file, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["protect", str(image_file), str(tmp_path / "out"), "--key", "ward 7", "--seed", "5"])
    assert ended.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_a_key_can_be_read_from_a_file_or_be_asked_for(image_file, short_scan, tmp_path, monkeypatch):
    from napari_mits_gan.protection.protect import protect

    expected = protect(short_scan, method="gaussian-noise", key="ward 7, winter").hu
    (tmp_path / "key.txt").write_text("ward 7, winter\nnot this\n")
    monkeypatch.setattr("getpass.getpass", lambda prompt: "ward 7, winter")
    for number, source in enumerate((str(tmp_path / "key.txt"), "-")):
        output = tmp_path / f"out{number}"
        options = ["--method", "gaussian-noise", "--key-from", source]
        assert main(["protect", str(image_file), str(output), *options]) == 0
        np.testing.assert_array_equal(read_ct(output).hu, expected)


def test_a_key_file_that_is_not_there_is_said_before_the_work(image_file, tmp_path, capsys):
    options = ["--key-from", str(tmp_path / "nowhere.txt")]
    assert main(["protect", str(image_file), str(tmp_path / "out"), *options]) == 1
    assert "nowhere.txt" in capsys.readouterr().err


def test_a_wrong_transfer_syntax_is_said_before_the_work(image_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("napari_mits_gan.workflow.protect_series.read_ct", lambda *_, **__: pytest.fail("read"))
    assert main(["protect", str(image_file), str(tmp_path / "out"), "--transfer-syntax", "fast"]) == 1
    assert "explicit-le" in capsys.readouterr().err


def test_a_second_protection_is_refused_unless_it_is_asked_for(image_file, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    method = ["--method", "gaussian-noise", "--max-change-hu", "7"]
    main(["protect", str(image_file), str(first), *method])
    assert main(["info", str(first)]) == 0
    assert "protection (method=gaussian-noise, max_change_hu=7" in capsys.readouterr().out
    assert main(["protect", str(first), str(second), *method]) == 1
    assert "protected already: protection (method=gaussian-noise, max_change_hu=7" in capsys.readouterr().err
    assert not second.exists()
    assert main(["protect", str(first), str(second), *method, "--again"]) == 0
    assert "both changes add up" in capsys.readouterr().err
    assert [step.kind for step in read_ct(second).earlier] == ["protection", "protection"]


def test_a_scan_without_lungs_is_refused_and_changed_all_over_only_with_a_word(tmp_path, capsys):
    from napari_mits_gan.ct.image.write import write_image
    from napari_mits_gan.ct.volume import CTVolume

    hu = np.full((20, 60, 60), -1000, dtype=np.int16)
    hu[:, 10:50, 10:50] = 40
    write_image(CTVolume(hu, (2.0, 2.0, 2.0)), tmp_path / "trunk.nii.gz")
    arguments = ["protect", str(tmp_path / "trunk.nii.gz"), str(tmp_path / "out"), "--method", "constant-shift"]
    assert main(arguments) == 1
    assert "no lung was found" in capsys.readouterr().err
    assert main([*arguments, "--without-lungs"]) == 0
    assert "the whole body is changed" in capsys.readouterr().err
