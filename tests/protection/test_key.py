from __future__ import annotations

import json

import pytest

from napari_mits_gan.ct.dicom.provenance import describe
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.protection.key import seed_and_record
from napari_mits_gan.protection.noise_map import seed_from_key
from napari_mits_gan.protection.protect import protect

KEY = "ward 7, winter"


def test_a_key_gives_the_scan_of_its_seed_again_and_another_key_another(patient):
    first = protect(patient, "gaussian-noise", key=KEY)
    assert (first.hu == protect(patient, "gaussian-noise", key=KEY).hu).all()
    assert (first.hu == protect(patient, "gaussian-noise", seed=seed_from_key(KEY)).hu).all()
    assert (first.hu != protect(patient, "gaussian-noise", key=KEY + ".").hu).any()


def test_neither_the_key_nor_its_seed_is_written_down(patient):
    protected = protect(patient, "gaussian-noise", key=KEY)
    (step,) = protected.history
    told = json.dumps(dict(step.parameters))
    seed = seed_from_key(KEY)
    for secret in (KEY, str(seed), f"{seed:x}"):
        assert secret not in told
    assert step.parameters["seed"] == "from a key"
    exported = describe(protected.history)
    assert "max_change_hu" in exported
    for secret in (KEY, str(seed)):
        assert secret not in exported


def test_nothing_derived_from_a_key_is_written_down():
    assert seed_and_record(0, KEY)[1] == seed_and_record(0, KEY + ".")[1] == {"seed": "from a key"}


def test_without_a_key_the_seed_is_drawn_from_and_written_down():
    assert seed_and_record(7, None) == (7, {"seed": 7})
    assert seed_and_record(0, None) == (0, {"seed": 0})
    assert seed_and_record(0, KEY)[0] == seed_from_key(KEY)


@pytest.mark.parametrize(
    ("seed", "key", "sentence"),
    [
        (3, KEY, "give one of the two"),
        (0, "", "the key is empty"),
        (0, "\udc80", "no text"),
        (-1, None, "must not be negative"),
    ],
)
def test_what_is_no_key_is_refused_without_saying_it(seed, key, sentence):
    with pytest.raises(ProtectionError, match=sentence) as refused:
        seed_and_record(seed, key)
    assert KEY not in str(refused.value)
