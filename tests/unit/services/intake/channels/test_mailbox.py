"""Mails of a polled mailbox are marked as seen when they are durable, and not before."""

import threading
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from runtime.stopping import StopRequest
from schemas.vocabulary import Channel
from services.intake.channels import mailbox
from services.intake.channels.imap import UnusableMailbox, inbox_opener
from services.intake.channels.mailbox import MailboxPoller
from services.intake.settings import ChannelSettings
from tests.samples.catalogue import JANE, MARCO
from tests.samples.writers import letter_mail
from tests.support.channels import SENDER, Entrance, entrance
from tests.support.imap_server import PASSWORD, USER, MailServer, mail_server
from tests.support.waiting import eventually

LETTERS = (letter_mail("one", JANE), letter_mail("two", MARCO), b"no head at all")


@pytest.fixture
def inside() -> Iterator[Entrance]:
    with entrance() as found:
        yield found


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server(*LETTERS) as found:
        yield found


def settings(url: str, password: str = PASSWORD) -> ChannelSettings:
    return ChannelSettings(
        kafka_bootstrap_servers="none",
        schema_registry_url="none",
        database_url="none",
        document_store="none",
        imap_url=url,
        imap_user=USER,
        imap_password=SecretStr(password),
    )


def poller_of(inside: Entrance, server: MailServer, password: str = PASSWORD) -> MailboxPoller:
    return MailboxPoller(
        inbox_opener(settings(f"imap://127.0.0.1:{server.port}/INBOX/Referrals", password)),
        inside.acceptor,
        inside.clock,
        channel=Channel.MAIL,
        sender=SENDER,
        is_open=lambda: inside.is_open,
    )


def flags(server: MailServer) -> list[set[str]]:
    return [mail.flags for mail in server.mails.values()]


def test_each_mail_is_taken_as_it_came_and_once(inside: Entrance, server: MailServer) -> None:
    poller = poller_of(inside, server)

    poller.look()
    poller.look()

    assert inside.contents == list(LETTERS)
    assert [event.source_message_id for event in inside.broker.events] == [
        "one@elmstreet.example",
        "two@elmstreet.example",
        None,
    ]
    assert flags(server) == [{"\\Seen"}] * 3


def test_what_could_not_be_kept_is_not_marked(inside: Entrance, server: MailServer) -> None:
    inside.broker.is_away = True
    poller = poller_of(inside, server)
    poller.look()
    assert flags(server) == [set(), set(), set()]

    inside.broker.is_away = False
    poller.look()
    assert flags(server) == [{"\\Seen"}] * 3


def test_a_kill_before_the_mark_is_the_same_submission_again(
    inside: Entrance, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_name: str) -> None:
        raise KeyboardInterrupt

    poller = poller_of(inside, server)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(mailbox, "failpoint", killed)
        poller.look()
    poller.look()

    first, again, *_ = inside.broker.events
    assert first.submission_id == again.submission_id


def test_a_mail_that_is_too_large_is_flagged_unread(inside: Entrance, server: MailServer) -> None:
    server.mails[1].told_size = 30_000_001

    poller_of(inside, server).look()

    assert flags(server) == [{"\\Flagged"}, {"\\Seen"}, {"\\Seen"}]
    assert 1 not in server.fetched


def test_a_mail_the_server_withholds_harms_no_other(inside: Entrance, server: MailServer) -> None:
    server.mails[1].is_withheld = True

    poller_of(inside, server).look()

    assert flags(server) == [{"\\Flagged"}, {"\\Seen"}, {"\\Seen"}]


def test_a_mailbox_that_can_not_be_reached_is_tried_again(inside: Entrance, server: MailServer) -> None:
    stop = StopRequest()
    wrong = poller_of(inside, server, password="wrong")
    thread = threading.Thread(target=wrong.watch, args=(stop, 0.01))
    thread.start()
    try:
        eventually(lambda: server.failed_logins > 2, what="several attempts")
        assert thread.is_alive()
        assert not inside.broker.events
    finally:
        stop.set()
        thread.join(10)


@pytest.mark.parametrize("url", ["", "http://host", "imaps://", "imaps://host:port", "host/INBOX"])
def test_an_address_that_is_none_does_not_start(url: str) -> None:
    with pytest.raises(UnusableMailbox):
        inbox_opener(settings(url))
