"""Model cards and the API, as the page shows them."""

import pytest

from pneumonia.storage.shipped import available_models
from pneumonia.web import written


@pytest.mark.parametrize("model", available_models())
def test_a_model_card_is_on_the_page_without_what_only_the_hub_reads(model):
    card = written.model_card(model, "A <b>title")
    assert '<summary dir="auto">A &lt;b&gt;title</summary>' in card
    assert "<h5>Limits</h5>" in card and "<table>" in card
    assert "license:" not in card and "&lt;!--" not in card and "<img" not in card


def test_a_model_without_a_card_says_how_to_write_one():
    assert "<code>pneumonia cards</code>" in written.model_card("no-such-model", "title")


def test_the_api_is_told_as_the_documents_tell_it_of_the_running_page():
    told = written.api()
    assert (
        "/predict_batch" in told and "gradio_api/mcp" in told and "http://127.0.0.1:7860/" in told
    )
    assert "Predictor.load" not in told  # of the library
    assert "SECURITY.md" in told and 'href="../' not in told


def test_html_in_a_text_stays_text_and_links_leave_the_page_only_to_the_web():
    text = "<script>alert(1)</script> [a](b.md) [c](https://example.org) # no"
    told = written.rendered(text, below=1)
    assert "<script" not in told and "a <a href" in told and told.count("<a ") == 1
    assert 'target="_blank"' in told
    assert written.rendered("# one\n###### six", below=3) == "<h4>one</h4>\n<h6>six</h6>\n"
