"""Layout, events and launch options of the page."""

import functools
import socket
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import Dependency
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from pneumonia.reading.archive import FilmRef
from pneumonia.reading.radiograph import MAX_BYTES
from pneumonia.web import (
    about,
    api,
    batch_tab,
    compare,
    entrance,
    handlers,
    hiding,
    modules,
    quiz,
    teaching,
    views,
    visits,
)
from pneumonia.web.address import url
from pneumonia.web.examples import load_examples
from pneumonia.web.gradio_private import Upload, serve_from, upload_folder, uploaded
from pneumonia.web.limits import MAX_FILMS, MAX_UPLOAD_BYTES, BodyLimit, no_room
from pneumonia.web.neighbours import Neighbours, is_local
from pneumonia.web.texts import i18n, plain, tag
from pneumonia.web.theme import theme

_HERE = Path(__file__).parent
STYLES = (
    *("style.css", "examples.css", "batch.css", "verdict.css", "viewer.css", "hide.css"),
    *("about.css", "teaching.css", "quiz.css", "keys.css", "compare.css", "rtl.css"),
)

_html = functools.partial(gr.HTML, apply_default_css=False)


def _end_with_skip(steps):
    """Ends a stream with ``gr.skip()``: Gradio repeats the last yield otherwise.

    Outputs must be plain values: a trailing skip overwrites updates of components in the browser.
    """

    @functools.wraps(steps)
    def run(*inputs):
        yield from steps(*inputs)
        yield gr.skip()

    return run


def build() -> gr.Blocks:
    """The page of the models that ``handlers.load_models`` found.

    With its events and its public endpoints, ``/predict`` and ``/predict_batch``.
    """
    examples = load_examples()
    words = i18n()
    titles = {name: predictor.title for name, predictor in handlers.PREDICTORS.items()}
    choices = [(title, name) for name, title in titles.items()]
    choices = choices if len(choices) == 1 else [(words("choice.all"), "all"), *choices]

    with gr.Blocks(title=plain("page.title"), analytics_enabled=False, fill_width=True) as page:
        table = gr.State(("", True))  # name of the batch, and whether it is this visitor's own
        _html(about.notice(), elem_id="notice")
        _html(about.keys(), elem_id="keys")
        _html(about.header())
        with gr.Column(elem_id="tab-one"), gr.Row(elem_id="desk"):
            with gr.Column(elem_id="rail", scale=0, min_width=320):
                _html(about.drop_zone("one"), elem_id="film")
                choice = gr.Radio(
                    choices,
                    value=choices[0][1],
                    label=words("choice.label"),
                    elem_id="choice",
                    visible=len(choices) > 1,
                )
                _html(about.visit(), elem_id="visit")
                _html(about.gallery(examples), elem_id="examples")
                _html(about.intended_use(), elem_id="use")
            with gr.Column(elem_id="sheet", scale=1):
                _html(about.preview(), elem_id="preview")
                result = _html(
                    views.invitation(), elem_id="result", js_on_load=modules.on_load("result")
                )
                prior = _html(compare.empty(), elem_id="prior", js_on_load=modules.on_load("prior"))
        with gr.Column(elem_id="tab-many"):
            _html(about.drop_zone("many"), elem_id="films")
            _html(batch_tab.hint() + teaching.hint())
            with gr.Row(elem_id="going"):
                progress = _html("", elem_id="progress")
                button = tag("batch.cancel", 'button type="button"')
                cancel = _html(button, elem_id="cancel", js_on_load=modules.on_load("cancelling"))
            _html(teaching.section(list(handlers.PREDICTORS.values())), elem_id="teaching")
            _html(batch_tab.table(titles), elem_id="batch")
            _html(quiz.dialog(list(handlers.PREDICTORS.values())), elem_id="quiz")
            rows = _html("", html_template="", elem_id="rows", js_on_load=modules.on_load("rows"))
        with gr.Column(elem_id="tab-about"):
            _html(about.models(handlers.PREDICTORS.values()), elem_id="models")
            _html(about.records(titles), js_on_load=modules.on_load("records"))
        limits: dict[str, Any] = {
            "max_bytes": MAX_BYTES,
            "max_upload": MAX_UPLOAD_BYTES,
            "max_films": MAX_FILMS,
        }
        asks = _html("", elem_id="asks", js_on_load=modules.on_load("films"), **limits)
        hidden = _html("", html_template="", elem_id="hidden", js_on_load=modules.on_load("hiding"))
        asked_of = _html(
            "", html_template="", elem_id="quiz-asks", js_on_load=modules.on_load("quizzing")
        )
        download = _html("", elem_id="download", js_on_load=modules.on_load("downloads"))

        @_end_with_skip
        def open_film(model: str, event: gr.EventData):
            """An upload, a film by its name, or the refusal of a file that was too large."""
            if event.upload:
                name = visits.FILMS.keep(FilmRef(uploaded(event.upload)))
            elif event.large:
                yield handlers.too_large(str(event.large))
                return
            else:
                name = str(event.film)
            film = visits.film(name, examples) if name else None
            known = visits.example(name, examples)
            for shown in handlers.analyse(film, model, known):
                yield views.named(shown, name)

        def export(model: str, event: gr.EventData):
            what, language, named = str(event.what), str(event.language), bool(event.named)
            if what.startswith("films."):
                batch = visits.BATCHES.find(str(event.table))
                return batch_tab.export(batch, what, language, named)
            name, told = str(event.film), bool(event.told)
            film, known = visits.film(name, examples), visits.example(name, examples)
            named |= bool(known and known.lesions)  # the name of a drawing says that it is one
            return handlers.export(film, model, what, language, named, told)

        def hide(model: str, event: gr.EventData):
            box, turn = getattr(event, "box", None), getattr(event, "turn", None)
            return hiding.answer(visits.film(str(event.film), examples), model, turn, box)

        def compare_with(model: str, event: gr.EventData):
            name = str(event.film)
            film, known = visits.film(name, examples), visits.example(name, examples)
            return views.named(compare.beside(film, model, known), name)

        def quiz_film(event: gr.EventData):
            film = visits.film(str(event.film), examples)
            return quiz.picture(film, getattr(event, "turn", None))

        asked = (asks, open_film, [choice], result)
        taken = (download, export, [choice], download)
        tried = (hidden, hide, [choice], hidden)
        quizzed = (asked_of, quiz_film, [], asked_of)
        beside = (prior, compare_with, [choice], prior)
        for component, function, inputs, output in (asked, taken, tried, quizzed, beside):
            asking = component.select(
                function,
                inputs,
                output,
                trigger_mode="multiple",  # what comes after what is up to the scripts: turns.js
                concurrency_id="predict",
                concurrency_limit=handlers.CONCURRENT,
                show_progress="hidden" if component in (hidden, asked_of) else "minimal",
                show_progress_on=prior if component is prior else result,
                api_visibility="private",
            )
            _tell_when_answered(asking, component)

        @_end_with_skip
        def read_batch(table: tuple[str, bool], event: gr.EventData):
            """Films into the table, or a table that is there already by its name.

            Who came by its address adds to a copy: the table may be another visitor's.
            """
            if event.table:
                before = visits.BATCHES.find(str(event.table))
                where, message = batch_tab.cancelled(before) if before else ("", batch_tab.NOTHING)
                yield where, message, (str(event.table), False)
                return
            name, own = table
            batch = (visits.BATCHES.find(name) if event.append else None) or batch_tab.Batch("", 0)
            if not (batch.name and own):
                batch = batch.copy()
                batch.name = visits.BATCHES.keep(batch, name if event.append else "")
            paths = [uploaded(file) for file in event.uploads]
            for where, text in batch_tab.read(paths, batch, event.folders or []):
                yield where, text, (batch.name, True)

        choice.input(None, js="() => { document.dispatchEvent(new Event('models')); }")
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        reading = rows.select(
            read_batch,
            [table],
            [progress, rows, table],
            trigger_mode="multiple",
            concurrency_id="batch",  # one at a time, and never in the way of single films
            concurrency_limit=1,
            **quiet,
        )

        _tell_when_answered(reading, rows)

        def cancelled(table: tuple[str, bool]):
            batch = visits.BATCHES.find(table[0])
            return batch_tab.cancelled(batch) if batch else ("", batch_tab.NOTHING)

        cancel.click(None, cancels=[reading], **quiet)
        cancel.click(cancelled, table, [progress, rows], queue=False, **quiet)

        _endpoints()
    return page.queue(api_open=False, default_concurrency_limit=handlers.CONCURRENT)


