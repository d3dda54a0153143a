from services.courier.rules.effects import Transport
from services.courier.rules.wording import mail_text, webhook_body
from tests.support.notices import effect, referral


def test_a_mail_says_that_something_waits_and_where() -> None:
    text = mail_text(effect(Transport.MAIL, "desk@harbor.example"), board_link="https://board.example/")

    assert text == "A referral needs attention.\n\nhttps://board.example/queues/riverside.harbor.scheduling\n"


def test_a_webhook_gets_ids_and_times_only() -> None:
    body = webhook_body(effect(Transport.WEBHOOK, "https://hooks.example"), board_link="https://board.example")

    assert set(body) == {
        "effect_id", "notice_id", "kind", "network_id", "queue", "window_start", "window_end", "referral_ids", "link",
    }  # fmt: skip
    assert body["referral_ids"] == [referral(1), referral(2)]
