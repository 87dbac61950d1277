"""What a header says commands no terminal."""

import pytest
from rich.markup import escape

from node.cli.terminal import answer


@pytest.mark.parametrize("options", [{}, {"markup": False}], ids=["markup", "plain"])
def test_control_characters_of_a_header_reach_no_terminal(capsys: pytest.CaptureFixture[str], options: dict) -> None:
    answer.print(f"CT {escape('lung')}\x1b[31m\x1b]0;title\x07\x9b2J\r\n\tsoft", **options)
    assert capsys.readouterr().out.replace("\ufffd", "?").split() == ["CT", "lung?[31m?]0;title??2J?", "soft"]