def _tell_when_answered(asking: Dependency, component: gr.HTML) -> None:
    """Tell the page's scripts when what the component asked was answered, or failed."""
    for told, what in ((asking.success, "answered"), (asking.failure, "failed")):
        event = f"new CustomEvent('{what}', {{ detail: '{component.elem_id}' }})"
        js = f"() => {{ document.dispatchEvent({event}); }}"
        told(None, js=js, api_visibility="private", show_progress="hidden")


def _endpoints() -> None:
    """``/predict`` and ``/predict_batch``, on parts that nobody sees.

    Each part says so itself: Gradio's scripts for it would be fetched all the same, were only what
    is around it hidden.
    """
    gr.Button(visible=False).click(
        api.predict,
        Upload(label="film", visible=False),
        [gr.JSON(label="verdicts", visible=False), gr.Gallery(label="overlays", visible=False)],
        api_name="predict",
        concurrency_id="predict",
        concurrency_limit=handlers.CONCURRENT,
    )
    gr.Button(visible=False).click(
        api.predict_batch,
        Upload(label="films", file_count="multiple", visible=False),
        gr.JSON(label="rows", visible=False),
        api_name="predict_batch",
        concurrency_id="batch",
        concurrency_limit=1,
    )


def launch(page: gr.Blocks, host: str, sockets: list[socket.socket]) -> None:
    """Serve the page where these listen, until it is interrupted."""
    here = url(host, sockets)
    serve_from(sockets, here)
    page.launch(
        theme=theme(),
        css_paths=[_HERE / name for name in STYLES],
        i18n=i18n(),
        head=modules.head(),
        favicon_path=entrance.ICON,
        max_file_size=MAX_UPLOAD_BYTES,
        app_kwargs={
            "routes": [modules.ROUTE],
            "middleware": [
                Middleware(Neighbours, local=is_local(here)),
                Middleware(BodyLimit, folder=upload_folder()),
                Middleware(GZipMiddleware, compresslevel=6),  # Gradio does so with its files only
                Middleware(entrance.Entrance),
            ],
            "exception_handlers": {OSError: no_room},
        },
        footer_links=[],
        mcp_server=True,
        run_history=False,
        ssr_mode=False,  # the same page everywhere, with or without Node
    )
