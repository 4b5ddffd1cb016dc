"""Layout, events and launch options of the page."""

import functools
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from pneumonia.reading.archive import FilmRef
from pneumonia.reading.radiograph import MAX_BYTES, Radiograph
from pneumonia.web import about, api, batch_tab, handlers, modules, results, views
from pneumonia.web.batch_tab import Batch
from pneumonia.web.examples import load_examples
from pneumonia.web.gradio_private import Upload
from pneumonia.web.limits import MAX_UPLOAD_BYTES, BodyLimit, no_room
from pneumonia.web.neighbours import Neighbours, is_local
from pneumonia.web.texts import i18n
from pneumonia.web.theme import theme

_HERE = Path(__file__).parent
STYLES = ("style.css", "verdict.css", "viewer.css", "rtl.css")

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

    with gr.Blocks(
        title="Pneumonia on chest films: a second look",
        analytics_enabled=False,
        fill_width=True,
    ) as page:
        source = gr.State()  # FilmRef, or a drawn example; None before the first
        batch = gr.State(None, time_to_live=3600)
        _html(about.notice(), elem_id="notice")
        _html(about.header())
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab(words("tabs.one"), id="one"), gr.Row(elem_id="desk"):
                with gr.Column(elem_id="rail", scale=0, min_width=320):
                    film = Upload(
                        label=words("upload.label"), show_label=False, elem_id="film", height=148
                    )
                    choice = gr.Radio(
                        choices,
                        value=choices[0][1],
                        label=words("choice.label"),
                        elem_id="choice",
                        visible=len(choices) > 1,
                    )
                    gallery = _html(
                        about.gallery(examples),
                        elem_id="examples",
                        js_on_load=modules.on_load("examples"),
                    )
                    _html(about.intended_use(), elem_id="use")
                with gr.Column(elem_id="sheet", scale=1):
                    result = _html(
                        views.invitation(),
                        elem_id="result",
                        js_on_load=modules.on_load("result"),
                        max_bytes=MAX_BYTES,
                    )
            with gr.Tab(words("tabs.batch"), id="batch"):
                films = Upload(
                    label=words("style.batch"),
                    show_label=False,
                    elem_id="films",
                    height=148,
                    file_count="multiple",
                )
                with gr.Row(elem_id="going"):
                    progress = _html("", elem_id="progress")
                    cancel = gr.Button(words("batch.cancel"), elem_id="cancel")
                _html(batch_tab.table(titles), elem_id="batch")
                rows = _html(
                    "", html_template="", elem_id="rows", js_on_load=modules.on_load("rows")
                )
            with gr.Tab(words("tabs.models"), id="models"):
                _html(about.models(handlers.PREDICTORS.values()), elem_id="models")
                _html(about.cards())
                for name, predictor in handlers.PREDICTORS.items():
                    with gr.Accordion(predictor.title, open=False):
                        gr.Markdown(results.model_card(name), elem_classes="card")
        download = _html("", elem_id="download", js_on_load=modules.on_load("downloads"))

        @_end_with_skip
        def analyse(here: FilmRef | Radiograph | None, model: str):
            yield from handlers.analyse(here, model)

        @_end_with_skip
        def read_upload(path: str, model: str):
            here = FilmRef(Path(path))
            for shown in handlers.analyse(here, model):
                yield shown, here, None  # the drop zone is free for the next film

        @_end_with_skip
        def read_example(model: str, event: gr.EventData):
            here = examples[int(event.index) % len(examples)].film
            for shown in handlers.analyse(here, model):
                yield shown, here

        def export(here: FilmRef | Radiograph, model: str, done: Batch | None, event: gr.EventData):
            what = str(event.what)
            if what.startswith("films."):
                return batch_tab.export(done, what)
            return handlers.export(here, model, what)

        def refuse_large(event: gr.EventData):
            return handlers.too_large(str(event.name)), None

        @_end_with_skip
        def open_row(done: Batch | None, model: str, event: gr.EventData):
            here = done.films[int(event.row)] if done else FilmRef(Path())  # gone after an hour
            for shown in handlers.analyse(here, model):
                yield shown, here

        for event, function, inputs, outputs in (
            (film.upload, read_upload, [film, choice], [result, source, film]),
            (gallery.select, read_example, [choice], [result, source]),
            (choice.input, analyse, [source, choice], [result]),
            (result.select, refuse_large, None, [result, source]),
            (download.select, export, [source, choice, batch], [download]),
            (rows.select, open_row, [batch, choice], [result, source]),
        ):
            event(
                function,
                inputs,
                outputs,
                concurrency_id="predict",
                concurrency_limit=handlers.CONCURRENT,
                show_progress="minimal",
                show_progress_on=result,
                api_visibility="private",
            )

        @_end_with_skip
        def read_batch(paths: list[str] | None):
            for where, text, done in batch_tab.read(paths or []):
                yield where, text, done, None

        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        reading = films.upload(
            read_batch,
            [films],
            [progress, rows, batch, films],
            concurrency_id="batch",  # one at a time, and never in the way of single films
            concurrency_limit=1,
            **quiet,
        )
        rows.select(lambda: gr.Tabs(selected="one"), None, tabs, queue=False, **quiet)
        cancel.click(None, cancels=[reading], **quiet)
        cancel.click(batch_tab.cancelled, batch, [progress, rows], queue=False, **quiet)

        _endpoints()
    return page.queue(api_open=False, default_concurrency_limit=handlers.CONCURRENT)


def _endpoints() -> None:
    """``/predict`` and ``/predict_batch``, on parts that nobody sees."""
    with gr.Column(visible=False):
        gr.Button().click(
            api.predict,
            Upload(label="film"),
            [gr.JSON(label="verdicts"), gr.Gallery(label="overlays")],
            api_name="predict",
            concurrency_id="predict",
            concurrency_limit=handlers.CONCURRENT,
        )
        gr.Button().click(
            api.predict_batch,
            Upload(label="films", file_count="multiple"),
            gr.JSON(label="rows"),
            api_name="predict_batch",
            concurrency_id="batch",
            concurrency_limit=1,
        )


def launch(page: gr.Blocks, host: str, port: int) -> None:
    """Serve the page until it is interrupted."""
    name = f"[{host}]" if ":" in host else host  # as in an address
    page.launch(
        server_name=name,
        server_port=port,
        theme=theme(),
        css_paths=[_HERE / name for name in STYLES],
        i18n=i18n(),
        head=modules.head(),
        max_file_size=MAX_UPLOAD_BYTES,
        app_kwargs={
            "routes": [modules.ROUTE],
            "middleware": [
                Middleware(Neighbours, local=is_local(f"//{name}")),
                Middleware(BodyLimit),
            ],
            "exception_handlers": {OSError: no_room},
        },
        footer_links=["api"],
        mcp_server=True,
        run_history=False,
        ssr_mode=False,  # the same page everywhere, with or without Node
    )
