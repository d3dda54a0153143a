"""The page at the HTTP door's root: which endpoints there are, as its routes tell, and how to hand something in."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from fastapi.routing import APIRoute

from runtime.start_page import start_page
from schemas.vocabulary import Channel
from services.intake.channels.limits import LARGEST, LARGEST_UPLOAD
from services.intake.channels.uploads import MEDIA_TYPE as UPLOAD

MILLION = 1_000_000
_OF_CHANNELS = "{channel}"
_CHANNELS = frozenset(Channel)


def door_page(
    routes: Iterable[object],
    inbound: Iterable[Channel],
    takes: Callable[[Channel], Sequence[str]],
    *,
    address: str,
    key_header: str | None,
) -> bytes:
    """Write the page for a door that listens at an address; with a key header where senders have to show a key."""
    key = f" -H '{key_header}: YOUR-KEY'" if key_header else ""
    says = (
        "Baton intake: senders hand referrals in here. Nothing that was handed in can be read here.",
        f"By hand: curl --data-binary @letter.pdf -H 'Content-Type: application/pdf'{key} {address}/inbound/fax",
        "Or at a terminal of this machine: baton send letter.pdf",
    )
    table = [row for route in routes if isinstance(route, APIRoute) for row in _rows(route, sorted(inbound), takes)]
    links = {"/health": "whether the door's process lives", "/ready": "whether messages are taken now"}
    return start_page("Baton intake", says=says, links=links, table=table)


def _rows(
    route: APIRoute, inbound: Sequence[Channel], takes: Callable[[Channel], Sequence[str]]
) -> Iterator[tuple[str, ...]]:
    channels = inbound if _OF_CHANNELS in route.path else (None,)
    for channel in channels:
        path = route.path.replace(_OF_CHANNELS, channel or "")
        known = channel or _channel_of(path)
        yield (
            " ".join(sorted(route.methods or ())),
            path,
            route.description,
            *(_limits(known, takes) if known else ()),
        )


def _channel_of(path: str) -> Channel | None:
    word = path.strip("/").partition("/")[0]
    return Channel(word) if word in _CHANNELS else None


def _limits(channel: Channel, takes: Callable[[Channel], Sequence[str]]) -> tuple[str, str]:
    kinds, most = list(takes(channel)), f"at most {LARGEST[channel] / MILLION:g} MB"
    if channel is Channel.PORTAL:
        return ", ".join([*kinds, UPLOAD]), f"{most}, with files {LARGEST_UPLOAD / MILLION:g} MB"
    return ", ".join(kinds), most
