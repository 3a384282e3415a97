"""What this software wrote into a series of its own is read back; what others wrote is not taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.dicom.earlier import steps_of
from napari_mits_gan.ct.dicom.provenance import describe
from napari_mits_gan.ct.step import Step

_NAMES = st.sampled_from(["method", "max_change_hu", "weights_digest", "bits", "lungs_only"])
_VALUES = st.integers(-1000, 1000) | st.sampled_from(["mits-gan", "pgd", "1.5.2", "a.b-c"]) | st.booleans()


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["protection", "seal"]), st.dictionaries(_NAMES, _VALUES, max_size=4))))
def test_what_is_written_is_read_back(steps):
    history = [Step(kind, parameters) for kind, parameters in steps]
    told = describe(history)
    expected = [Step(s.kind, {n: v for n, v in s.parameters.items() if f"{n}=" in told}) for s in history]
    if len(told) < 1000:
        assert list(steps_of(told)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Copied by napari-mits-gan 1.0; no pixel value was changed on purpose.",
        "Contrast enhanced; protection",
        "x" * 999,
    ],
)
def test_other_texts_say_nothing(text):
    assert steps_of(text) == ()


def test_a_text_that_was_cut_off_still_says_what_it_holds():
    whole = describe([Step("protection", {"method": "pgd", "max_change_hu": 20})])
    (step,) = steps_of(whole[:-20])
    assert step.kind == "protection"
