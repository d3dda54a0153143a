"""Settings of the intake processes."""

from pydantic import Field, SecretStr

from runtime.settings import ServiceSettings
from schemas.vocabulary import Channel


class NormaliserSettings(ServiceSettings):
    """What the normaliser needs to start."""

    #: folder of the document store
    document_store: str
    #: processes that read mails, scans and other foreign bytes side by side
    reader_processes: int = 2
    #: a message that takes longer is left to people; well below the watchdog's limit
    reader_time_limit_s: float = 8.0
    #: a stream that inflates without end ends its reader here; the largest mail that is taken needs less
    reader_memory_mb: int = Field(default=512, ge=256, le=512)


class ChannelSettings(ServiceSettings):
    """What the channel adapters need to start."""

    #: folder of the document store
    document_store: str
    #: TOML file of the known senders; required in production
    intake_sources: str = ""
    #: without that file, only these networks may send, and may name network and clinic themselves
    intake_trusted_peers: str = "127.0.0.0/8,::1/128"
    intake_http_host: str = "127.0.0.1"
    intake_http_port: int = 8090
    mllp_host: str = "127.0.0.1"
    mllp_port: int = 2575
    #: a frame that has begun must end within this time
    mllp_frame_s: float = 15.0
    #: a connection without any frame is closed after this time
    mllp_idle_s: float = 600.0
    #: whose messages they are where the channel itself can not tell
    default_network: str = "riverside"
    default_clinic: str = "harbor"
    #: watched folder; empty for none
    drop_folder: str = ""
    #: a file is complete when it has not changed for this long and nobody has it open to write
    drop_settle_s: float = 5.0
    #: imaps://HOST[:PORT]/FOLDER of a polled mailbox; empty for none
    imap_url: str = ""
    imap_user: str = ""
    imap_password: SecretStr = SecretStr("")
    imap_channel: Channel = Channel.MAIL
    imap_poll_s: float = 15.0
