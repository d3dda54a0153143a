"""Writers that take their time: a letter in the watched folder is taken whole, and no rest of it is lost."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from services.intake.channels import drop_folder, set_aside
from services.intake.channels.drop_folder import DropFolder
from services.intake.channels.dropped_file import stamp_of
from services.intake.channels.open_files import is_written_to
from services.intake.channels.set_aside import DONE, FAILED, SetAside
from services.intake.settings import ChannelSettings
from tests.samples.catalogue import JANE
from tests.samples.letters import letter_pdf
from tests.support.channels import Entrance, entrance
from tests.support.slow_writer import SlowWriter
from tests.support.waiting import eventually

LETTER = letter_pdf(JANE)
SETTLE_S = ChannelSettings.model_fields["drop_settle_s"].default
NOBODY = 65534
REPOSITORY = Path(__file__).parents[5]


def quarters(content: bytes) -> list[bytes]:
    step = len(content) // 4
    return [content[:step], content[step : 2 * step], content[2 * step : 3 * step], content[3 * step :]]


@pytest.fixture
def inside() -> Iterator[Entrance]:
    with entrance() as found:
        yield found


def folder_of(
    inside: Entrance, root: Path, *, settle_s: float = 0.05, sees: Callable[[Path], bool] = is_written_to
) -> DropFolder:
    clock = inside.clock
    found = DropFolder(root, inside.acceptor, clock, network="n", clinic="c", settle_s=settle_s, is_written_to=sees)
    found.prepare()
    return found


def look_until(folder: DropFolder, is_so: Callable[[], bool], what: str) -> None:
    def look() -> bool:
        folder.look()
        return is_so()

    eventually(look, what=what)


def blind(_path: Path) -> bool:
    """See no writer, as on a file system that does not tell."""
    return False


def in_done(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((root / DONE).rglob("*")) if path.is_file()]


def test_letters_that_are_written_with_pauses_are_taken_whole(inside: Entrance, tmp_path: Path) -> None:
    folder = folder_of(inside, tmp_path, settle_s=SETTLE_S)
    letters = [LETTER + b"%%%d" % number for number in range(4)]
    writers = [
        SlowWriter(tmp_path / f"fax/{n}.pdf", *quarters(letter), pause_s=1.5, is_reopening=n % 2 == 0)
        for n, letter in enumerate(letters)
    ]
    try:
        for writer in writers:
            writer.written()
        look_until(folder, lambda: not list((tmp_path / "fax").iterdir()), "an empty folder")
    finally:
        for writer in writers:
            writer.kill()

    assert sorted(inside.contents) == letters


@pytest.mark.parametrize("lease", ["granted", "unknown here"])
def test_a_file_that_somebody_has_open_is_left_until_it_is_closed(
    inside: Entrance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lease: str
) -> None:
    if lease != "granted":
        without_leases(monkeypatch)
    folder = folder_of(inside, tmp_path)
    writer = SlowWriter(tmp_path / "fax/letter.pdf", *quarters(LETTER))
    other = tmp_path / "fax/other.pdf"
    try:
        for _ in range(3):
            writer.written()
            other.write_bytes(LETTER + b"% another")
            look_until(folder, lambda: not other.exists(), "the other file to be taken")
            writer.go_on()
        writer.written()
        assert LETTER not in inside.contents
        writer.finish()
    finally:
        writer.kill()

    look_until(folder, lambda: LETTER in inside.contents, "the whole letter")
    assert set(inside.contents) == {LETTER, LETTER + b"% another"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write as somebody else")
def test_a_writer_of_another_user_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    path.touch()
    os.chown(path, NOBODY, NOBODY)
    code = "import os, sys; f = open(int(sys.argv[1]), 'ab'); os.setuid(65534); print(flush=True); sys.stdin.readline()"
    handle = os.open(path, os.O_WRONLY)
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(handle)], pass_fds=[handle], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    os.close(handle)
    assert writer.stdout is not None
    writer.stdout.readline()

    assert is_written_to(path)
    writer.communicate(b"\n", timeout=120)
    assert not is_written_to(path)


@pytest.mark.parametrize("lease", ["granted", "unknown here"])
def test_who_only_reads_is_no_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lease: str) -> None:
    if lease != "granted":
        without_leases(monkeypatch)
    path = tmp_path / "letter.pdf"
    path.write_bytes(LETTER)

    with path.open("rb"):
        assert not is_written_to(path)
    with path.open("r+b"):
        assert is_written_to(path)
    assert not is_written_to(path)
    assert not is_written_to(tmp_path / "gone.pdf")


def test_a_writer_that_comes_in_the_moment_of_a_look_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    path.write_bytes(LETTER)
    code = (
        "import sys, pathlib; from services.intake.channels.open_files import is_written_to;"
        "print(sum(is_written_to(pathlib.Path(sys.argv[1])) for _ in range(20_000)) >= 0)"
    )
    looking = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=REPOSITORY, stdout=subprocess.PIPE)
    opened = 0
    while looking.poll() is None:
        with path.open("ab"):
            opened += 1

    assert (looking.returncode, looking.communicate()[0]) == (0, b"True\n")
    assert opened > 100


def test_a_file_whose_writer_was_killed_is_taken_as_it_is(inside: Entrance, tmp_path: Path) -> None:
    folder = folder_of(inside, tmp_path)
    writer = SlowWriter(tmp_path / "fax/letter.pdf", *quarters(LETTER))
    writer.written()
    folder.look()
    writer.kill()

    look_until(folder, lambda: bool(inside.contents), "what there is of the letter")

    assert inside.contents == [quarters(LETTER)[0]]


def test_a_file_that_a_program_forgot_to_close_is_taken_in_the_end(
    inside: Entrance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop_folder, "LONGEST_OPEN_S", 0.3)
    folder = folder_of(inside, tmp_path)
    with (tmp_path / "fax/letter.pdf").open("wb") as file:
        file.write(LETTER)
        file.flush()
        look_until(folder, lambda: bool(inside.contents), "the letter")

    assert inside.contents == [LETTER]


@pytest.mark.parametrize("is_started_anew", [False, True])
def test_what_is_written_after_the_file_was_taken_is_taken_too(
    inside: Entrance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_started_anew: bool
) -> None:
    monkeypatch.setattr(set_aside, "LOOK_EVERY_S", 0.0)
    folder = folder_of(inside, tmp_path, sees=blind)
    bits = quarters(LETTER)
    writer = SlowWriter(tmp_path / "fax/letter.pdf", bits[0], b"".join(bits[1:]))
    try:
        writer.written()
        look_until(folder, lambda: inside.contents == bits[:1], "the first quarter")
        writer.go_on()
        writer.written()
        if is_started_anew:
            folder = folder_of(inside, tmp_path, sees=blind)
        look_until(folder, lambda: LETTER in inside.contents, "the whole letter")
        writer.finish()
    finally:
        writer.kill()

    look_until(folder, lambda: in_done(tmp_path) == [LETTER], "the letter in its place")
    assert inside.contents == [bits[0], LETTER]


def test_an_empty_file_that_is_filled_later_is_taken(
    inside: Entrance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_aside, "LOOK_EVERY_S", 0.0)
    folder = folder_of(inside, tmp_path, sees=blind)
    with (tmp_path / "fax/letter.pdf").open("wb") as file:
        look_until(folder, lambda: len(list((tmp_path / FAILED).rglob("*.pdf"))) == 1, "the refusal")
        file.write(LETTER)

    look_until(folder, lambda: inside.contents == [LETTER], "the letter")
    assert [path for path in (tmp_path / FAILED).rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("change", ["grown", "same size and time"])
def test_a_file_that_changes_while_it_is_taken_is_taken_again(
    inside: Entrance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "fax/letter.pdf"
    other = LETTER + b"%%" if change == "grown" else LETTER.replace(b"%PDF-1.3", b"%PDF-1.4")
    folder = folder_of(inside, tmp_path)
    path.write_bytes(LETTER)

    def write(_name: str) -> None:
        monkeypatch.setattr(drop_folder, "failpoint", lambda _: None)
        found = path.stat()
        path.write_bytes(other)
        if change != "grown":
            os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))

    monkeypatch.setattr(drop_folder, "failpoint", write)
    look_until(folder, lambda: len(inside.contents) == 2, "the changed file")

    assert inside.contents == [LETTER, other]
    assert in_done(tmp_path) == [other]


@pytest.mark.parametrize("seed", range(30))
def test_files_come_back_exactly_when_they_were_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(set_aside, "LOOK_EVERY_S", 0.0)
    random = Random(seed)
    aside = SetAside(tmp_path)
    aside.prepare()
    written: set[str] = set()
    names = random.sample(["a.pdf", "é.pdf", "x" * 180, "a.reason.txt", "two-words-.pdf", "line\nbreak", "b.pdf"], 5)
    for name in names:
        path = tmp_path / "fax" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(LETTER)
        stamp = stamp_of(path)
        assert stamp is not None
        kind = random.choice([DONE, FAILED])
        aside.put(path, kind, stamp, content=LETTER, reason="why" if kind == FAILED else None)
    if random.random() < 0.5:
        # a copy of the folder, as from a backup, is no news
        copied = shutil.copytree(tmp_path / DONE, tmp_path / "copy")
        shutil.rmtree(tmp_path / DONE)
        copied.rename(tmp_path / DONE)
        aside = SetAside(tmp_path)
    for place in [found for kind in (DONE, FAILED) for found in (tmp_path / kind).rglob("*") if found.is_file()]:
        if stamp_of(place) and place.read_bytes() == LETTER and random.random() < 0.5:
            with place.open(random.choice(["ab", "wb"])) as file:
                file.write(random.randbytes(9))
            written.add(place.name)

    aside.look_again()

    assert {path.name for path in (tmp_path / "fax").iterdir()} == written
    aside.look_again()
    left = [path for kind in (DONE, FAILED) for path in (tmp_path / kind).rglob("*") if path.is_file()]
    assert len([path for path in left if path.read_bytes() == LETTER]) == len(names) - len(written)


def without_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behave as a file system does that knows no leases."""
    real = fcntl.fcntl

    def refusing(handle: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETLEASE:
            raise OSError(errno.EINVAL, "no leases")
        return real(handle, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refusing)
