"""Who may hand in what: known sources by key or network address, or anybody near in development."""

import hashlib
import hmac
import ipaddress
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from runtime.settings import Environment
from schemas.vocabulary import Channel
from services.intake.channels.arrival import Sender
from services.intake.channels.limits import LONGEST_SOURCE
from services.intake.channels.refusal import Refusal, RefusalCode
from services.intake.rules.texts import one_line
from services.intake.settings import ChannelSettings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_ID = r"[a-z0-9][a-z0-9_-]{0,62}"
Id = Annotated[str, StringConstraints(pattern=f"^{_ID}$")]


class UnusableSources(Exception):
    """INTAKE_SOURCES is needed in production and must be a TOML file of [[source]] tables."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Source(_Strict):
    """One known sender."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SOURCE)]
    network: Id
    clinic: Id
    channels: tuple[Channel, ...]
    #: SHA-256 of the key it sends, in hex; none for a sender that is known by its address only
    key_digest: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None
    #: networks it sends from; none for anywhere with the key
    peers: tuple[Annotated[str, AfterValidator(lambda text: str(ipaddress.ip_network(text)))], ...] = ()

    @property
    def sender(self) -> Sender:
        """Whose messages they are."""
        return Sender(self.network, self.clinic, self.name)

    def is_near(self, peer: str) -> bool:
        """Tell whether an address is one of its own."""
        return not self.peers or _is_within(peer, [ipaddress.ip_network(text) for text in self.peers])


class _SourcesFile(_Strict):
    source: tuple[Source, ...]


class KnownSenders:
    """Admits the sources of a file and nobody else."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    def by_key(self, key: str, channel: Channel, peer: str) -> Sender:
        """Return the sender with this key.

        Raises:
            Refusal: no such key, or not for this channel or from this address.
        """
        digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
        for source in self._sources:
            if source.key_digest is not None and hmac.compare_digest(source.key_digest, digest):
                if channel in source.channels and source.is_near(peer):
                    return source.sender
                raise Refusal(RefusalCode.NOT_ADMITTED)
        raise Refusal(RefusalCode.UNKNOWN_KEY)

    def by_peer(self, channel: Channel, peer: str) -> Sender:
        """Return the sender at this address, for channels that know no keys.

        Raises:
            Refusal: none is known there.
        """
        for source in self._sources:
            if source.key_digest is None and source.peers and channel in source.channels and source.is_near(peer):
                return source.sender
        raise Refusal(RefusalCode.NOT_ADMITTED)


class NearSenders:
    """Admits everybody in the trusted networks and believes the network and clinic they name; for development."""

    def __init__(self, trusted_peers: str, *, network: str, clinic: str) -> None:
        self._trusted = [ipaddress.ip_network(text.strip()) for text in trusted_peers.split(",") if text.strip()]
        self._network = network
        self._clinic = clinic

    def named(
        self, channel: Channel, peer: str, *, network: str | None, clinic: str | None, source: str | None
    ) -> Sender:
        """Return the sender as it names itself.

        Raises:
            Refusal: it is not near, or names something that is no id.
        """
        if not _is_within(peer, self._trusted):
            raise Refusal(RefusalCode.NOT_ADMITTED)
        network, clinic = network or self._network, clinic or self._clinic
        if not re.fullmatch(_ID, network) or not re.fullmatch(_ID, clinic):
            raise Refusal(RefusalCode.BAD_ADDRESS)
        return Sender(network, clinic, one_line(source or "", limit=LONGEST_SOURCE) or channel.value)


Senders = KnownSenders | NearSenders


def load_senders(settings: ChannelSettings) -> Senders:
    """Return who may send by these settings.

    Raises:
        UnusableSources: there is no usable list of sources where one is needed.
    """
    if not settings.intake_sources:
        if settings.baton_environment is Environment.PRODUCTION:
            raise UnusableSources
        return _near(settings)
    try:
        content = tomllib.loads(Path(settings.intake_sources).read_text("utf-8"))
        return KnownSenders(_SourcesFile.model_validate(content).source)
    except (OSError, ValueError, ValidationError):
        raise UnusableSources from None


def _near(settings: ChannelSettings) -> NearSenders:
    try:
        return NearSenders(
            settings.intake_trusted_peers, network=settings.default_network, clinic=settings.default_clinic
        )
    except ValueError:
        raise UnusableSources from None


def _is_within(peer: str, networks: Sequence[Network]) -> bool:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
