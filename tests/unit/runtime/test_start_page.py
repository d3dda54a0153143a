from runtime.start_page import start_page


def test_page_takes_every_word_as_plain_text() -> None:
    word = "<script>'\""
    page = start_page(word, says=[word], links={word: word}, table=[[word]]).decode()

    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 7


def test_page_without_rows_has_no_table() -> None:
    assert b"<table>" not in start_page("title", says=[], links={})
