"""How far a long command is: lines where nobody watches, one that moves where somebody does."""

import io
import sys

import pytest

from halfdoor.cli.progress import shown_progress


class Terminal(io.StringIO):
    """Something that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_a_line_for_each_thing_that_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as tell:
        for done in range(1000):
            tell("reading people.inbox", done, None)
        tell("verifying", 1, 2)
        tell("verifying", 2, 2)
    assert capsys.readouterr() == ("", "reading people.inbox\nverifying\n")


def test_what_takes_long_says_now_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter((0.0, 5.0, 12.0, 13.0, 30.0))
    monkeypatch.setattr("halfdoor.cli.progress.time.monotonic", lambda: next(now))
    with shown_progress() as tell:
        for done in (10, 20, 30, 40):
            tell("verifying", done, 99)
        tell("verifying", 50, None)
    assert capsys.readouterr().err == "verifying\nverifying: 30 of 99\nverifying: 50\n"


def test_a_terminal_shows_what_is_done_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress() as tell:
        tell("reading conversations.event", 700, None)
        tell("verifying [7]", 3, 9)
    shown = terminal.getvalue()
    assert "verifying [7]" in shown
    assert "3/9" in shown
    # The last thing on a terminal is that the line was taken away again.
    assert shown.rstrip().endswith(("\x1b[2K", "\x1b[?25h", "\x1b[1A\x1b[2K"))
