"""A whole run: the mirrored tree, what became of each series, and what the next run does again."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from copying_job import CopyingJob
from napari_mits_gan.archive.jobs import VerifyJob
from napari_mits_gan.archive.output import STATE, ArchiveError, Output
from napari_mits_gan.archive.record import BUSY, DONE, FAILED, NO_CT
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.evidence.key_files import make_key_files
from napari_mits_gan.files.lock import held


def statuses(finished):
    return {(r.place, r.name): r.status for r in finished.records}


def test_every_series_is_done_into_the_same_tree_and_what_cannot_be_read_is_told(mixed, run_of, tmp_path) -> None:
    finished = run_of(CopyingJob())
    by_place = {}
    for (place, _), status in statuses(finished).items():
        by_place.setdefault(place, []).append(status)
    assert by_place == {
        "Doe^Jane/2020": [DONE, DONE],
        "Roe/ct/thin": [DONE],
        "Roe": [DONE],
        "Roe/mr": [NO_CT],
        "Poe": [FAILED],
        "Poe/cut": [FAILED],
    }
    assert finished.failed == 2
    (thin,) = (tmp_path / "out" / "Roe" / "ct" / "thin").iterdir()
    np.testing.assert_array_equal(read_ct(thin).hu, read_ct(mixed / "Roe" / "ct" / "thin").hu)
    image = tmp_path / "out" / "Roe" / "chest.nii.gz"
    np.testing.assert_array_equal(read_ct(image).hu, read_ct(mixed / "Roe" / "chest.nii.gz").hu)
    assert not (tmp_path / "out" / "Poe").exists()
    assert list((tmp_path / "out" / STATE / "work").iterdir()) == []


def test_the_next_run_passes_over_what_is_complete_and_tries_again_what_failed(mixed, add, run_of) -> None:
    first = run_of(CopyingJob())
    again = run_of(CopyingJob())
    assert again.were_done == 4
    assert statuses(again) == statuses(first)
    shutil.rmtree(mixed / "Poe" / "cut")
    add("Poe/cut")
    last = run_of(CopyingJob())
    assert (last.were_done, last.failed) == (4, 1)


def test_a_series_is_done_again_when_its_contents_the_options_or_its_output_changed(add, run_of, tmp_path) -> None:
    folders = [add(name) for name in "abcd"]
    run_of(CopyingJob())
    outputs = {name: next((tmp_path / "out" / name).iterdir()) for name in "abcd"}
    slice_of_a = folders[0] / "001.dcm"
    data = bytearray(slice_of_a.read_bytes())
    data[-1] ^= 1
    slice_of_a.write_bytes(data)
    for path in folders[1].iterdir():
        os.utime(path, ns=(0, 0))  # another time, the same contents
    (outputs["c"] / "000002.dcm").unlink()
    before = {name: (outputs[name] / "000001.dcm").stat().st_mtime_ns for name in "abcd"}
    second = run_of(CopyingJob())
    assert second.were_done == 2
    done_again = {name for name in "abcd" if (outputs[name] / "000001.dcm").stat().st_mtime_ns != before[name]}
    assert done_again == {"a", "c"}
    np.testing.assert_array_equal(read_ct(outputs["a"]).hu, read_ct(folders[0]).hu)
    assert run_of(CopyingJob()).were_done == 4  # the other times are known by now
    assert run_of(CopyingJob("another name")).were_done == 0
    assert "another name" in read_ct(outputs["d"]).name


def test_what_someone_else_put_into_the_output_is_not_overwritten(add, run_of, tmp_path) -> None:
    add("a")
    (series,) = run_of(CopyingJob(), "first").records
    foreign = tmp_path / "out" / "a" / series.name
    foreign.mkdir(parents=True)
    (foreign / "000001.dcm").write_text("mine")
    finished = run_of(CopyingJob())
    assert finished.failed == 1
    assert "Something else" in finished.records[0].error
    assert (foreign / "000001.dcm").read_text() == "mine"


def test_an_output_stays_when_doing_it_again_fails(add, run_of, tmp_path) -> None:
    folder = add("a")
    run_of(CopyingJob())
    (output,) = (tmp_path / "out" / "a").iterdir()
    kept = {p.name for p in output.iterdir()}
    (folder / "002.dcm").write_bytes((folder / "002.dcm").read_bytes()[:-100])
    assert run_of(CopyingJob()).failed == 1
    assert {p.name for p in output.iterdir()} == kept
    shutil.rmtree(folder)
    add("a")
    assert run_of(CopyingJob()).failed == 0


def test_parts_share_the_archive_among_them(add, run_of, tmp_path) -> None:
    for number in range(12):
        add(f"p{number}", shape=(2, 16, 16))
    parts = [run_of(CopyingJob(), part=(number, 3)) for number in (1, 2, 3)]
    assert sum(len(part.records) for part in parts) == 12
    assert all(0 < len(part.records) < 12 for part in parts)
    assert parts[-1].summary.counts == {DONE: 12}


def test_another_job_does_not_replace_what_the_first_made(add, run_of, tmp_path) -> None:
    add("a")
    run_of(CopyingJob())
    with pytest.raises(ArchiveError, match="holds what copy made; choose another output to verify"):
        run_of(VerifyJob(public_key=make_key_files(tmp_path / "key")[1]))


def test_a_series_that_another_run_is_at_is_left_to_it(add, run_of, tmp_path) -> None:
    add("a")
    add("b")
    (first, _) = run_of(CopyingJob()).records
    with held(Output.opened(tmp_path / "archive", tmp_path / "out", "copy").lock_file(first.id)):
        finished = run_of(CopyingJob("another name"))
    assert sorted(r.status for r in finished.records) == sorted([DONE, BUSY])
    assert finished.busy == 1
    assert run_of(CopyingJob("another name")).were_done == 1


def test_folders_that_lie_in_each_other_are_refused(root, run_of, tmp_path) -> None:
    for out in ("archive/out", "archive", "."):
        with pytest.raises(ArchiveError, match="must lie apart"):
            run_of(CopyingJob(), out)
    root.rmdir()
    with pytest.raises(ArchiveError, match="no folder called archive"):
        run_of(CopyingJob())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_series_identifier_cannot_lead_out_of_the_output(add, run_of, tmp_path) -> None:
    def astray(ds, z):
        ds.SeriesInstanceUID = "../../astray"

    add("a", edit=astray)
    assert run_of(CopyingJob()).summary.counts == {DONE: 1}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["archive", "out"]
    assert next((tmp_path / "out" / "a").iterdir()).name.startswith("series-")
