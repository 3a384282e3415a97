from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import AttackError, Cancelled, ProtectionError
from napari_mits_gan.session import Difference, Injection, ReplayError, Session, cuboid

SHAPE = (12, 30, 32)


class Blob:
    """A small attacker with the real one's contract: it brightens or darkens a ball, depending on what is there."""

    def __init__(self, action: str, calls: list[tuple[int, int, int]]) -> None:
        self.action = action
        self.calls = calls

    def tamper(self, volume: CTVolume, at: tuple[int, int, int]) -> CTVolume:
        if volume.shape[0] < 4:
            raise AttackError("the scan is thinner than the cuboid")
        self.calls.append(at)
        hu = volume.hu.copy()
        z, y, x = at
        region = (slice(max(0, z - 1), z + 2), slice(max(0, y - 3), y + 4), slice(max(0, x - 3), x + 4))
        hu[region] = hu[region] // 2 if self.action == "inject" else hu[region] - 50
        return volume.with_hu(hu, Step("attack", {"action": self.action, "at": list(at)}))


def stripes(volume: CTVolume, *, method: str, max_change_hu: int, seed: int, device: str, progress) -> CTVolume:
    progress(0, 2)
    hu = volume.hu.copy()
    hu[:, ::2] += np.int16(max_change_hu)
    progress(2, 2)
    return volume.with_hu(hu, Step("protection", {"method": method, "max_change_hu": max_change_hu, "seed": seed}))


@pytest.fixture
def volume() -> CTVolume:
    hu = np.random.default_rng(0).integers(-900, 100, SHAPE).astype(np.int16)
    return CTVolume(hu, spacing=(2.5, 0.8, 0.8), name="small")


def make_session(calls: list | None = None) -> Session:
    seen: list = [] if calls is None else calls
    return Session(load_attacker=lambda action, device: Blob(action, seen), protector=stripes)


def test_attacking_needs_a_scan():
    with pytest.raises(AttackError, match="load a CT scan"):
        make_session().add_injection("inject", (0, 0, 0))


def test_a_place_outside_the_scan_is_refused_and_nothing_is_lost(volume):
    session = make_session()
    session.open(volume)
    session.add_injection("inject", (5, 5, 5))
    for place in ((12, 5, 5), (-1, 5, 5), (5, 30, 5), (5, 5, 32)):
        with pytest.raises(AttackError, match="outside the scan"):
            session.add_injection("inject", place)
    assert session.injections == (Injection("inject", (5, 5, 5)),)


def test_the_original_is_never_changed(volume):
    before = volume.hu.copy()
    session = make_session()
    session.open(volume)
    session.accept_protected(session.make_protected(max_change_hu=10))
    session.add_injection("inject", (5, 5, 5))
    session.attacked("original")
    session.attacked("protected")
    assert np.array_equal(volume.hu, before)
    assert not session.original.is_tampered
    assert not session.protected.is_tampered


def test_switching_replays_the_same_injections_on_the_other_version(volume):
    session = make_session()
    session.open(volume)
    session.add_injection("inject", (5, 5, 5))
    session.add_injection("remove", (8, 20, 20))
    session.accept_protected(session.make_protected(max_change_hu=10))
    assert session.shown == "protected"
    on_protected = session.attacked("protected")
    session.protection_on = False
    assert session.shown == "original"
    on_original = session.attacked("original")
    steps = [
        [dict(step.parameters) for step in v.history if step.kind == "attack"] for v in (on_original, on_protected)
    ]
    assert steps[0] == steps[1]
    assert on_protected.is_protected
    assert not on_original.is_protected


def test_nothing_is_computed_twice(volume):
    calls: list = []
    session = make_session(calls)
    session.open(volume)
    session.add_injection("inject", (5, 5, 5))
    first = session.attacked("original")
    assert session.attacked("original") is first
    session.add_injection("inject", (6, 6, 6))
    session.attacked("original")
    session.undo()
    session.attacked("original")
    assert calls == [(5, 5, 5), (6, 6, 6)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from(["inject", "remove"]),
                st.tuples(st.integers(0, 11), st.integers(0, 29), st.integers(0, 31)),
            ),
            st.just("undo"),
            st.just("look"),
            st.just("clear"),
        ),
        max_size=12,
    )
)
def test_undo_gives_what_would_have_been_without_it(moves):
    hu = np.random.default_rng(1).integers(-900, 100, SHAPE).astype(np.int16)
    session = make_session()
    session.open(CTVolume(hu, spacing=(2.5, 0.8, 0.8)))
    for move in moves:
        if move == "undo":
            session.undo()
        elif move == "look":
            session.attacked("original")
        elif move == "clear":
            session.clear()
        else:
            session.add_injection(*move)
    fresh = make_session()
    fresh.open(CTVolume(hu, spacing=(2.5, 0.8, 0.8)))
    for injection in session.injections:
        fresh.add_injection(injection.action, injection.at)
    expected, found = fresh.attacked("original"), session.attacked("original")
    assert np.array_equal(found.hu, expected.hu)
    assert [dict(s.parameters) for s in found.history] == [dict(s.parameters) for s in expected.history]


