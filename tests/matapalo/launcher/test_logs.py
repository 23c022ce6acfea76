"""Logs: the last lines of this run only, bounded files, following over a rotation."""

from pathlib import Path

from matapalo.launcher import logs


def test_the_last_lines_are_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert logs.last_lines(log, 2) == ["line 99998", "line 99999"]
    assert len(logs.last_lines(log, 5_000)) == 5_000
    assert logs.last_lines(log, 0) == []


def test_lines_of_an_earlier_run_are_left_out(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("before\n")
    start = logs.size(log)
    assert logs.last_lines(log, 10, since=start) == []
    with log.open("a") as file:
        file.write("after\n")
    assert logs.last_lines(log, 10, since=start) == ["after"]


def test_bytes_that_are_no_text_do_not_hurt(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_bytes(b"\xff\xfe ok\n")
    assert logs.last_lines(log, 1)[0].endswith(" ok")


def test_a_log_that_has_grown_too_big_is_moved_aside(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_bytes(b"x" * (logs.MAX_BYTES + 1))
    logs.rotate(log)
    assert not log.exists()
    assert (tmp_path / "web.log.1").stat().st_size == logs.MAX_BYTES + 1
    log.write_text("small")
    logs.rotate(log)
    assert log.read_text() == "small"


def test_following_goes_on_with_the_new_file_after_a_rotation(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("old old old\n")
    written = logs.follow(log, start=0)
    assert next(written) == "old old old\n"
    log.replace(tmp_path / "web.log.1")
    log.write_text("new\n")
    assert next(written) == "new\n"
