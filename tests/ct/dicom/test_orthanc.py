"""A real PACS, started here on loopback, takes exports, keeps them, and gives back the same pixels."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from enhanced_ct import ORDER, enhanced_file
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step

ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(ORTHANC is None, reason="Orthanc (Debian package orthanc) is not installed")

STEP = Step("protection", {"method": "gaussian-noise", "max_change_hu": 20})
SENDER = "MITSGANTEST"
PROPOSE = {
    ImplicitVRLittleEndian: "-xi",
    ExplicitVRLittleEndian: "-xe",
    DeflatedExplicitVRLittleEndian: "-xd",
    RLELossless: "-xr",
    JPEGLSLossless: "-xt",
    JPEG2000Lossless: "-xv",
}
"""How DCMTK's storescu is told to send in a transfer syntax."""
CHOICES = [
    ("explicit-le", ExplicitVRLittleEndian),
    ("deflated", DeflatedExplicitVRLittleEndian),
    ("rle", RLELossless),
    ("jpeg-ls", JPEGLSLossless),
    ("jpeg-2000", JPEG2000Lossless),
]


@dataclass(frozen=True)
class Server:
    """A running Orthanc."""

    http: int
    dicom: int

    def ask(self, path: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", body, timeout=60) as answer:
            return answer.read()

    def json(self, path: str, body: bytes | None = None) -> Any:
        return json.loads(self.ask(path, body))

    def stored(self, sop_uid: str) -> bytes:
        """The file that it keeps of an image."""
        (instance,) = self.json("/tools/lookup", sop_uid.encode())
        return self.ask(f"{instance['Path']}/file")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("orthanc")
    running = Server(_free_port(), _free_port())
    settings = {
        "Name": "test",
        "StorageDirectory": str(place / "storage"),
        "IndexDirectory": str(place / "storage"),
        "Plugins": [],
        "HttpPort": running.http,
        "DicomPort": running.dicom,
        "DicomAet": "ORTHANC",
        # It has to listen everywhere; nobody but this machine may ask it or send to it.
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowEcho": False,
        "DicomAlwaysAllowStore": False,
        "DicomCheckModalityHost": True,
        "DicomModalities": {"sender": [SENDER, "127.0.0.1", 104]},
        "HttpCompressionEnabled": False,
    }
    (place / "orthanc.json").write_text(json.dumps(settings))
    with (place / "log").open("wb") as log:
        process = subprocess.Popen([str(ORTHANC), str(place / "orthanc.json")], cwd=place, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    running.ask("/system")
                    break
                except (urllib.error.URLError, OSError):
                    ended = process.poll() is not None
                    if ended or time.monotonic() > deadline:
                        pytest.fail(f"Orthanc does not start: {(place / 'log').read_text()[-2000:]}")
                    time.sleep(0.2)
            yield running
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _pixel_hash(path: Path) -> str:
    return hashlib.sha256(pydicom.pixels.pixel_array(pydicom.dcmread(path), raw=True).tobytes()).hexdigest()


def _send(server: Server, files: list[Path], syntax: UID) -> None:
    """Send as modalities do, in the file's own transfer syntax."""
    command = ["storescu", "-R", PROPOSE[syntax], "-aet", SENDER, "-aec", "ORTHANC", "127.0.0.1", str(server.dicom)]
    told = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, timeout=120, check=False)
    assert told.returncode == 0, told.stderr


def _hand_over(server: Server, files: list[Path], syntax: UID, way: str) -> None:
    """Give the server files by C-STORE ("dicom") or by its web interface ("http")."""
    if way == "dicom":
        if shutil.which("storescu") is None:
            pytest.skip("storescu (Debian package dcmtk) is not installed")
        _send(server, files, syntax)
    else:
        for path in files:
            assert server.json("/instances", path.read_bytes())["Status"] == "Success"


def _comes_back(server: Server, files: list[Path], place: Path, exported: CTVolume, syntax: UID) -> None:
    """Assert that the server holds all of `files`, pixels and all else, as one series that reads like `exported`."""
    place.mkdir()
    for path in files:
        sent = pydicom.dcmread(path)
        back = place / path.name
        back.write_bytes(server.stored(sent.SOPInstanceUID))
        kept = pydicom.dcmread(back)
        assert sent.file_meta.TransferSyntaxUID == kept.file_meta.TransferSyntaxUID == syntax
        assert _pixel_hash(back) == _pixel_hash(path)
        assert kept == sent
    (series,) = server.json("/tools/lookup", sent.SeriesInstanceUID.encode())
    assert len(server.json(series["Path"])["Instances"]) == len(files)
    np.testing.assert_array_equal(read_ct(place).hu, exported.hu)


def _protected(volume: CTVolume) -> CTVolume:
    hu = volume.hu + np.random.default_rng(0).integers(-20, 21, volume.shape)
    if volume.padding is not None:
        hu = np.where(volume.padding, volume.hu, hu)
    return volume.with_hu(np.clip(hu, -1000, 2000).astype(np.int16), STEP)


@pytest.mark.parametrize(("choice", "syntax"), [*CHOICES, (None, ImplicitVRLittleEndian)])  # None: as the source
@pytest.mark.parametrize("way", ["dicom", "http"])
def test_a_derived_series_is_kept_with_the_same_pixels(dicom_series, tmp_path, server, choice, syntax, way) -> None:
    series = dicom_series(shape=(3, 40, 36), syntax=syntax if choice is None else ExplicitVRLittleEndian)
    exported = _protected(read_ct(series.folder))
    files = write_dicom(exported, tmp_path / "out", transfer_syntax=choice)
    _hand_over(server, files, syntax, way)
    _comes_back(server, files, tmp_path / "back", exported, syntax)


@pytest.mark.parametrize(("choice", "syntax"), CHOICES)
@pytest.mark.parametrize("way", ["dicom", "http"])
def test_an_enhanced_object_is_kept_with_the_same_pixels(tmp_path, server, choice, syntax, way) -> None:
    stored = np.random.default_rng(3).integers(0, 4000, (4, 40, 36)).astype(np.uint16)
    exported = _protected(read_ct(enhanced_file(tmp_path / "in" / "a", stored, ORDER)))
    files = write_dicom(exported, tmp_path / "out", transfer_syntax=choice)
    assert len(files) == 1
    _hand_over(server, files, syntax, way)
    _comes_back(server, files, tmp_path / "back", exported, syntax)


def test_a_new_series_is_kept_with_the_same_pixels(tmp_path, server) -> None:
    hu = np.random.default_rng(0).integers(-1024, 3000, (3, 40, 36)).astype(np.int16)
    volume = CTVolume(hu, (1.25, 0.7, 0.6))
    files = write_dicom(volume, tmp_path / "out", patient_name="Müller^Ä")
    _send(server, files, ExplicitVRLittleEndian)
    _comes_back(server, files, tmp_path / "back", volume, ExplicitVRLittleEndian)


def test_the_sample_scan_is_kept_with_the_same_pixels(tmp_path, server, sample_series) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(sample_series.glob("*.dcm"))[60:66]:
        shutil.copy(path, few)
    exported = read_ct(few)
    files = write_dicom(exported, tmp_path / "out")
    syntax = pydicom.dcmread(files[0]).file_meta.TransferSyntaxUID
    _send(server, files, syntax)
    _comes_back(server, files, tmp_path / "back", exported, syntax)


def test_a_part_of_a_real_scan_is_kept_with_the_same_pixels(tmp_path, server, shared_ct) -> None:
    few = tmp_path / "few"
    few.mkdir()
    whole = read_ct(shared_ct / "LIDC-IDRI-0001")
    for item in whole.source.slices[60:64]:
        shutil.copy(item.header.path, few)
    exported = read_ct(few)
    np.testing.assert_array_equal(exported.hu, whole.hu[60:64])
    files = write_dicom(exported, tmp_path / "out", transfer_syntax="jpeg-ls")
    _send(server, files, JPEGLSLossless)
    _comes_back(server, files, tmp_path / "back", exported, JPEGLSLossless)
