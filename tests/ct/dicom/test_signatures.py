"""Digital signatures: counted in a source, not carried over, and made by dcmsign as dcmsign itself confirms."""

from __future__ import annotations

import datetime
import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import napari_mits_gan as mg
from napari_mits_gan.ct.dicom.signatures import sign_series, signed_files
from napari_mits_gan.ct.volume import Step
from napari_mits_gan.errors import WriteError

needs_dcmsign = pytest.mark.skipif(shutil.which("dcmsign") is None, reason="DCMTK's dcmsign is not installed")


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    """A private key and its certificate as PEM files."""
    folder = tmp_path_factory.mktemp("signer")
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    (folder / "key.pem").write_bytes(encoded)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "key.pem", folder / "certificate.pem"


def verified(path, certificate) -> bool:
    """What dcmsign says, which trusts `certificate` and wants a Creator RSA signature."""
    command = ["dcmsign", "--quiet", "--verify", "+rc", "+cf", str(certificate), str(path)]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_unsigned_files_are_not_counted(dicom_series, tmp_path):
    assert signed_files(mg.read_ct(dicom_series(tmp_path / "source").folder).source) == 0


@needs_dcmsign
def test_a_signed_source_is_counted_and_its_signatures_are_not_carried_over(dicom_series, signer, tmp_path):
    series = dicom_series(tmp_path / "source")
    sign_series(series.folder, *signer)
    volume = mg.read_ct(series.folder)
    assert signed_files(volume.source) == len(series.files)
    changed = volume.with_hu(volume.hu ^ np.int16(1), Step("protection", {"method": "test"}))
    for path in mg.write_dicom(changed, tmp_path / "export"):
        assert "DigitalSignaturesSequence" not in pydicom.dcmread(path)
    assert signed_files(mg.read_ct(tmp_path / "export").source) == 0


@needs_dcmsign
def test_an_export_is_signed_before_it_is_published_with_sha_256(dicom_series, signer, tmp_path):
    volume = mg.read_ct(dicom_series(tmp_path / "source").folder)
    files = mg.write_dicom(volume, tmp_path / "export", before_publishing=lambda folder: sign_series(folder, *signer))
    for path in files:
        assert verified(path, signer[1])
        (macs,) = pydicom.dcmread(path).MACParametersSequence
        assert macs.MACAlgorithm == "SHA256"
    np.testing.assert_array_equal(mg.read_ct(tmp_path / "export").hu, volume.hu)
    ds = pydicom.dcmread(files[0])
    ds.PixelData = bytes([ds.PixelData[0] ^ 1]) + ds.PixelData[1:]
    ds.save_as(files[0])
    assert not verified(files[0], signer[1])


@needs_dcmsign
def test_a_wrong_key_is_refused_and_nothing_is_left(dicom_series, signer, tmp_path):
    volume = mg.read_ct(dicom_series(tmp_path / "source").folder)
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no key")
    with pytest.raises(WriteError, match=r"could not sign .* with wrong.pem"):
        mg.write_dicom(
            volume, tmp_path / "export", before_publishing=lambda folder: sign_series(folder, wrong, signer[1])
        )
    assert not (tmp_path / "export").exists()
    with pytest.raises(WriteError, match="is not there"):
        sign_series(tmp_path, tmp_path / "nothing.pem", signer[1])
