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
    assert main(["protect", str(image_file), str(tmp_path / "out"), "--method", "magic"]) == 1
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
