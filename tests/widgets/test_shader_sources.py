from __future__ import annotations

import pytest
from vispy.gloo import Program

from napari_mits_gan.widgets import shader_sources

VERTEX = "attribute vec2 place; // in pixels\nuniform float size;\nvoid main() { gl_PointSize = size; }"
FRAGMENT = "uniform vec4 color;\nvoid main() { gl_FragColor = color; }"


@pytest.fixture
def searched(monkeypatch):
    """The sources that vispy itself searched, from now on."""
    seen: list[str] = []
    original = Program._parse_variables_from_code
    original = getattr(original, "__wrapped__", original)

    def parse(program, update_variables=True):
        seen.append(program.shaders[1].code)
        original(program, update_variables)

    monkeypatch.setattr(Program, "_parse_variables_from_code", parse)
    shader_sources.search_each_source_once()
    return seen


def test_each_source_is_searched_once_and_has_the_same_variables_again(searched):
    first, second = Program(VERTEX, FRAGMENT), Program(VERTEX, FRAGMENT)
    other = Program(VERTEX, FRAGMENT.replace("color", "paint"))
    assert [code.count("color") for code in searched] == [2, 0]
    assert sorted(second.variables) == sorted(first.variables)
    assert sorted(name for _, _, name in second.variables) == ["color", "place", "size"]
    assert sorted(name for _, _, name in other.variables) == ["paint", "place", "size"]


def test_programs_of_one_source_keep_their_values_apart(searched):
    first, second = Program(VERTEX, FRAGMENT), Program(VERTEX, FRAGMENT)
    first["size"], second["size"] = 3.0, 5.0
    assert (float(first["size"][0]), float(second["size"][0])) == (3.0, 5.0)


def test_values_set_before_the_source_is_known_are_taken(searched):
    Program(VERTEX, FRAGMENT)
    later = Program()
    later["size"] = 4.0
    later.set_shaders(VERTEX, FRAGMENT)
    assert float(later["size"][0]) == 4.0


def test_it_is_done_once(searched):
    wrapped = Program._parse_variables_from_code
    shader_sources.search_each_source_once()
    assert Program._parse_variables_from_code is wrapped


def test_a_vispy_that_works_otherwise_is_left_alone(monkeypatch):
    monkeypatch.delattr(Program, "_parse_variables_from_code")
    shader_sources.search_each_source_once()
    assert not hasattr(Program, "_parse_variables_from_code")
