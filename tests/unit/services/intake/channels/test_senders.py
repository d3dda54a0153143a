"""Whose a message is says the channel: a known key, a known address, or in development whoever is near."""

import hashlib
from pathlib import Path

import pytest

from runtime.settings import Environment
from schemas.vocabulary import Channel
from services.intake.channels.arrival import Sender
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.channels.senders import KnownSenders, NearSenders, Senders, UnusableSources, load_senders
from services.intake.settings import ChannelSettings

SOURCES = f"""
[[source]]
name = "fax gateway"
network = "riverside"
clinic = "hill"
channels = ["fax"]
key_digest = "{hashlib.sha256(b"secret key").hexdigest()}"
peers = ["10.1.0.0/16"]

[[source]]
name = "chart system"
network = "riverside"
clinic = "lake"
channels = ["hl7"]
peers = ["10.2.0.7/32"]
"""


def settings(
    *, sources: str = "", environment: Environment = Environment.DEV, peers: str = "127.0.0.0/8,::1/128"
) -> ChannelSettings:
    return ChannelSettings(
        kafka_bootstrap_servers="none",
        schema_registry_url="none",
        database_url="none",
        document_store="none",
        baton_environment=environment,
        intake_sources=sources,
        intake_trusted_peers=peers,
    )


def loaded(tmp_path: Path, content: str = SOURCES, environment: Environment = Environment.PRODUCTION) -> Senders:
    path = tmp_path / "sources.toml"
    path.write_text(content)
    return load_senders(settings(sources=str(path), environment=environment))


@pytest.fixture
def known(tmp_path: Path) -> KnownSenders:
    senders = loaded(tmp_path)
    assert isinstance(senders, KnownSenders)
    return senders


def test_a_known_key_says_whose_the_message_is(known: KnownSenders) -> None:
    assert known.by_key("secret key", Channel.FAX, "10.1.2.3") == Sender("riverside", "hill", "fax gateway")


@pytest.mark.parametrize(
    ("key", "channel", "peer", "code"),
    [
        ("other key", Channel.FAX, "10.1.2.3", RefusalCode.UNKNOWN_KEY),
        ("", Channel.FAX, "10.1.2.3", RefusalCode.UNKNOWN_KEY),
        ("secret key", Channel.MAIL, "10.1.2.3", RefusalCode.NOT_ADMITTED),
        ("secret key", Channel.FAX, "10.9.2.3", RefusalCode.NOT_ADMITTED),
        ("secret key", Channel.FAX, "no address", RefusalCode.NOT_ADMITTED),
    ],
)
def test_anything_else_is_refused(
    known: KnownSenders, key: str, channel: Channel, peer: str, code: RefusalCode
) -> None:
    with pytest.raises(Refusal) as refusal:
        known.by_key(key, channel, peer)

    assert refusal.value.code is code


def test_a_channel_without_keys_knows_its_senders_by_their_address(known: KnownSenders) -> None:
    assert known.by_peer(Channel.HL7, "10.2.0.7").clinic_id == "lake"
    assert known.by_peer(Channel.HL7, "::ffff:10.2.0.7").clinic_id == "lake"
    for channel, peer in ((Channel.HL7, "10.2.0.8"), (Channel.FAX, "10.1.2.3")):
        with pytest.raises(Refusal):
            known.by_peer(channel, peer)


def test_in_development_whoever_is_near_says_whose_the_message_is() -> None:
    near = load_senders(settings())
    assert isinstance(near, NearSenders)

    assert near.named(Channel.FAX, "127.0.0.1", network=None, clinic="hill", source=None) == Sender(
        "riverside", "hill", "fax"
    )
    assert near.named(Channel.FAX, "::1", network="other", clinic=None, source="x\ny").network_id == "other"


@pytest.mark.parametrize(
    ("peer", "clinic", "code"),
    [
        ("10.0.0.1", "hill", RefusalCode.NOT_ADMITTED),
        ("", "hill", RefusalCode.NOT_ADMITTED),
        ("127.0.0.1", "../etc", RefusalCode.BAD_ADDRESS),
        ("127.0.0.1", "Hill", RefusalCode.BAD_ADDRESS),
        ("127.0.0.1", "x" * 64, RefusalCode.BAD_ADDRESS),
        ("127.0.0.1", "hill\n", RefusalCode.BAD_ADDRESS),
    ],
)
def test_who_is_not_near_or_names_no_clinic_is_refused(peer: str, clinic: str, code: RefusalCode) -> None:
    near = NearSenders("127.0.0.0/8", network="riverside", clinic="harbor")

    with pytest.raises(Refusal) as refusal:
        near.named(Channel.FAX, peer, network=None, clinic=clinic, source=None)

    assert refusal.value.code is code


def test_production_does_not_start_without_known_sources() -> None:
    with pytest.raises(UnusableSources):
        load_senders(settings(environment=Environment.PRODUCTION))


@pytest.mark.parametrize(
    "content",
    [
        "not toml [",
        "",
        SOURCES.replace('"riverside"', '"River Side"'),
        SOURCES.replace('"fax"', '"telex"'),
        SOURCES.replace("10.2.0.7/32", "everywhere"),
        SOURCES.replace("peers", "piers"),
        SOURCES.replace('key_digest = "', 'key_digest = "X'),
    ],
)
def test_a_wrong_list_of_sources_does_not_start(tmp_path: Path, content: str) -> None:
    with pytest.raises(UnusableSources):
        loaded(tmp_path, content)


def test_a_wrong_list_of_trusted_networks_does_not_start() -> None:
    with pytest.raises(UnusableSources):
        load_senders(settings(peers="localhost"))
