"""Pages need nothing but themselves, and text in them cannot become markup."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from napari_mits_gan.errors import WriteError
from napari_mits_gan.pages import page as html

NASTY = '<script>alert("x")</script> & "quoted"'


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.words.append(data)


def test_text_of_any_kind_stays_text():
    picture = np.zeros((2, 2, 3), np.uint8)
    parts = [
        *(html.heading(NASTY), html.headline(NASTY, alarm=True), html.paragraph(NASTY), html.bullets([NASTY])),
        *(html.facts([(NASTY, NASTY)]), html.table([NASTY], [[NASTY]]), html.figure(picture, NASTY)),
    ]
    read = Reader(html.page(NASTY, parts))
    assert "script" not in read.tags
    assert "".join(read.words).count(NASTY) == 11


def test_nothing_is_fetched_from_elsewhere():
    text = html.page("t", [html.figure(np.zeros((2, 2, 3), np.uint8), "c")])
    assert all(address.startswith("data:") for address in Reader(text).addresses)
    assert "url(" not in text
    assert "@import" not in text


def test_a_name_that_is_taken_is_refused_and_the_file_left_as_it_is(tmp_path):
    (tmp_path / "r.html").write_text("mine")
    with pytest.raises(WriteError, match=r"'r\.html' already"):
        html.check_new_file(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text() == "mine"


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        html.write_page(tmp_path / "file" / "r.html", "<p>")
