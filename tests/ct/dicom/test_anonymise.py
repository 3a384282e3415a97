"""Nothing that tells the patient is left in an anonymous export, which is as valid as its source and as readable."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from functools import cache

import numpy as np
import pydicom
import pytest
from pydicom.datadict import DicomDictionary, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ImplicitVRLittleEndian, generate_uid

from enhanced_ct import enhanced_file
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.dicom.anonymise import _NEEDED, Anonymiser, _rules
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import WriteError

STEP = Step("protection", {"method": "mits-gan"})
WORD, DATE, NUMBER = "Zanzibar", "19551231", "4711987"
UIDS = "1.2.826.0.1.471198"
TELLING = (WORD, DATE, NUMBER, UIDS, "ZANZIBAR")
_PLANTED = {
    **dict.fromkeys(("LO", "LT", "SH", "ST", "UC", "UT", "PN"), WORD),
    "AE": "ZANZIBAR",
    "DA": DATE,
    "DT": f"{DATE}101112",
    "TM": "101112",
    "UR": f"http://{WORD}",
    "UN": WORD.encode(),
    "OB": WORD.encode(),
    "OW": WORD.encode(),
}
SEQUENCES = (
    "ProcedureCodeSequence", "SourceImageSequence", "ReferencedStudySequence", "OriginalAttributesSequence",
)  # fmt: skip
"""Listed by the profile or not, removed or kept by it."""
STRUCTURE = {
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "RescaleType",
    "PixelData", "CodeMeaning", "CodeValue", "SpecificCharacterSet",
}  # fmt: skip


@cache
def _planted(depth: int) -> Dataset:
    """Every standard attribute that can hold it, private ones, curves and overlays, and sequences in sequences."""
    ds = Dataset()
    for tag, (vr, *_) in DicomDictionary.items():
        keyword = keyword_for_tag(tag)
        if tag >> 16 in (0, 2, 4) or keyword in STRUCTURE | _NEEDED or not keyword:
            continue
        if vr in _PLANTED:
            ds[tag] = DataElement(tag, vr, _PLANTED[vr])
        elif vr == "UI":
            ds[tag] = DataElement(tag, vr, f"{UIDS}.{tag}")
        elif (tag >> 16, tag & 0xFFFF) in _rules() and vr in ("DS", "IS"):
            ds[tag] = DataElement(tag, vr, NUMBER)
    for group in (0x5000, 0x501E, 0x6000, 0x601E):
        ds.add_new((group, 0x3000), "OW", WORD.encode())
        ds.add_new((group, 0x4000 if group >= 0x6000 else 0x2500), "LO", WORD)
    for tag in (0x00101040, 0x00102160, 0x00080081, 0x00180015):  # known, and stated as unknown
        ds[tag] = DataElement(tag, "UN", WORD.encode())
    ds.add_new(0x00181FFF, "LO", WORD)  # in no dictionary
    for keyword in ("ScanOptions", "Exposure", "KVP"):  # coded strings and numbers that are none
        ds[keyword] = RawDataElement(Tag(keyword), dictionary_VR(keyword), 8, WORD.encode(), 0, False, True)
    block = ds.private_block(0x0019, "ZANZIBAR MAKER", create=True)
    block.add_new(1, "LO", WORD)
    for keyword in SEQUENCES[: 2 * depth - 1] if depth else ():
        setattr(ds, keyword, Sequence([copy.deepcopy(_planted(depth - 1))]))
    if depth:
        private = Dataset()
        private.PatientName = WORD
        block.add_new(2, "SQ", Sequence([private]))
    ds.BurnedInAnnotation = "NO"
    return ds


def _plant_everywhere(ds: Dataset, z: int = 0) -> None:
    ds.update(copy.deepcopy(_planted(2)))


def _told(path) -> list[str]:
    data = path.read_bytes()
    return [word for word in TELLING if word.encode() in data or word.encode("utf-16-le") in data]


@pytest.mark.parametrize("implicit", [False, True])
def test_nothing_planted_anywhere_is_left(dicom_series, tmp_path, implicit) -> None:
    series = dicom_series(shape=(1, 8, 8), edit=_plant_everywhere)
    if implicit:
        ds = pydicom.dcmread(series.files[0])
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        pydicom.dcmwrite(series.files[0], ds, implicit_vr=True, little_endian=True)
    assert len(_planted(0)) > 1000
    assert set(_told(series.files[0])) == set(TELLING)
    volume = read_ct(series.folder)
    (made,) = write_dicom(volume.with_hu(volume.hu, STEP), tmp_path / "out", anonymise=True)
    assert _told(made) == []
    back = read_ct(tmp_path / "out")
    np.testing.assert_array_equal(back.hu, volume.hu)
    assert back.same_grid(volume)
    ds = pydicom.dcmread(made)
    assert (ds.PatientName, ds.PatientIdentityRemoved) == ("Anonymous", "YES")
    assert ds.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert not [tag for tag in _all_tags(ds) if tag.is_private]


def _all_tags(ds: Dataset) -> list:
    found = []
    for element in ds:
        found.append(element.tag)
        for item in element.value if element.VR == "SQ" else ():
            found += _all_tags(item)
    return found


def test_uids_become_others_and_the_same_everywhere(dicom_series, tmp_path) -> None:
    shared = generate_uid(prefix=None)

    def edit(ds, z) -> None:
        inner = Dataset()
        inner.ReferencedSOPClassUID, inner.ReferencedSOPInstanceUID = ds.SOPClassUID, shared
        ds.ReferencedImageSequence = Sequence([inner])
        ds.IrradiationEventUID = [shared, ds.StudyInstanceUID]

    series = dicom_series(edit=edit)
    before = [pydicom.dcmread(path) for path in series.files]
    volume = read_ct(series.folder)
    exports = []
    for name in ("a", "b"):
        files = write_dicom(volume.with_hu(volume.hu, STEP), tmp_path / name, anonymise=True)
        exports.append([pydicom.dcmread(path) for path in files])
    for after in exports:
        for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID"):
            (value,) = {ds[keyword].value for ds in after}
            assert value != before[0][keyword].value
        (reference,) = {ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID for ds in after}
        assert reference != shared
        assert after[0].ReferencedImageSequence[0].ReferencedSOPClassUID == before[0].SOPClassUID
        assert [list(ds.IrradiationEventUID) for ds in after] == len(after) * [[reference, after[0].StudyInstanceUID]]
        assert all(uid.is_valid for ds in after for uid in (ds.StudyInstanceUID, ds.FrameOfReferenceUID, reference))
    # Of two exports nobody can tell that they are of one study.
    assert exports[0][0].StudyInstanceUID != exports[1][0].StudyInstanceUID


def test_an_enhanced_object_keeps_what_it_has_to_have(tmp_path) -> None:
    def edit(ds) -> None:
        _plant_everywhere(ds)
        for group in ds.PerFrameFunctionalGroupsSequence:
            content = Dataset()
            content.FrameAcquisitionDateTime, content.FrameComments = f"{DATE}101112", WORD
            group.FrameContentSequence = Sequence([content])

    stored = np.arange(480, dtype=np.uint16).reshape(4, 12, 10)
    path = enhanced_file(tmp_path / "in" / "a", stored, [0, 1, 2, 3], edit=edit)
    volume = read_ct(path)
    (made,) = write_dicom(volume.with_hu(volume.hu, STEP), tmp_path / "out", anonymise=True)
    assert _told(made) == []
    np.testing.assert_array_equal(read_ct(tmp_path / "out").hu, volume.hu)
    ds = pydicom.dcmread(made)
    for keyword in ("ContentDate", "ContentTime", "AcquisitionDateTime", "DeviceSerialNumber"):
        assert ds[keyword].value  # type 1 in enhanced images
    assert ds.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0].FrameAcquisitionDateTime


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed")
@pytest.mark.parametrize("kind", ["classic", "enhanced", "real"])
def test_an_anonymous_export_gains_no_error(dicom_series, tmp_path, request, kind) -> None:
    def errors(path) -> set[str]:
        told = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False)
        return {line for line in told.stderr.splitlines() if line.startswith("Error")}

    if kind == "classic":
        place = dicom_series().folder
    elif kind == "enhanced":
        place = enhanced_file(tmp_path / "in" / "a", np.zeros((4, 12, 10), np.uint16), [0, 1, 2, 3])
    else:
        place = tmp_path / "in"
        place.mkdir()
        for path in sorted((request.getfixturevalue("shared_ct") / "LIDC-IDRI-0001").iterdir())[:1]:
            shutil.copy(path, place)
    volume = read_ct(place)
    files = write_dicom(volume.with_hu(volume.hu, STEP), tmp_path / "out", anonymise=True)
    for path, item in zip(files, volume.source.slices, strict=kind != "enhanced"):
        assert errors(path) <= errors(item.header.path)
        if shutil.which("dcmdump"):
            done = subprocess.run(["dcmdump", "-q", str(path)], capture_output=True, check=False)
            assert done.returncode == 0


def test_every_attribute_that_gets_a_dummy_has_one() -> None:
    for (group, element), rule in _rules().items():
        tag = group << 16 | element
        if rule.endswith("D") and keyword_for_tag(tag) and dictionary_VR(tag) != "SQ":
            ds = Dataset()
            ds[tag] = DataElement(tag, dictionary_VR(tag), None)
            Anonymiser()._clean(ds, enhanced=True)
            assert ds[tag].value not in (None, ""), keyword_for_tag(tag)


def test_a_series_with_texts_in_its_pixels_is_refused(dicom_series, tmp_path) -> None:
    volume = read_ct(dicom_series(edit=lambda ds, z: setattr(ds, "BurnedInAnnotation", "YES")).folder)
    with pytest.raises(WriteError, match="texts are drawn into its pixels"):
        write_dicom(volume, tmp_path / "out", anonymise=True)
    assert not (tmp_path / "out").exists()
    with pytest.raises(WriteError, match="has no patient"):
        write_dicom(CTVolume(volume.hu, (1, 1, 1)), tmp_path / "out", anonymise=True, patient_name="A")


def test_the_standards_own_uids_stay() -> None:
    anonymiser = Anonymiser()
    assert anonymiser.uid("1.2.840.10008.5.1.4.1.1.2") == "1.2.840.10008.5.1.4.1.1.2"
    assert anonymiser.uid("") == ""
    assert anonymiser.uid("1.2.3") == anonymiser.uid("1.2.3") != Anonymiser().uid("1.2.3")


def test_seal_anonymises_and_its_manifest_names_nobody(dicom_series, tmp_path, capsys) -> None:
    def edit(ds, z) -> None:
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.StudyDescription = WORD, NUMBER, DATE, WORD
        ds.SeriesDescription = WORD

    series = dicom_series(shape=(4, 48, 48), edit=edit)
    assert main(["keygen", str(tmp_path / "a.key")]) == 0
    command = ["seal", str(series.folder), str(tmp_path / "out"), "--key-file", str(tmp_path / "a.key"), "--anonymise"]
    assert main([*command, "--sidecar", str(tmp_path / "a.sidecar")]) == 0
    told = capsys.readouterr()
    assert "The sidecar holds the input's files as they are" in told.err
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == [*(f"{n:06d}.dcm" for n in range(1, 5)), "manifest.json"]
    assert [_told(path) for path in files] == 5 * [[]]
    assert json.loads(files[-1].read_text())["slices"]
