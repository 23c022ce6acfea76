"""Two responses beside each other."""

from matapalo.strangler.console.line_diff import LONGEST, Line, pair


def test_a_pair_marks_what_the_other_does_not_have_and_no_comma() -> None:
    both = pair('{\n "a": 1\n}', '{\n "a": 1,\n "b": 2\n}')
    assert both.legacy == (Line("{", False), Line(' "a": 1', False), Line("}", False))
    assert [line.text for line in both.new if line.differs] == [' "b": 2']


def test_a_pair_that_is_too_long_is_shown_without_marks() -> None:
    both = pair("x\n" * (LONGEST + 1), "y")
    assert not any(line.differs for line in (*both.legacy, *both.new))
