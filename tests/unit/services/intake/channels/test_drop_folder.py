"""Files in the watched folder are taken once, complete, and are to be found afterwards with what became of them."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.stopping import StopRequest
from schemas.vocabulary import Channel
from services.intake.channels import drop_folder
from services.intake.channels.drop_folder import DropFolder
from services.intake.channels.dropped_file import Dropped, read_file
from services.intake.channels.limits import LARGEST_HL7
from services.intake.channels.set_aside import DONE, FAILED
from tests.samples.catalogue import RUTH
from tests.samples.writers import hl7
from tests.support.channels import Entrance, entrance
from tests.support.hl7_batches import generated_batch
from tests.support.waiting import eventually

SAMPLES = Path(__file__).parents[4] / "samples"


@pytest.fixture
def inside() -> Iterator[Entrance]:
    with entrance() as found:
        yield found


def folder_of(inside: Entrance, root: Path, *, settle_s: float = 0.0) -> DropFolder:
    found = DropFolder(
        root,
        inside.acceptor,
        inside.clock,
        network="riverside",
        clinic="harbor",
        settle_s=settle_s,
        is_open=lambda: inside.is_open,
    )
    found.prepare()
    return found


@pytest.fixture
def folder(inside: Entrance, tmp_path: Path) -> DropFolder:
    return folder_of(inside, tmp_path)


def put(root: Path, where: str, content: bytes) -> Path:
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(root: Path, kind: str) -> list[str]:
    return sorted(path.name.partition("-")[2] for path in (root / kind).rglob("*") if path.is_file())


@pytest.mark.parametrize("channel", list(Channel))
def test_a_file_is_taken_as_a_message_of_its_folder(
    folder: DropFolder, inside: Entrance, tmp_path: Path, channel: Channel
) -> None:
    sample = next(
        path
        for path in sorted((SAMPLES / channel).iterdir())
        if path.stem in ("complete", "bundle", "five_calls", "backfill", "transcript")
    )
    put(tmp_path, f"{channel}/{sample.name}", sample.read_bytes())

    folder.look()

    assert {event.channel for event in inside.broker.events} == {channel}
    assert inside.broker.events[0].file_name == sample.name
    assert names(tmp_path, DONE) == [sample.name]
    assert not (tmp_path / channel / sample.name).exists()


def test_network_and_clinic_are_named_by_the_folders(folder: DropFolder, inside: Entrance, tmp_path: Path) -> None:
    put(tmp_path, "fax/lakeside/north/letter.pdf", b"%PDF one")
    put(tmp_path, "fax/letter.pdf", b"%PDF two")

    folder.look()

    owners = {(event.network_id, event.clinic_id) for event in inside.broker.events}
    assert owners == {("lakeside", "north"), ("riverside", "harbor")}


def test_a_file_is_left_alone_until_it_is_complete(inside: Entrance, tmp_path: Path) -> None:
    folder = folder_of(inside, tmp_path, settle_s=0.15)
    path = put(tmp_path, "fax/letter.pdf", b"%PDF ")
    folder.look()
    with path.open("ab") as file:
        file.write(b"the rest")
    folder.look()
    assert not inside.broker.events

    def taken() -> bool:
        folder.look()
        return bool(inside.broker.events)

    eventually(taken, what="the file")
    assert inside.contents == [b"%PDF the rest"]


@pytest.mark.parametrize("name", [".hidden.pdf", "letter.pdf.part", "letter.pdf.filepart", "letter.tmp", "letter.pdf~"])
def test_files_that_are_still_written_are_left_alone(
    folder: DropFolder, inside: Entrance, tmp_path: Path, name: str
) -> None:
    path = put(tmp_path, f"fax/{name}", b"%PDF")

    folder.look()

    assert path.exists()
    assert not inside.broker.events


def test_a_kill_between_taking_and_moving_is_the_same_submission_again(
    folder: DropFolder, inside: Entrance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "mail/letter.eml", (SAMPLES / "mail" / "complete.eml").read_bytes())

    def killed(_name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(drop_folder, "failpoint", killed)
        folder.look()
    folder_of(inside, tmp_path).look()

    first, second = inside.broker.events
    assert first.submission_id == second.submission_id
    assert names(tmp_path, DONE) == ["letter.eml"]


@pytest.mark.parametrize(
    ("where", "content", "reason"),
    [
        ("letter.pdf", b"%PDF", "unknown_channel"),
        ("telex/letter.pdf", b"%PDF", "unknown_channel"),
        ("fax/riverside/letter.pdf", b"%PDF", "bad_address"),
        ("fax/River Side/harbor/letter.pdf", b"%PDF", "bad_address"),
        ("fax/riverside/harbor/deeper/letter.pdf", b"%PDF", "bad_address"),
        ("fax/empty.pdf", b"", "empty"),
        ("hl7/large.hl7", b"x" * (LARGEST_HL7 + 1), "too_large"),
    ],
)
def test_what_can_not_be_taken_is_set_aside_with_the_reason(
    folder: DropFolder, inside: Entrance, tmp_path: Path, where: str, content: bytes, reason: str
) -> None:
    put(tmp_path, where, content)

    folder.look()

    name = Path(where).name
    assert names(tmp_path, FAILED) == [name, f"{name}.reason.txt"]
    (note,) = (tmp_path / FAILED).rglob("*.reason.txt")
    assert note.read_text().startswith(f"{reason}: ")
    assert not inside.broker.events


@pytest.mark.parametrize(
    ("where", "content"),
    [
        ("portal/broken.json", b"{"),
        ("fhir/device.json", b'{"resourceType": "Device"}'),
        ("hl7/no_header.hl7", b"PID|1"),
        ("csv/no_header.csv", b"1,2\n3,4\n"),
        ("mail/strange.xyz", b"\x00\x01\x02"),
    ],
)
def test_what_a_sender_would_be_told_is_here_left_to_people(
    folder: DropFolder, inside: Entrance, tmp_path: Path, where: str, content: bytes
) -> None:
    put(tmp_path, where, content)

    folder.look()

    assert inside.contents == [content]
    assert names(tmp_path, DONE) == [Path(where).name]


def test_a_file_of_several_messages_is_several_submissions(
    folder: DropFolder, inside: Entrance, tmp_path: Path
) -> None:
    put(tmp_path, "hl7/batch.hl7", "".join(hl7(RUTH, f"MSG-{number}") for number in range(3)).encode())

    folder.look()

    assert [event.source_message_id for event in inside.broker.events] == ["MSG-0", "MSG-1", "MSG-2"]


@pytest.mark.parametrize("seed", range(20))
def test_a_batch_is_taken_message_by_message(folder: DropFolder, inside: Entrance, tmp_path: Path, seed: int) -> None:
    batch = generated_batch(seed)
    put(tmp_path, "hl7/batch.hl7", batch.content)

    folder.look()

    taken = [event.source_message_id for event in inside.broker.events]
    # where no message can be read, people look at the whole file
    assert taken == (list(batch.told) if any(batch.told) or not batch.told else [None])
    assert names(tmp_path, DONE) == ["batch.hl7"]


def test_links_and_pipes_are_not_followed(folder: DropFolder, inside: Entrance, tmp_path: Path) -> None:
    secret = put(tmp_path.parent, f"{tmp_path.name}-secret/secret.pdf", b"%PDF secret")
    (tmp_path / "fax" / "link.pdf").symlink_to(secret)
    (tmp_path / "fax" / "folder").symlink_to(secret.parent, target_is_directory=True)
    os.mkfifo(tmp_path / "fax" / "pipe.pdf")

    folder.look()

    assert not inside.broker.events
    assert secret.exists()


def test_while_nothing_can_be_kept_files_stay(folder: DropFolder, inside: Entrance, tmp_path: Path) -> None:
    path = put(tmp_path, "fax/letter.pdf", b"%PDF")
    inside.broker.is_away = True
    folder.look()
    assert path.exists()

    inside.broker.is_away = False
    folder_of(inside, tmp_path).look()
    assert not path.exists()
    assert len(inside.broker.events) == 1


def test_a_file_that_can_not_be_read_harms_no_other(
    folder: DropFolder, inside: Entrance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "fax/a.pdf", b"%PDF a")
    put(tmp_path, "fax/b.pdf", b"%PDF b")

    def refusing(path: Path, *, largest: int) -> Dropped:
        if path.name == "a.pdf":
            raise PermissionError
        return read_file(path, largest=largest)

    monkeypatch.setattr(drop_folder, "read_file", refusing)
    for _ in range(3):
        folder.look()

    assert inside.contents == [b"%PDF b"]
    assert (tmp_path / "fax" / "a.pdf").exists()


def test_the_same_name_again_hides_nothing(folder: DropFolder, tmp_path: Path) -> None:
    for content in (b"%PDF one", b"%PDF two", b"%PDF two"):
        put(tmp_path, "fax/letter.pdf", content)
        folder.look()

    assert sorted(path.read_bytes() for path in (tmp_path / DONE / "fax").iterdir()) == [
        b"%PDF one",
        b"%PDF two",
        b"%PDF two",
    ]


def test_files_are_noticed_as_they_come(inside: Entrance, tmp_path: Path) -> None:
    folder = folder_of(inside, tmp_path, settle_s=0.05)
    put(tmp_path, "fax/before.pdf", b"%PDF before")
    stop = StopRequest()
    thread = threading.Thread(target=folder.watch, args=(stop,))
    thread.start()
    try:
        eventually(lambda: len(inside.broker.events) == 1, what="the file that was there")
        put(tmp_path, "fax/after.pdf", b"%PDF after")
        eventually(lambda: len(inside.broker.events) == 2, what="the file that came")
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
