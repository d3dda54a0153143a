from schemas.vocabulary import MatchKind
from tests.support.stager import FRIDAY, Desk, document, match


def test_a_document_keeps_the_time_it_first_came_when_a_correction_follows_in_the_same_batch() -> None:
    desk = Desk(documents=(document(),))
    desk.wait(days=1)

    desk.take(match(kind=MatchKind.CORRECTED, at=desk.now, documents=(document(),)))

    assert [known.received_at for known in desk.working.documents.values()] == [FRIDAY]
