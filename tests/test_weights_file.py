"""Files of weights, whatever the network: what is stored, and what is refused."""

from __future__ import annotations

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from napari_mits_gan.errors import WeightsError
from napari_mits_gan.weights_file import WeightsFormat, digest, halved_matrices


def small_network(width: int) -> nn.Sequential:
    torch.manual_seed(width)
    return nn.Sequential(nn.Conv1d(1, width, 3), nn.BatchNorm1d(width))


FORMAT = WeightsFormat(
    name="test 1", whose="a test's", build=lambda header: small_network(int(header["width"])), halved=halved_matrices
)
BESIDE = WeightsFormat(
    name="test 2", whose="a test's", build=FORMAT.build, halved=lambda name, values: False, prefix="network."
)


def change(path, tensors=None, **header) -> None:
    with safe_open(path, framework="pt") as file:
        known = dict(file.metadata())
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    known = {name: value for name, value in (known | header).items() if value is not None}
    save_file({name: value for name, value in (stored | (tensors or {})).items() if value is not None}, path, known)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "new" / "w.safetensors"
    FORMAT.write(path, small_network(4), {"steps": 3, "scans": ["a"]}, {"width": "4"})
    return path


def test_a_network_comes_back_ready_for_use(path):
    stored = FORMAT.read(path)
    assert stored.training == {"steps": 3, "scans": ["a"]}
    assert stored.header["width"] == "4"
    assert stored.tensors == {}
    assert not stored.network.training
    assert not any(p.requires_grad for p in stored.network.parameters())
    for name, value in small_network(4).state_dict().items():
        found = stored.network.state_dict()[name]
        assert found.dtype == value.dtype
        torch.testing.assert_close(found, value, rtol=1e-3, atol=1e-3)


def test_matrices_are_stored_in_half_precision_and_vectors_as_they_are(path):
    with safe_open(path, framework="pt") as file:
        types = {name: file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118 - no mapping
    assert types["0.weight"] == torch.float16
    assert types["0.bias"] == types["1.running_var"] == torch.float32
    assert "1.num_batches_tracked" not in types


def test_other_tensors_may_be_stored_beside_the_network(tmp_path):
    path = tmp_path / "w.safetensors"
    BESIDE.write(path, small_network(2), {}, {"width": "2"}, {"table": torch.arange(3, dtype=torch.float64)})
    stored = BESIDE.read(path)
    assert torch.equal(stored.network[0].weight, small_network(2)[0].weight)
    assert torch.equal(stored.tensors["table"], torch.arange(3, dtype=torch.float64))


def test_others_may_read_the_file_and_nothing_else_is_left(path):
    assert path.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in path.parent.iterdir()] == ["w.safetensors"]


def test_the_digest_is_that_of_the_file(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert digest(tmp_path / "abc") == "ba7816bf8f01cfea"


@pytest.mark.parametrize(
    ("header", "tensors", "sentence"),
    [
        ({"format": "test 2"}, {}, "does not hold a test's weights"),
        ({"format": None}, {}, "does not hold a test's weights"),
        ({"width": None}, {}, "cannot be read as a test's weights"),
        ({"width": "5"}, {}, "cannot be read as a test's weights"),
        ({"width": "wide"}, {}, "cannot be read as a test's weights"),
        ({"training": "{"}, {}, "cannot be read as a test's weights"),
        ({"training": "[]"}, {}, "cannot be read as a test's weights"),
        ({"training": None}, {}, "cannot be read as a test's weights"),
        ({}, {"0.bias": None}, "lacks layers"),
        ({}, {"more": torch.zeros(1)}, "lacks layers of the network or has others"),
        ({}, {"0.bias": torch.tensor([0.0, 1.0, float("inf"), 2.0])}, "no numbers"),
    ],
)
def test_what_is_wrong_is_refused_in_a_sentence(path, header, tensors, sentence):
    change(path, tensors, **header)
    with pytest.raises(WeightsError, match=rf"'w\.safetensors' .*{sentence}"):
        FORMAT.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"there is no file 'none\.safetensors' with a test's weights"):
        FORMAT.read(tmp_path / "none.safetensors")
