import json

from napari_mits_gan.command_line.main import main

FEW = ["--method", "gaussian-noise", "--clicks", "1", "--actions", "inject", "--controls", "--device", "cpu"]


def test_the_report_as_json_can_be_read_by_programs(image_file, capsys):
    assert main(["evaluate", str(image_file), *FEW, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["method"] == "gaussian-noise"
    assert len(report["places"]) == 1


def test_the_report_for_people_names_method_and_units(image_file, capsys):
    assert main(["evaluate", str(image_file), *FEW]) == 0
    told = capsys.readouterr().out
    assert "gaussian-noise" in told
    assert "HU" in told


def test_a_control_that_does_not_exist_is_refused(image_file, capsys):
    assert main(["evaluate", str(image_file), *FEW[:-3], "--controls", "magic"]) == 1
    assert "magic" in capsys.readouterr().err


def test_a_key_is_used_and_not_told(image_file, capsys):
    assert main(["evaluate", str(image_file), *FEW, "--format", "json", "--key", "ward 7"]) == 0
    told = capsys.readouterr().out
    assert json.loads(told)["protection"]["seed"] == "from a key"
    assert "ward 7" not in told
