"""Files that are damaged or cut off are refused, at whatever byte: no stray memory is taken for HU."""

from __future__ import annotations

import bz2
import gzip
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError

HU = np.random.default_rng(0).integers(-1000, 900, (3, 7, 6)).astype("<i2")
META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = {compressed}\n"
    "{size}ElementSpacing = 0.7 0.8 2\nDimSize = 6 7 3\nElementType = MET_SHORT\nElementDataFile = {data}\n"
)
NRRD = (
    "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 6 7 3\n"
    "space directions: (0.7,0,0) (0,0.8,0) (0,0,2)\nkinds: domain domain domain\nendian: little\nencoding: {encoding}\n"
    "space origin: (0,0,0)\n{data}\n"
)


def _nifti() -> bytes:
    image = sitk.GetImageFromArray(HU)
    image.SetSpacing((0.7, 0.8, 2.0))
    with tempfile.TemporaryDirectory() as folder:
        sitk.WriteImage(image, f"{folder}/a.nii")
        return Path(f"{folder}/a.nii").read_bytes()


def _cut_and_filled(compressed: str) -> bytes:
    """A MetaImage half of whose compressed voxels are zeros; only the first letter says that they are compressed."""
    packed = zlib.compress(HU.tobytes())
    head = META.format(compressed=compressed, size=f"CompressedDataSize = {len(packed)}\n", data="LOCAL")
    return head.encode() + packed[: len(packed) // 2] + bytes(HU.nbytes)


def _files() -> dict[str, dict[str, bytes]]:
    """Files of each kind by name; the first of them is the one to read, the last holds the voxels."""
    raw, packed = HU.tobytes(), zlib.compress(HU.tobytes())
    sized = META.format(compressed=True, size=f"CompressedDataSize = {len(packed)}\n", data="LOCAL").encode()
    plain = META.format(compressed=False, size="", data="LOCAL").encode()
    apart = META.format(compressed=True, size=f"CompressedDataSize = {len(packed)}\n", data="a.zraw").encode()
    nifti = _nifti()
    return {
        "mha, size stated": {"a.mha": sized + packed},
        "mha, not compressed": {"a.mha": plain + raw},
        "mhd": {"a.mhd": apart, "a.zraw": packed},
        "nrrd, gzip": {"a.nrrd": NRRD.format(encoding="gzip", data="").encode() + gzip.compress(raw)},
        "nrrd, raw": {"a.nrrd": NRRD.format(encoding="raw", data="").encode() + raw},
        "nhdr": {
            "a.nhdr": NRRD.format(encoding="gzip", data="data file: a.raw.gz\n").encode(),
            "a.raw.gz": gzip.compress(raw),
        },
        "nii": {"a.nii": nifti},
        "nii.gz": {"a.nii.gz": gzip.compress(nifti)},
    }


FILES = _files()
COMPRESSED = [kind for kind in FILES if kind not in ("mha, not compressed", "nrrd, raw", "nii")]


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder / next(iter(files))


def _is_right_or_refused(path: Path) -> None:
    try:
        volume = read_ct(path)
    except ReadError:
        return
    np.testing.assert_array_equal(np.sort(volume.hu, axis=None), np.sort(HU, axis=None))


@pytest.mark.parametrize("kind", FILES)
def test_whole_files_are_read(tmp_path, kind) -> None:
    volume = read_ct(_write(tmp_path, FILES[kind]))
    assert sorted(volume.hu.ravel()) == sorted(HU.ravel())
    np.testing.assert_allclose(volume.spacing, (2, 0.8, 0.7), rtol=1e-6)


@pytest.mark.parametrize("kind", FILES)
def test_files_cut_off_anywhere_are_refused(tmp_path, kind) -> None:
    files = dict(FILES[kind])
    name = list(files)[-1]
    for length in range(len(files[name])):
        path = _write(tmp_path, files | {name: FILES[kind][name][:length]})
        with pytest.raises(ReadError):
            read_ct(path)


@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(COMPRESSED), st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.integers(1, 12))
def test_damaged_streams_are_never_read_as_other_hu(tmp_path, kind, where, bits, length) -> None:
    files = dict(FILES[kind])
    name = list(files)[-1]
    data = bytearray(files[name])
    header = len(data) - len(zlib.compress(HU.tobytes())) if len(files) == 1 and "nii" not in kind else 0
    at = header + int(where * (len(data) - header))
    for i in range(at, min(at + length, len(data))):
        data[i] ^= bits
    _is_right_or_refused(_write(tmp_path, files | {name: bytes(data)}))


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        ("a.nii.gz", FILES["nii"]["a.nii"], r"not compressed.*ends in \.nii\."),
        ("a.nii", FILES["nii.gz"]["a.nii.gz"], r"compressed.*ends in \.nii\.gz"),
        ("a.nrrd", NRRD.format(encoding="bzip2", data="").encode() + bz2.compress(HU.tobytes()), "bzip2"),
        ("a.mhd", FILES["mhd"]["a.mhd"], r"a\.zraw, which a\.mhd keeps its voxels in, is not there"),
        ("a.nhdr", FILES["nhdr"]["a.nhdr"], r"a\.raw\.gz, which a\.nhdr keeps its voxels in, is not there"),
        ("a.mha", META.format(compressed=True, size="", data="LOCAL").encode() + zlib.compress(HU), "how long"),
        ("a.mha", _cut_and_filled("T"), "more voxels|damaged"),
        ("a.mha", _cut_and_filled("1"), "more voxels|damaged"),
        ("a.mhd", FILES["mhd"]["a.mhd"].replace(b"a.zraw", b"/dev/zero"), "is not there"),
        ("a.mhd", FILES["mhd"]["a.mhd"].replace(b"a.zraw", b"a\0zraw"), "The file, which a.mhd keeps"),
        ("a.mha", FILES["mha, not compressed"]["a.mha"].replace(b"6 7 3", b"9999 9999 9999"), "fewer voxels"),
        ("a.nrrd", FILES["nrrd, gzip"]["a.nrrd"].replace(b"6 7 3", b"9999 9999 9999"), "fewer voxels"),
        ("a.mha", FILES["mha, size stated"]["a.mha"].replace(b"6 7 3", b"6 7 2"), "more voxels"),
    ],
)
def test_the_refusal_says_what_is_wrong(tmp_path, name, data, match) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ReadError, match=match):
        read_ct(tmp_path / name)


