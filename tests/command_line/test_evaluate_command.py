import json

from napari_mits_gan.command_line.evaluate import TABLES
from napari_mits_gan.command_line.main import main
from napari_mits_gan.evaluation.evaluate import TABLES as TABLES_OF_THE_EVALUATION

FEW = ["--method", "gaussian-noise", "--clicks", "1", "--actions", "inject", "--controls", "--device", "cpu"]


def test_the_report_as_json_can_be_read_by_programs(image_file, capsys):
    assert main(["evaluate", str(image_file), *FEW, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["method"] == "gaussian-noise"
    assert len(report["sites"]) == 1


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


def test_further_tables_are_printed_when_asked_for(image_file, capsys):
    assert main(["evaluate", str(image_file), *FEW, "--tables", "robustness", "outcomes", "--format", "markdown"]) == 0
    told = capsys.readouterr().out
    assert "| inject, worst case |" in told
    assert "| inject, original scan |" in told
    assert "lung below" not in told


def test_the_tables_of_the_command_are_those_of_the_evaluation():
    assert TABLES == TABLES_OF_THE_EVALUATION
