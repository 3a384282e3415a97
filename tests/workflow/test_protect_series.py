"""The whole job from file to file, as one picklable function."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ProtectionError, WriteError
from napari_mits_gan.protection.gaussian_noise import GaussianNoise
from napari_mits_gan.protection.protect import protect
from napari_mits_gan.workflow.protect_series import ProtectionOptions, SeriesJob, WritingOptions, protect_series


@pytest.fixture(scope="module")
def scan(sample_series):
    whole = read_ct(sample_series)
    return replace(whole, hu=whole.hu[60:68].copy(), padding=None, source=None)


@pytest.fixture
def job(scan, tmp_path):
    path = write_image(scan, tmp_path / "chest.nii.gz")
    return SeriesJob(path, tmp_path / "out", protection=ProtectionOptions("gaussian-noise", 9, seed=4))


def test_it_does_what_reading_protecting_and_writing_do(job, scan):
    files = list(protect_series(job).files)
    expected = protect(scan, "gaussian-noise", max_change_hu=9, seed=4)
    assert len(files) == 8
    np.testing.assert_array_equal(read_ct(job.output).hu, expected.hu)


def test_another_process_can_do_it(job):
    method = GaussianNoise(sigma=0.3)
    job = replace(job, protection=replace(job.protection, method=method), writing=WritingOptions("rle", "Elsewhere"))
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        files = pool.submit(protect_series, job).result().files
    assert len(files) == 8
    assert "Elsewhere" in read_ct(job.output).name


def test_each_stage_has_a_progress_of_its_own(job):
    from contextlib import contextmanager

    told = []

    @contextmanager
    def stage(title):
        told.append((title, []))
        yield lambda done, total: told[-1][1].append((done, total))

    protect_series(job, stage)
    assert [title for title, _ in told] == ["Reading", "Protecting", "Writing"]
    assert [steps[-1] for _, steps in told[1:]] == [(8, 8), (8, 8)]


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"writing": WritingOptions("zip")}, WriteError, "transfer syntax"),
        ({"protection": ProtectionOptions("magic")}, ProtectionError, "no protection method"),
        ({"protection": ProtectionOptions(max_change_hu=0)}, ProtectionError, "largest change"),
    ],
)
def test_what_would_fail_at_the_end_is_refused_before_reading(job, change, error, says):
    begun = []

    def stage(title):
        begun.append(title)
        raise AssertionError

    with pytest.raises(error, match=says):
        protect_series(replace(job, **change), stage)
    assert begun == []
    assert not job.output.exists()


def test_a_key_is_not_shown():
    assert "ward" not in repr(ProtectionOptions(key="ward 7"))


def test_the_record_names_a_method_with_settings_as_the_list_does(scan):
    (step,) = protect(scan, GaussianNoise(sigma=0.3)).history
    assert step.parameters["method"] == "gaussian-noise"
    assert step.parameters["sigma"] == 0.3
