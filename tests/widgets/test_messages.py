"""The bottom of the dock: nothing is overwritten at once, errors stay until they are put away, cancelling is heard."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QEvent, QObject

from napari_mits_gan.widgets.controls.message_line import MessageLine


@pytest.fixture
def line(qtbot):
    made = MessageLine()
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_sentence_stays_beside_the_next_one(line):
    line.say("First.")
    line.say("Second.")
    assert (line.earlier.text(), line.text.text()) == ("First.", "Second.")
    line.say("Third.")
    assert (line.earlier.text(), line.text.text()) == ("Second.", "Third.")
    line.forget()
    assert (line.earlier.text(), line.text.text()) == ("", "")


def test_what_went_wrong_stays_until_it_is_put_away(line):
    line.complain("It went wrong.")
    line.say("Something else.")
    assert line.complaint.isVisible()
    assert line.complaint.text() == "It went wrong."
    line.dismiss_button.click()
    assert not line.complaint.isVisible()


def test_only_errors_are_red(line):
    line.say("As it should be.")
    plain = line.text.styleSheet()
    line.warn("Careful.")
    warning = line.text.styleSheet()
    assert len({plain, warning, line.complaint.styleSheet()}) == 3
    line.say("As it should be again.")
    assert line.text.styleSheet() == plain


def test_what_is_done_is_said_also_while_nobody_knows_how_far_it_is(line):
    line.start_work("Protecting the scan", can_cancel=True)
    assert line.doing.isVisible()
    assert line.doing.text() == "Protecting the scan…"
    line.show_progress(0, 0)
    assert line.doing.text() == "Protecting the scan…"
    line.stop_work()
    assert not line.doing.isVisible()


def test_cancelling_is_acknowledged_at_once(line, qtbot):
    line.start_work("Protecting the scan", can_cancel=True)
    with qtbot.waitSignal(line.cancel_requested):
        line.cancel_button.click()
    line.show_progress(3, 9)
    assert "stopping" in line.doing.text()
    assert line.cancel_button.text() == "Stopping…"
    assert not line.cancel_button.isEnabled()
    line.start_work("Checking", can_cancel=True)
    assert line.cancel_button.isEnabled()
    assert line.cancel_button.text() == "Cancel"


def test_progress_is_drawn_when_the_window_comes_to_it_and_not_at_once(line, qtbot):
    line.start_work("Protecting the scan", can_cancel=True)
    qtbot.waitExposed(line)
    drawn = Drawn()
    line.bar.installEventFilter(drawn)
    for done in range(3):
        line.show_progress(done, 3)
    line.start_work("Measuring", can_cancel=False)
    assert drawn.count == 0
    line.show_progress(2, 3)
    qtbot.waitUntil(lambda: drawn.count > 0)
    assert (line.bar.value(), line.bar.maximum()) == (2, 3)


def test_what_lies_above_stays_where_it_is_until_what_was_said_is_forgotten(line, qtbot):
    line.resize(300, line.height())
    line.say("A sentence that does not fit into one line of three hundred pixels, nor into two of them, not by far.")
    line.say("Short.")
    line.start_work("Attacking", can_cancel=True)
    qtbot.waitExposed(line)
    high = line.height()
    for sentence in ("Short.", "Shorter."):
        line.stop_work()
        line.say(sentence)
        assert line.height() == high
        line.start_work("Comparing", can_cancel=False)
        assert line.height() == high
    line.stop_work()
    assert line.height() == high
    qtbot.waitUntil(lambda: line.height() < high)
    high = line.height()
    line.forget()
    assert line.height() < high


def test_nothing_that_is_said_is_cut_off(line, qtbot):
    line.resize(300, line.height())
    qtbot.waitExposed(line)
    line.complain("What went wrong takes many words to say, " * 8)
    line.say("And so does this. " * 20)
    line.start_work("Protecting the scan", can_cancel=True)
    assert line.height() >= line._content.layout().totalHeightForWidth(line.viewport().width())
    line.resize(200, line.height())
    qtbot.waitUntil(lambda: line.height() >= line._content.layout().totalHeightForWidth(line.viewport().width()))
    line.dismiss()
    line.stop_work()
    line.forget()
    assert line.height() < 100


class Drawn(QObject):
    """How often what it watches was drawn."""

    count = 0

    def eventFilter(self, watched, event):
        self.count += event.type() == QEvent.Type.Paint
        return False
