"""Memory is given again only once nobody can see it any more, and then it is."""

from __future__ import annotations

import gc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session.spare_memory import SpareMemory

SHAPE = (3, 4, 5)


def place(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(("empty", "zeros", "other shape", "view", "forget first", "forget last")), max_size=30))
def test_no_two_arrays_that_are_still_held_share_memory(steps):
    memory, held = SpareMemory(), []
    for number, step in enumerate(steps, start=1):
        if step == "view" and held:
            # As a volume, a transposed part and a layer hold it: none of them is the array that was given.
            array, value = held.pop()
            held.append((CTVolume(array, (1.0, 1.0, 1.0)).hu[:, 1:].transpose(2, 0, 1), value))
            del array
        elif step.startswith("forget"):
            held = held[1:] if step == "forget first" else held[:-1]
        elif step != "view":
            shape = (2, 3, 4) if step == "other shape" else SHAPE
            array = memory.zeros(shape) if step == "zeros" else memory.empty(shape)
            assert array.shape == shape
            assert array.dtype == np.int16
            assert step != "zeros" or not array.any()
            array.fill(number)
            held.append((array, number))
            del array
        for array, value in held:
            assert (array == value).all()


def test_memory_of_an_array_that_is_gone_is_given_again_and_cleared_where_zeros_are_asked_for():
    memory = SpareMemory()
    first = memory.empty(SHAPE)
    first.fill(7)
    was, view = place(first), first[1:]
    del first
    second = memory.empty(SHAPE)
    assert place(second) != was
    del view
    gc.collect()
    third = memory.zeros(SHAPE)
    assert place(third) == was
    assert not third.any()


def test_memory_of_another_size_is_let_go():
    memory = SpareMemory()
    del_me = memory.empty(SHAPE)
    del del_me
    assert memory.empty((2, 2, 2)).size == 8
    assert len(memory._spare) == 0 or len(memory._spare[0]) == 16
