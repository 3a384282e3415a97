import pytest

from napari_mits_gan.device import DeviceError, available_devices, choose_device


def test_the_processor_is_always_available_and_comes_last():
    assert available_devices()[-1] == "cpu"


def test_auto_takes_the_first_available_device():
    assert choose_device("auto").type == available_devices()[0]
    assert choose_device().type == choose_device("auto").type


def test_a_device_this_computer_lacks_is_refused_with_the_ones_it_has():
    missing = next((name for name in ("cuda", "mps") if name not in available_devices()), None)
    if missing is None:
        pytest.skip("this computer has every kind of device")
    with pytest.raises(DeviceError, match=f"no '{missing}' device; choose one of auto, .*cpu"):
        choose_device(missing)


@pytest.mark.parametrize("name", ["gpu", "", "cpu:1", "mps:0", "cuda:one", "cuda:99"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(DeviceError, match="choose one of"):
        choose_device(name)
