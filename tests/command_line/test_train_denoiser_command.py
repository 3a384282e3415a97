"""`napari-mits-gan train denoiser`: the purifier, trained by the project's own command."""

from __future__ import annotations

import numpy as np

from napari_mits_gan.command_line.main import main
from napari_mits_gan.evaluation.robustness.denoiser import Denoiser


def test_a_denoiser_is_trained_and_can_be_loaded(image_file, short_scan, tmp_path):
    output = tmp_path / "denoiser.safetensors"
    arguments = ["train", "denoiser", str(image_file), "--output", str(output), "--steps", "1", "--seed", "5"]
    assert main([*arguments, "--device", "cpu"]) == 0
    denoiser = Denoiser.load(output, "cpu")
    assert (denoiser.metadata["seed"], denoiser.metadata["steps"]) == (5, 1)
    crop = short_scan.hu[10:14, 90:110, 60:80]
    assert not np.array_equal(denoiser.clean(crop), crop)
