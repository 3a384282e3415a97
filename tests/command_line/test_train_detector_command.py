"""`napari-mits-gan train detector`: the detector, trained by the project's own command."""

from __future__ import annotations

import pytest

from napari_mits_gan.command_line.main import main
from napari_mits_gan.detection.detector import NoduleDetector


def test_a_detector_is_trained_and_can_be_loaded(image_file, short_scan, tmp_path):
    output = tmp_path / "mine.safetensors"
    arguments = ["train", "detector", str(image_file), "--output", str(output), "--steps", "1", "--seed", "5"]
    assert main([*arguments, "--device", "cpu"]) == 0
    detector = NoduleDetector.load(output, "cpu")
    assert detector.weights.metadata["seed"] == 5
    assert 0 <= detector.scores(short_scan, [(17, 105, 73)])[0] <= 1


@pytest.mark.parametrize("option", [["--base-filters", "4"], ["--mask", "8", "24"], ["--start-from", "w.safetensors"]])
def test_options_of_others_are_refused(option, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["train", "detector", "scan", "--output", str(tmp_path / "w.safetensors"), *option])
    assert "unrecognized arguments" in capsys.readouterr().err
