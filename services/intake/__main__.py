"""Run the normaliser."""

from runtime.document_store import make_document_store
from runtime.process import run_pipeline
from services.intake.extraction.reader_pool import ReaderPool
from services.intake.pipeline import IntakePipeline
from services.intake.settings import NormaliserSettings


def make_pipeline(settings: NormaliserSettings) -> IntakePipeline:
    """Plug the normaliser together."""
    readers = ReaderPool(
        processes=settings.reader_processes,
        time_limit_s=settings.reader_time_limit_s,
        memory_bytes=settings.reader_memory_mb << 20,
    )
    documents = make_document_store(settings.document_store)
    return IntakePipeline(documents, readers, parallel_reads=settings.reader_processes)


if __name__ == "__main__":
    run_pipeline(make_pipeline, NormaliserSettings)