@pytest.mark.skipif(os.name == "nt", reason="paths are texts there")
def test_a_path_that_is_no_utf_8_is_read_or_refused_in_a_sentence(tmp_path) -> None:
    # ITK would end the whole program, so this is asked in another one.
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    folder.mkdir()
    for kind in ("nii.gz", "mha, size stated", "nrrd, gzip"):
        _write(folder, FILES[kind])
    script = (
        "import os, sys; from pathlib import Path; import numpy as np\n"
        "from napari_mits_gan.ct.image.write import write_image; from napari_mits_gan.ct.read import read_ct\n"
        "from napari_mits_gan.ct.volume import CTVolume; from napari_mits_gan.errors import MitsGanError\n"
        "folder = Path(os.fsdecode(bytes.fromhex(sys.argv[1])))\n"
        "volume = CTVolume(np.zeros((3, 4, 5), np.int16), (1, 1, 1))\n"
        "for ask in [lambda n=n: read_ct(folder / n) for n in ('a.nii.gz', 'a.mha', 'a.nrrd')] + [\n"
        "    lambda: write_image(volume, folder / 'b.nii')]:\n"
        "    try: ask(); print('done')\n"
        "    except MitsGanError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script, os.fsencode(folder).hex()]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0] == "done"
    assert len(told) == 4
    assert all("no UTF-8" in line for line in told[1:])
