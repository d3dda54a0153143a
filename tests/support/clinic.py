"""What senders and staff do with a running Baton, through its doors only."""

import re
import socket
from types import TracebackType
from typing import Any

import httpx

from baton.sandbox import Sandbox
from baton.synthetic.messages import Message, path_of
from schemas.vocabulary import Channel
from tests.support.waiting import eventually

MLLP_START, MLLP_END = b"\x0b", b"\x1c\x0d"


class NotAccepted(Exception):
    """A door refused what was handed in."""


class Clinic:
    """The doors of one deployment."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        environment = sandbox.environment()
        self._intake = httpx.Client(base_url=environment["INTAKE_URL"], timeout=120)
        self._board = httpx.Client(base_url=environment["BOARD_URL"], timeout=120)

    def __enter__(self) -> "Clinic":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._intake.close()
        self._board.close()

    def send(self, message: Message) -> str:
        """Hand a message in and return the referral id of the acknowledgement."""
        (referral_id,) = self.hand_in(message.channel, message.content, message.content_type, clinic=message.clinic)
        return referral_id

    def hand_in(self, channel: Channel, content: bytes, content_type: str, *, clinic: str = "harbor") -> list[str]:
        """Hand content in and return the referral ids of the acknowledgement.

        Raises:
            NotAccepted: the door refused it.
        """
        if channel is Channel.HL7:
            answer = self.send_mllp(content)
            if b"MSA|AA|" not in answer:
                raise NotAccepted(answer.decode())
            return re.findall(r"referral (\S+) submission", answer.decode())
        reply = self._intake.post(
            path_of(channel),
            content=content,
            headers={"Content-Type": content_type},
            params={"network": "riverside", "clinic": clinic},
        )
        if not reply.is_success:
            raise NotAccepted(f"{reply.status_code} {reply.text}")
        return [str(row["referral_id"]) for row in reply.json()["referrals"]]

    def send_mllp(self, content: bytes) -> bytes:
        """Hand an HL7 message in and return the answer."""
        host, _, port = self.sandbox.environment()["MLLP_ADDRESS"].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=120) as connection:
            connection.sendall(MLLP_START + content + MLLP_END)
            answer = b""
            while not answer.endswith(MLLP_END):
                chunk = connection.recv(4096)
                assert chunk, "connection closed without an answer"
                answer += chunk
        return answer

    def referral(self, referral_id: str, *, user: str = "sue") -> Any:
        """Return a referral as soon as the board shows it."""

        def look() -> Any:
            reply = self._board.get(f"/api/referrals/{referral_id}", headers={"X-Baton-User": user})
            return reply.json() if reply.status_code == httpx.codes.OK else None

        return eventually(look, what=f"referral {referral_id}")

    def search(self, query: str, *, user: str = "sue") -> list[Any]:
        """Return what the board finds."""
        reply = self._board.post("/api/search", json={"query": query}, headers={"X-Baton-User": user})
        assert reply.is_success, reply.text
        return list(reply.json()["referrals"])

    def timeline(self, referral_id: str, *, user: str = "sue") -> Any:
        """Return the timeline of a referral."""
        reply = self._board.get(f"/api/referrals/{referral_id}/timeline", headers={"X-Baton-User": user})
        assert reply.is_success, reply.text
        return reply.json()

    def command(self, referral_id: str, user: str, **body: object) -> httpx.Response:
        """Ask for a change and return the answer."""
        return self._board.post(
            f"/api/referrals/{referral_id}/commands",
            json=body,
            params={"wait_s": 20},
            headers={"X-Baton-User": user},
        )

    def correct(self, patient_id: str, user: str, **body: object) -> httpx.Response:
        """Correct what is known of a patient and return the answer."""
        return self._board.post(
            f"/api/patients/{patient_id}/corrections",
            json=body,
            params={"wait_s": 20},
            headers={"X-Baton-User": user},
        )
