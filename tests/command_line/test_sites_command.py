from __future__ import annotations

import re

import numpy as np

from napari_mits_gan.command_line.main import main

ROW = re.compile(r"^(inject|remove) +(\d+),(\d+),(\d+) +([01]\.\d\d)$")


def rows(printed: str) -> list[tuple[str, tuple[int, ...], float]]:
    header, *lines = printed.splitlines()
    assert header.split() == ["action", "z,y,x", "score"]
    found = [ROW.match(line) for line in lines]
    assert all(found)
    return [(m[1], tuple(int(m[i]) for i in (2, 3, 4)), float(m[5])) for m in found if m]


def test_it_prints_a_table_of_places_best_first(image_file, short_scan, capsys):
    assert main(["sites", str(image_file), "--n", "3", "--device", "cpu"]) == 0
    found = rows(capsys.readouterr().out)
    for action in ("inject", "remove"):
        scores = [score for name, _, score in found if name == action]
        assert len(scores) <= 3
        assert scores == sorted(scores, reverse=True)
    assert any(action == "inject" for action, _, _ in found)
    for _, at, score in found:
        assert all(0 <= a < n for a, n in zip(at, short_scan.shape, strict=True))
        assert 0 <= score <= 1


def test_one_action_can_be_asked_for_and_its_places_can_be_attacked(image_file, tmp_path, capsys):
    assert main(["sites", str(image_file), "--action", "inject", "--n", "1", "--device", "cpu"]) == 0
    ((action, at, _),) = rows(capsys.readouterr().out)
    assert action == "inject"
    place = ",".join(map(str, at))
    output = tmp_path / "tampered.nii.gz"
    assert main(["tamper", str(image_file), str(output), "--at", place, "--action", "inject", "--device", "cpu"]) == 0


def test_a_scan_without_lungs_is_refused(tmp_path, capsys):
    from napari_mits_gan.ct.image.write import write_image
    from napari_mits_gan.ct.volume import CTVolume

    block = write_image(CTVolume(np.full((40, 40, 40), 30, np.int16), spacing=(1, 1, 1)), tmp_path / "block.nii.gz")
    assert main(["sites", str(block)]) == 1
    assert "no lung was found" in capsys.readouterr().err


def test_no_places_at_all_cannot_be_asked_for(image_file, capsys):
    assert main(["sites", str(image_file), "--n", "0"]) == 1
    assert "at least one is needed" in capsys.readouterr().err
