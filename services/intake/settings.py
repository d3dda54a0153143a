"""Settings of the intake processes."""

from runtime.settings import ServiceSettings


class NormaliserSettings(ServiceSettings):
    """What the normaliser needs to start."""

    #: folder of the document store
    document_store: str
    #: processes that read mails, scans and other foreign bytes side by side
    reader_processes: int = 2
    #: a message that takes longer is left to people; well below the watchdog's limit
    reader_time_limit_s: float = 8.0
    reader_memory_mb: int = 1024
