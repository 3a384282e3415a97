from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.attack.contract import Attacker, Painted
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import AttackError, Cancelled, ProtectionError, WeightsError
from napari_mits_gan.progress import silent
from napari_mits_gan.session import BUILT_IN, Detection, Difference, Injection, Networks, ReplayError, Session, cuboid
from napari_mits_gan.session.analysis import detections, difference_hu, figures
from napari_mits_gan.session.networks import load_by_name
from napari_mits_gan.session.replay import Replay
from napari_mits_gan.workflow.protect_series import ProtectionOptions

SHAPE = (12, 30, 32)


class Blob(Attacker):
    """A small attacker: it brightens or darkens a box, depending on what is there."""

    name, family = "blob", "blob"
    needed_mm = 20.0

    def __init__(self, action: str, calls: list[tuple[int, int, int]]) -> None:
        self.action = action
        self.calls = calls

    def touched(self, at, spacing):
        return Box((at[0] - 1, at[1] - 3, at[2] - 3), (3, 7, 7))

    def paint(self, volume: CTVolume, at: tuple[int, int, int]) -> Painted:
        self.calls.append(at)
        box = self.touched(at, volume.spacing).inside(volume.shape)
        there = volume.hu[box.slices()]
        return Painted(box, there // 2 if self.action == "inject" else there - 50)


class Brightness:
    """A detector that takes a bright voxel for a nodule, and counts how often it is asked."""

    threshold = 0.5

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []

    def scores(self, volume: CTVolume, sites) -> np.ndarray:
        self.asked.extend(sites)
        return np.array([np.clip((volume.hu[at] + 1000) / 1200, 0, 1) for at in sites])


def stripes(volume: CTVolume, options: ProtectionOptions, progress) -> CTVolume:
    progress(0, 2)
    hu = volume.hu.copy()
    hu[:, ::2] += np.int16(options.max_change_hu)
    progress(2, 2)
    return volume.with_hu(hu, Step("protection", {"max_change_hu": options.max_change_hu, "seed": options.seed}))


@pytest.fixture
def volume() -> CTVolume:
    hu = np.random.default_rng(0).integers(-900, 100, SHAPE).astype(np.int16)
    return CTVolume(hu, spacing=(2.5, 0.8, 0.8), name="small")


def make_session(calls: list | None = None, *, protector=stripes, **networks) -> Session:
    seen: list = [] if calls is None else calls
    light = {"load_attacker": lambda action, device: Blob(action, seen), "load_detector": lambda device: Brightness()}
    return Session(Networks(**{**light, **networks}), protector)


def test_attacking_needs_a_scan():
    with pytest.raises(AttackError, match="load a CT scan"):
        make_session().add_injection("inject", (0, 0, 0))


def test_a_place_outside_the_scan_is_refused_and_nothing_is_lost(volume):
    session = make_session()
    session.open(volume)
    session.add_injection("inject", (5, 5, 5))
    for voxel in ((12, 5, 5), (-1, 5, 5), (5, 30, 5), (5, 5, 32)):
        with pytest.raises(AttackError, match="outside the scan"):
            session.add_injection("inject", voxel)
    assert session.injections == (Injection("inject", (5, 5, 5)),)


def test_the_original_is_never_changed(volume):
    before = volume.hu.copy()
    session = make_session()
    session.open(volume)
    session.accept_protected(session.make_protected(ProtectionOptions(max_change_hu=10)))
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
    session.accept_protected(session.make_protected(ProtectionOptions(max_change_hu=10)))
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
    with pytest.raises(ReplayError, match="15 mm thick") as caught:
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
    changed = session.make_protected(ProtectionOptions(max_change_hu=7))
    extreme = changed.hu.copy()
    extreme[0, 0, 0] = -32768
    session.accept_protected(CTVolume(extreme, spacing=(2.5, 0.8, 0.8)))
    found = difference_hu(session, Difference.PROTECTION, "original")
    assert found[0, 0, 0] == -32768
    assert set(np.unique(found[1:])) == {0, 7}


def test_the_effect_is_the_difference_between_the_two_attacks(volume):
    session = make_session()
    session.open(volume)
    session.accept_protected(session.make_protected(ProtectionOptions(max_change_hu=10)))
    session.add_injection("inject", (5, 5, 5))
    effect = difference_hu(session, Difference.EFFECT, "protected")
    expected = session.attacked("protected").hu.astype(int) - session.attacked("original").hu
    assert np.array_equal(effect, expected)
    on_original = difference_hu(session, Difference.ATTACK, "original")
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
    assert figures(session, 5, (5, 5, 5)).protection_slice is None


# ---- what the detector finds


@pytest.fixture
def dark(volume) -> CTVolume:
    """A scan in which no voxel is taken for a nodule."""
    return CTVolume(np.full_like(volume.hu, -880), spacing=volume.spacing)


def session_with_attacks(volume: CTVolume) -> tuple[Session, Brightness]:
    detector = Brightness()
    session = make_session(load_detector=lambda device: detector)
    session.open(volume)
    return session, detector


def test_the_detector_sees_what_an_attack_changed_at_its_place(dark):
    session, _ = session_with_attacks(dark)
    session.add_injection("inject", (5, 15, 16))
    (detection,) = detections(session, "original")
    assert detection == Detection(before=pytest.approx(0.1), after=pytest.approx(560 / 1200), threshold=0.5)
    assert detection.words == "no nodule is seen"
    session.add_injection("inject", (5, 15, 16))
    detection = detections(session, "original")[1]
    assert (detection.before, detection.after) == (pytest.approx(560 / 1200), pytest.approx(780 / 1200))
    assert (detection.words, detection.words_before) == ("a nodule is seen", "no nodule is seen")
    assert str(detection) == "nodule 0.65 (before 0.47)"


def test_detections_are_those_of_attacks_made_one_by_one(volume):
    session, _ = session_with_attacks(volume)
    sites = [(5, 10, 10), (5, 11, 12), (8, 20, 20), (6, 11, 11)]
    expected = []
    score = Brightness().scores
    for number, at in enumerate(sites):
        before = session.attacked("original")
        session.add_injection("inject" if number % 2 else "remove", at)
        after = session.attacked("original")
        expected.append(Detection(float(score(before, [at])[0]), float(score(after, [at])[0]), 0.5))
    assert detections(session, "original") == tuple(expected)
    assert np.array_equal(session.attacked("original").hu, after.hu)


def test_the_detector_is_asked_once_for_each_attack_and_version(volume):
    session, detector = session_with_attacks(volume)
    session.add_injection("inject", (5, 5, 5))
    detections(session, "original")
    session.add_injection("remove", (8, 8, 8))
    assert session.detections[1] is None
    detections(session, "original")
    assert detector.asked == [(5, 5, 5)] * 2 + [(8, 8, 8)] * 2
    session.accept_protected(session.make_protected(ProtectionOptions(max_change_hu=30)))
    assert session.detections == (None, None)
    on_protected = detections(session, "protected")
    assert len(detector.asked) == 8
    assert session.detections == on_protected
    session.protection_on = False
    assert session.detections == detections(session, "original") != on_protected
    session.undo()
    detections(session, "original")
    assert len(detector.asked) == 8


def test_another_protection_and_another_scan_are_looked_at_anew(volume):
    session, detector = session_with_attacks(volume)
    session.add_injection("inject", (5, 5, 5))
    for seed in (0, 1):
        session.accept_protected(session.make_protected(ProtectionOptions(seed=seed)))
        assert session.detections == (None,)
        detections(session, "protected")
    session.open(volume)
    session.add_injection("inject", (5, 5, 5))
    assert session.detections == (None,)
    assert len(detector.asked) == 4


def test_without_a_detector_the_attacks_work_and_the_reason_is_told(volume):
    def missing(device: str):
        raise WeightsError("the detector's weights are missing; train them")

    session = make_session(load_detector=missing)
    session.open(volume)
    session.add_injection("inject", (5, 5, 5))
    assert session.attacked("original").is_tampered
    with pytest.raises(WeightsError, match="are missing"):
        detections(session, "original")
    assert session.detections == (None,)


# ---- other attackers


class Painter(Attacker):
    """An attacker made from a file: it writes the number in that file into a voxel."""

    action, family = "inject", "painter"

    def __init__(self, path: Path | None) -> None:
        self.value = 7 if path is None else int(path.read_text())
        self.name = "own" if path is None else f"{path.name} {self.value}"

    def touched(self, at, spacing):
        return Box(at, (1, 1, 1))

    def paint(self, volume: CTVolume, at: tuple[int, int, int]) -> Painted:
        return Painted(self.touched(at, volume.spacing), np.full((1, 1, 1), self.value))


def load_painter(action: str, device: str, path: Path | None = None) -> Painter:
    if path is not None and not path.exists():
        raise WeightsError(f"'{path.name}' is missing; choose another file.")
    return Painter(path)


@pytest.fixture
def painting(volume) -> Session:
    session = make_session(load_attacker=load_painter)
    session.open(volume)
    return session


def test_each_injection_keeps_the_attacker_it_was_made_with(painting, tmp_path):
    (tmp_path / "other").write_text("55")
    first, second, third = (2, 2, 2), (5, 5, 5), (8, 8, 8)
    painting.add_injection("inject", first)
    painting.use_attacker("inject", tmp_path / "other")
    painting.add_injection("inject", second)
    painting.add_injection("remove", (9, 9, 9))
    painting.use_attacker("inject", None)
    painting.add_injection("inject", third)
    painting.accept_protected(painting.make_protected())
    for version in ("original", "protected"):
        attacked = painting.attacked(version)
        assert [attacked.hu[at] for at in (first, second, (9, 9, 9), third)] == [7, 55, 7, 7]
        made_with = [step.parameters["attacker"] for step in attacked.history if step.kind == "attack"]
        assert made_with == ["own", "other 55", "own", "own"]
    assert [injection.attacker for injection in painting.injections] == [BUILT_IN, "other 55", BUILT_IN, BUILT_IN]


def test_weights_that_cannot_be_loaded_leave_the_attacker_in_use(painting, tmp_path):
    (tmp_path / "other").write_text("55")
    told = []
    painting.attacker_changed.connect(lambda: told.append(painting.networks.chosen("inject")))
    painting.use_attacker("inject", tmp_path / "other")
    for action in (painting.networks.prepare, painting.use_attacker):
        with pytest.raises(WeightsError, match="is missing"):
            action("inject", tmp_path / "nowhere")
    assert painting.networks.chosen("inject") == "other 55"
    assert painting.networks.chosen("remove") == BUILT_IN
    painting.use_attacker("inject", None)
    assert told == ["other 55", BUILT_IN]


def test_a_file_written_anew_is_another_attacker(painting, tmp_path):
    path = tmp_path / "other"
    path.write_text("55")
    painting.use_attacker("inject", path)
    painting.add_injection("inject", (2, 2, 2))
    path.write_text("66")
    assert painting.networks.prepare("inject", path) == "other 66"
    painting.add_injection("inject", (5, 5, 5))
    painting.use_attacker("inject", path)
    painting.add_injection("inject", (8, 8, 8))
    attacked = painting.attacked("original")
    assert [attacked.hu[at] for at in ((2, 2, 2), (5, 5, 5), (8, 8, 8))] == [55, 55, 66]
    # on another device the file has to be read again, and what was made with it is gone
    painting.networks.device = "cpu"
    painting.accept_protected(painting.make_protected())
    with pytest.raises(ReplayError, match="was changed since it was chosen"):
        painting.attacked("protected")


def test_the_real_attacker_refuses_a_folder_that_is_none(volume, tmp_path):
    session = make_session(load_attacker=load_by_name)
    session.open(volume)
    (tmp_path / "note.txt").write_text("no model")
    with pytest.raises(WeightsError) as refused:
        session.use_attacker("inject", tmp_path)
    assert str(tmp_path.parent) not in str(refused.value)
    assert session.networks.chosen("inject") == BUILT_IN


def test_networks_that_were_warmed_up_are_loaded_and_have_computed():
    calls, detector, loaded = [], Brightness(), []

    def load(action, device):
        loaded.append(action)
        return Blob(action, calls)

    session = make_session(load_attacker=load, load_detector=lambda device: detector)
    session.networks.warm_up()
    assert loaded == ["inject", "remove"]
    assert (len(calls), len(detector.asked)) == (2, 1)
    session.networks.attacker("inject")
    assert loaded == ["inject", "remove"]


def test_networks_that_cannot_be_loaded_are_not_complained_of_before_they_are_asked_for():
    def missing(*_):
        raise WeightsError("the weights are gone")

    session = make_session(load_attacker=missing, load_detector=missing)
    session.networks.warm_up()
    with pytest.raises(WeightsError, match="gone"):
        session.networks.detector()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(*(st.integers(0, n - 1) for n in SHAPE), st.sampled_from(["inject", "remove"])), max_size=5),
    st.integers(0, 5),
)
def test_the_difference_is_that_of_the_whole_volumes_whatever_overlaps_or_was_taken_back(places, taken_back):
    hu = np.random.default_rng(0).integers(-1000, 400, SHAPE).astype(np.int16)
    session = make_session()
    session.open(CTVolume(hu, spacing=(2.5, 1.0, 1.0)))
    for *at, action in places:
        session.add_injection(action, tuple(at))
    session.attacked("original")
    for _ in range(min(taken_back, len(places))):
        session.undo()
    expected = session.attacked("original").hu.astype(int) - hu
    assert np.array_equal(difference_hu(session, Difference.ATTACK, "original"), expected)


def test_an_attacker_that_fails_to_say_what_it_touches_is_a_failed_injection_and_those_before_it_stay(volume):
    blob, first, second = Blob("inject", []), Injection("inject", (5, 15, 15)), Injection("inject", (6, 8, 8))

    def touched(volume: CTVolume, injection: Injection):
        if injection == second:
            raise AttackError("the reach of this attacker is unknown")
        return blob.touched(injection.at, volume.spacing).inside(volume.shape).slices()

    replay = Replay(volume, lambda volume, injection, out: blob.tamper(volume, injection.at, out=out), touched)
    before = replay.to((first,), silent)
    with pytest.raises(ReplayError, match="reach of this attacker") as caught:
        replay.to((first, second), silent)
    assert caught.value.injection == second
    assert replay.to((first,), silent) is before
    np.testing.assert_array_equal(before.hu, blob.tamper(volume, first.at).hu)
