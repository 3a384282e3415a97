from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_mits_gan.errors import WriteError
from napari_mits_gan.inspection.contract import Finding
from napari_mits_gan.inspection.pictures import picture, write_pictures
from napari_mits_gan.inspection.result import Inspection
from noisy_chest import make_lung_block


@pytest.fixture(scope="module")
def inspection():
    lung = make_lung_block(0, (20, 60, 60))
    at = [(10, 30, 30), (0, 0, 59)]
    findings = tuple(Finding(a, lung.world_from_voxel(a), "copied noise", 9.0, 1e-3, "Here.", 6.0, "test") for a in at)
    return Inspection(lung, findings, ("test",), 0.01)


def test_there_is_a_picture_of_each_finding_also_at_the_edge(inspection, tmp_path):
    paths = write_pictures(inspection, tmp_path / "pictures")
    assert [path.name for path in paths] == ["finding_01.png", "finding_02.png"]
    for path in paths:
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("RGB", (972, 320))
    assert sorted(p.name for p in paths[0].parent.iterdir()) == ["finding_01.png", "finding_02.png"]


def test_a_ring_goes_around_the_middle_and_hides_nothing_in_it(inspection):
    image = picture(inspection.volume, inspection.findings[0]).astype(int)
    coloured = np.abs(image[..., 0] - image[..., 1]) > 0
    assert coloured.any()
    assert not coloured[150:170, 150:170].any()


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(inspection, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="finding_01"):
        write_pictures(inspection, tmp_path / "file")
