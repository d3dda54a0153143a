from pathlib import Path

from baton.stack.logs import rotate


def test_large_log_is_set_aside_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old" * 10)
        rotate(tmp_path, largest=20)
        writer.write(b"new")

    assert log.read_bytes() == b"new"
    assert (tmp_path / "service.log.1").read_bytes() == b"old" * 10


def test_small_log_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "service.log").write_bytes(b"few")

    rotate(tmp_path, largest=20)

    assert [file.name for file in tmp_path.iterdir()] == ["service.log"]


def test_only_the_last_logs_are_kept(tmp_path: Path) -> None:
    for age in range(5):
        (tmp_path / "service.log").write_text(f"{age}" * 30)
        rotate(tmp_path, largest=20)

    kept = {file.name: file.read_text()[:1] for file in tmp_path.iterdir()}
    assert kept == {"service.log": "", "service.log.1": "4", "service.log.2": "3"}