def test_an_injection_that_fails_can_be_withdrawn_and_the_others_stay():
    thin = CTVolume(np.zeros((3, 20, 20), dtype=np.int16), spacing=(5.0, 1.0, 1.0))
    session = make_session()
    session.open(thin)
    added = session.add_injection("inject", (1, 5, 5))
    with pytest.raises(ReplayError, match="thinner") as caught:
        session.attacked("original")
    assert caught.value.injection == added
    session.withdraw(added)
    assert session.injections == ()
    assert session.attacked("original").hu is not None


def test_cancelling_a_replay_keeps_the_list_and_can_be_taken_up_again(volume):
    session = make_session()
    session.open(volume)
    session.add_injection("inject", (5, 5, 5))
    session.add_injection("inject", (8, 8, 8))

    def stop_before_the_second(done: int, total: int) -> None:
        if done == 1:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        session.attacked("original", stop_before_the_second)
    assert len(session.injections) == 2
    assert len(session.attacked("original").history) == 2


def test_protection_cannot_be_switched_on_before_there_is_one(volume):
    session = make_session()
    session.open(volume)
    with pytest.raises(ProtectionError, match="press Protect first"):
        session.protection_on = True
    assert not session.protection_on


def test_a_protected_volume_of_another_scan_is_refused(volume):
    session = make_session()
    session.open(volume)
    with pytest.raises(ProtectionError, match="shape"):
        session.accept_protected(CTVolume(np.zeros((2, 3, 4), dtype=np.int16), spacing=(1, 1, 1)))


def test_a_new_scan_starts_anew_and_each_change_is_told_once(volume):
    session = make_session()
    told: list[str] = []
    session.scan_changed.connect(lambda: told.append("scan"))
    session.protection_changed.connect(lambda: told.append("protection"))
    session.injections_changed.connect(lambda: told.append("injections"))
    session.open(volume)
    session.add_injection("inject", (5, 5, 5))
    session.accept_protected(session.make_protected())
    session.protection_on = True
    session.protection_on = False
    session.clear()
    session.clear()
    assert told == ["scan", "injections", "protection", "protection", "injections"]
    session.open(volume)
    assert session.protected is None
    assert session.injections == ()


def test_differences_are_in_hu_and_do_not_wrap(volume):
    session = make_session()
    hu = volume.hu.copy()
    hu[0, 0, 0] = 32760
    session.open(CTVolume(hu, spacing=(2.5, 0.8, 0.8)))
    changed = session.make_protected(max_change_hu=7)
    extreme = changed.hu.copy()
    extreme[0, 0, 0] = -32768
    session.accept_protected(CTVolume(extreme, spacing=(2.5, 0.8, 0.8)))
    found = session.difference(Difference.PROTECTION, "original")
    assert found[0, 0, 0] == -32768
    assert set(np.unique(found[1:])) == {0, 7}


def test_the_effect_is_the_difference_between_the_two_attacks(volume):
    session = make_session()
    session.open(volume)
    session.accept_protected(session.make_protected(max_change_hu=10))
    session.add_injection("inject", (5, 5, 5))
    effect = session.difference(Difference.EFFECT, "protected")
    expected = session.attacked("protected").hu.astype(int) - session.attacked("original").hu
    assert np.array_equal(effect, expected)
    on_original = session.difference(Difference.ATTACK, "original")
    assert np.any(on_original[5])
    assert not np.any(on_original[10])


def test_the_cuboid_is_cut_where_the_scan_ends(volume):
    z, y, x = cuboid(volume, (0, 15, 31))
    assert z.start == 0
    assert x.stop == 32
    assert y.stop - y.start == 30
    assert z.stop < 12


def test_figures_need_both_versions(volume):
    session = make_session()
    session.open(volume)
    assert session.figures(5, (5, 5, 5)).protection_slice is None
