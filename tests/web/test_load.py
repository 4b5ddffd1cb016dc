"""Many visitors at once: each gets the answer to its own film, and who comes too late is told."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from served_page import served_page

from pneumonia.predictor import Predictor
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not available_models(), reason="no checkpoint to ask"),
]

VISITORS, VISITS, FILMS = 16, 2, 7


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("films")
    for seed in range(FILMS):
        film = draw_phantom(200 + 20 * seed, 260, lesions=seed % 3, seed=seed).image()
        film.save(folder / f"film{seed}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def clients() -> list[Client]:
    """Of as many visitors."""
    return [Client(served_page(), verbose=False) for _ in range(VISITORS)]


def test_sixteen_visitors_get_the_answers_to_their_own_films(films, clients):
    predictors = {name: Predictor.load(name, "cpu") for name in available_models()}
    expected = {
        film.name: {name: p.predict(film).probability for name, p in predictors.items()}
        for film in films
    }
    assert len({tuple(answers.values()) for answers in expected.values()}) == FILMS

    def visit(number: int) -> list[tuple[str, dict]]:
        client, answers = clients[number], []
        for film in itertools.islice(itertools.cycle(films), number, number + VISITS):
            verdicts, overlays = client.predict(handle_file(film), api_name="/predict")
            assert verdicts["film"] == film.name and len(overlays) == len(available_models())
            answers.append((film.name, verdicts["models"]))
        return answers

    with ThreadPoolExecutor(VISITORS) as pool:
        answers = [answer for visits in pool.map(visit, range(VISITORS)) for answer in visits]
    assert len(answers) == VISITORS * VISITS
    for film, models in answers:
        for name, probability in expected[film].items():
            assert models[name]["probability"] == pytest.approx(probability, abs=1e-4)


def test_visitors_with_the_same_film_do_not_get_in_each_others_way(clients, tmp_path):
    """A name made of a picture's content would be one file, written while another reads it."""
    film = draw_phantom(270, 300, lesions=1, seed=1).image().resize((1000, 900))
    film.save(path := tmp_path / "film.png")

    def visit(client: Client) -> list[bytes]:
        _, overlays = client.predict(handle_file(path), api_name="/predict")
        for overlay in overlays:
            with Image.open(overlay["image"]) as picture:
                picture.load()
                assert picture.size == (1000, 900)
        return [Path(overlay["image"]).read_bytes() for overlay in overlays]

    with ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(visit, clients[:8] * 2)
    assert len(first) == len(available_models()) and all(other == first for other in others)


def test_who_comes_when_the_queue_is_full_is_told_at_once(films):
    page = httpx.Client(base_url=served_page(), timeout=120)
    with films[0].open("rb") as file:
        path = page.post("gradio_api/upload", files={"files": file}).json()[0]
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    url = "gradio_api/call/predict"
    with ThreadPoolExecutor(48) as pool:
        answers = list(pool.map(lambda _: page.post(url, json={"data": [file]}), range(96)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused and all("full" in answer.text for answer in refused)
    for answer in answers:  # and whoever was let in gets an answer
        if answer.status_code == 200:
            events = page.get(f"{url}/{answer.json()['event_id']}").text
            assert "event: complete" in events
    assert page.get("").status_code == 200


def test_batches_take_no_place_from_single_films(films, clients):
    page = httpx.Client(base_url=served_page(), timeout=120)
    with films[0].open("rb") as file:
        path = page.post("gradio_api/upload", files={"files": file}).json()[0]
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    url = "gradio_api/call/predict_batch"
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: page.post(url, json={"data": [[file]]}), range(60)))
    assert {answer.status_code for answer in answers} == {200, 503}
    verdicts, _ = clients[0].predict(handle_file(films[1]), api_name="/predict")  # while they wait
    assert verdicts["film"] == films[1].name
