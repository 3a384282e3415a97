import pytest

from napari_mits_gan.command_line.progress_bar import progress_bar


def test_results_on_stdout_are_not_mixed_with_the_bar(capsys):
    with progress_bar("Working") as progress:
        for done in range(4):
            progress(done, 3)
    assert capsys.readouterr().out == ""


def test_an_error_passes_through():
    with pytest.raises(KeyError), progress_bar("Working"):
        raise KeyError
