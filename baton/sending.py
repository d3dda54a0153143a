"""Hand files in through the doors of intake, as a sender would."""

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from baton.refusal import Refused
from baton.target import target_environment
from schemas.vocabulary import Channel
from services.intake.channels.file_types import HEAD, channel_of, media_type_of
from services.intake.channels.hl7_batch import messages_of

TIMEOUT_S = 60.0
#: how long a door that is not open yet is tried again
TRY_FOR_S = 10.0
TRY_EVERY_S = 0.5
CREATED, UNAVAILABLE = 201, 503
MLLP_START, MLLP_END = b"\x0b", b"\x1c\r"
_PATHS = {Channel.PORTAL: "/portal/referrals", Channel.FHIR: "/fhir"}
_ACCEPTED = re.compile(rb"\rMSA\|AA\|[^|\r]*\|referral (\S+) submission (\S+)")
_REFUSED = re.compile(rb"\rMSA\|A[ER]\|[^|\r]*\|([a-z_]+)")


class NotTaken(Refused):
    """The door did not take a file, and says why."""


class _NotOpen(Exception):
    pass


@dataclass(frozen=True)
class Receipt:
    """What a door gave for one submission."""

    submission_id: str
    referral_id: str


@dataclass(frozen=True)
class Doors:
    """Where and as whom to hand in."""

    intake_url: str
    mllp_address: str
    network: str | None = None
    clinic: str | None = None
    key: str | None = None

    def hand_in(self, path: Path, channel: Channel) -> list[Receipt]:
        """Hand a file in and return the receipts; a door that is not open yet is tried again for a while.

        Raises:
            NotTaken: with the door's reason.
        """
        content = _read(path)
        deadline = time.monotonic() + TRY_FOR_S
        while True:
            try:
                return self._hand_in(path.name, content, channel)
            except _NotOpen as reason:
                if time.monotonic() > deadline:
                    raise NotTaken(f"{reason}") from None
                time.sleep(TRY_EVERY_S)

    def _hand_in(self, name: str, content: bytes, channel: Channel) -> list[Receipt]:
        # MLLP has no place to say whose a message is
        if channel is Channel.HL7 and not self._owner():
            return [self._by_mllp(message) for message in messages_of(content)]
        return self._by_http(name, content, channel)

    def _by_http(self, name: str, content: bytes, channel: Channel) -> list[Receipt]:
        url = urlsplit(self.intake_url)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = kind(url.hostname or "", url.port, timeout=TIMEOUT_S)
        path = url.path.rstrip("/") + _PATHS.get(channel, f"/inbound/{channel}")
        headers = {
            "Content-Type": media_type_of(channel, name, content[:HEAD]),
            "X-Baton-File-Name": quote(os.fsencode(name)),
            **({"X-Baton-Source-Key": self.key} if self.key else {}),
        }
        try:
            connection.request("POST", f"{path}?{urlencode(self._owner())}", content, headers)
            answer = connection.getresponse()
            body = json.loads(answer.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError):
            raise _NotOpen(f"intake at {url.netloc} does not answer") from None
        finally:
            connection.close()
        return _receipts(answer.status, body)

    def _by_mllp(self, message: bytes) -> Receipt:
        host, _, port = self.mllp_address.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
                connection.sendall(MLLP_START + message + MLLP_END)
                answer = b""
                while not answer.endswith(MLLP_END):
                    chunk = connection.recv(4096)
                    if not chunk:
                        raise OSError
                    answer += chunk
        except (OSError, ValueError):
            raise _NotOpen(f"the MLLP door at {self.mllp_address} does not answer") from None
        if accepted := _ACCEPTED.search(answer):
            return Receipt(accepted[2].decode(), accepted[1].decode())
        reason = _REFUSED.search(answer)
        word = reason[1].decode() if reason else "the answer is no acknowledgement"
        raise _NotOpen(word) if word == "unavailable" else NotTaken(word)

    def _owner(self) -> dict[str, str]:
        told = {"network": self.network, "clinic": self.clinic}
        return {name: value for name, value in told.items() if value}


def open_doors(environment: Mapping[str, str], *, network: str | None, clinic: str | None, key: str | None) -> Doors:
    """Return the doors that INTAKE_URL and MLLP_ADDRESS name, else those of the stack that runs here.

    Raises:
        Refused: there are neither.
    """
    known = environment if environment.get("INTAKE_URL") else target_environment(environment, ("INTAKE_URL",))
    if (network or clinic) and key:
        raise Refused("a source key says whose the message is; --network and --clinic do not go with it")
    return Doors(known["INTAKE_URL"], known.get("MLLP_ADDRESS", ""), network, clinic, key)


def files_in(paths: list[Path], channel: Channel | None) -> Iterator[tuple[Path, Channel]]:
    """Yield each file with its channel; of a folder, those in folders named like channels.

    Raises:
        Refused: a path is not there, or nobody can tell its channel.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(found for found in path.rglob("*") if found.is_file()):
                if channel is not None or file.parent.name in frozenset(Channel):
                    yield file, channel or Channel(file.parent.name)
            continue
        found = channel or channel_of(path.absolute(), _read(path)[:HEAD])
        if found is None:
            raise Refused(f"no telling by which channel {path} comes; say it with --channel")
        yield path, found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None


def _receipts(status: int, body: object) -> list[Receipt]:
    if status == CREATED and isinstance(body, dict):
        return [Receipt(row["submission_id"], row["referral_id"]) for row in body["referrals"]]
    reason = _reason(body) or f"intake answered {status}"
    raise _NotOpen(reason) if status == UNAVAILABLE else NotTaken(reason)


def _reason(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    if issues := body.get("issue"):
        return f"{issues[0]['details']['text']}: {issues[0]['diagnostics']}"
    return f"{body['error']}: {body['reason']}" if "error" in body else ""
