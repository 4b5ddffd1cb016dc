from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from pneumonia.preprocess import to_canonical
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.training.augment import LocatedFilms, TrainPreset, cover, expose, opacify
from pneumonia.training.degrade import compress, degrade, quantise
from pneumonia.training.task import FilmTask, Recipe

NOWHERE = torch.zeros(8, 6, 6)  # terms that tell no place


@pytest.fixture(scope="module")
def films():
    drawn = [to_canonical(draw_phantom(300, 340, seed=seed).pixels) for seed in range(8)]
    return LocatedFilms.find(torch.stack(drawn), torch.device("cpu"))


def test_films_are_picked_with_their_lungs(films):
    some = films[torch.tensor([5, 2])]
    assert len(films) == 8 and len(some) == 2
    assert torch.equal(some.masks[1], films.masks[2]) and torch.equal(some.boxes[0], films.boxes[5])
    assert (films.masks > 127).float().mean((1, 2, 3)).min() > 0.1


def test_training_input_is_random_seeded_and_in_range(films):
    preset, before = TrainPreset(80), films.images.clone()
    torch.manual_seed(0)
    first, other = preset(films), preset(films)
    torch.manual_seed(0)
    again = preset(films)
    assert first.shape == (8, 2, 80, 80) and first.dtype == torch.float32
    assert torch.isfinite(first).all()
    assert first[:, 1].min() >= 0 and first[:, 1].max() <= 1
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(films.images, before)


def test_grafting_leaves_the_lungs_and_changes_what_surrounds_them():
    torch.manual_seed(1)
    views, masks = torch.randn(6, 1, 40, 40), torch.zeros(6, 1, 40, 40)
    masks[:, :, 10:30, 5:35] = 1
    mixed, outline = TrainPreset(40, graft=1.0).transplant(views, masks)
    inside = masks.bool()
    assert torch.equal(mixed[inside], views[inside])
    assert not torch.equal(mixed[~inside], views[~inside]) and torch.equal(outline, masks)
    same, _ = TrainPreset(40, graft=0.0).transplant(views, masks)
    assert torch.equal(same, views)


def test_lungs_are_cut_off_at_random_and_the_box_ends_with_them(films):
    torch.manual_seed(0)
    masks = films.masks.float() / 255
    cut, _, beyond = TrainPreset(80, cut=1.0).cut_off(masks, films.boxes)
    assert ((cut > 0) & (beyond > 0)).sum() == 0
    assert (cut.mean((1, 2, 3)) < 0.98 * masks.mean((1, 2, 3))).any()
    whole, same, nothing = TrainPreset(80, cut=0.0).cut_off(masks, films.boxes)
    assert torch.equal(whole, masks) and nothing.sum() == 0
    assert (same - films.boxes).abs().max() < 0.1  # jitter


def test_each_step_of_the_augmentation_changes_films(films):
    torch.manual_seed(3)
    pictures = films.images.float() / 255
    assert (expose(pictures.clone()) - pictures).abs().mean((1, 2, 3)).min() > 0.005
    many = pictures.repeat(16, 1, 1, 1)
    changed = (degrade(many) != many).any(3).any(2).any(1)
    assert 0.6 < changed.float().mean() < 1  # most, and some stay as they are


def test_what_a_gpu_does_in_place_of_libjpeg_is_what_libjpeg_does(films):
    for number, quality in enumerate((10, 40, 75, 94)):
        film = films.images[number : number + 2].float() / 255
        lost = (compress(film, quality) - film).abs() * 255
        apart = (compress(film, quality) - quantise(film, quality)).abs() * 255
        assert lost.mean() > 0.5 and apart.mean() < 0.25 * lost.mean()
        assert (apart > 1.01).float().mean() < 0.03  # coefficients halfway between two steps


def test_covered_lungs_are_one_grey_and_the_rest_stays():
    torch.manual_seed(0)
    inputs = torch.cat([torch.randn(8, 1, 40, 40), torch.zeros(8, 1, 40, 40)], 1)
    inputs[:, 1, 10:30, 5:35] = 1
    chosen, lungs = torch.arange(8) < 5, inputs[:, 1:] > 0.5
    covered = cover(inputs, chosen)
    assert torch.equal(covered[5:], inputs[5:]) and torch.equal(covered[:, 1], inputs[:, 1])
    assert torch.equal(covered[:, :1][~lungs], inputs[:, :1][~lungs])
    for film, inside in zip(covered[:5, :1], lungs[:5], strict=True):
        assert len(film[inside].unique()) == 1


def test_of_a_covered_film_the_classes_shares_are_asked(films):
    labels = torch.tensor([0, 1, 1, 1, 0, 1, 1, 1])
    recipe = Recipe(size=48, epochs=1, learning_rate=1e-3, cover=1.0)
    task = FilmTask(recipe, labels)
    batch = task.batch(films, labels)
    assert torch.equal(batch.targets, torch.full((8,), 0.75))
    logits = torch.zeros(8, requires_grad=True)
    task.loss(batch, logits, NOWHERE).backward()
    assert logits.grad is not None and logits.grad.abs().max() < 1e-6  # "nothing known" is best
    targets = FilmTask(replace(recipe, cover=0.0), labels).batch(films, labels).targets
    assert torch.allclose(targets, labels * 0.95 + 0.025)


def test_teachers_answer_is_learned_as_they_gave_it(films):
    labels = torch.tensor([0, 1, 1, 1, 0, 1, 1, 1])
    recipe = Recipe(size=48, epochs=1, learning_rate=1e-3, taught=1.0)
    said = torch.linspace(-3, 2, 8)

    def first(inputs):
        assert inputs.shape == (8, 2, 48, 48)
        return said + 1

    task = FilmTask(recipe, labels, [first, lambda inputs: said - 1])
    logits = said.clone().requires_grad_()  # their mean is what the loss likes best
    task.loss(task.batch(films, labels), logits, NOWHERE).backward()
    assert logits.grad is not None and logits.grad.abs().max() < 1e-6

    def targets(teachers, **settings):
        task = FilmTask(replace(recipe, **settings), labels, teachers)
        return task.batch(films, labels).targets

    labelled, alone = targets([first], taught=0.0), targets([first])
    torch.testing.assert_close(targets([first, first], taught=0.5), (labelled + alone) / 2)
    assert torch.equal(targets([first], cover=1.0), torch.full((8,), 0.75))


def test_an_opacity_is_drawn_into_the_lungs_of_chosen_films_alone(films):
    torch.manual_seed(0)
    inputs, chosen = TrainPreset(64)(films), torch.arange(8) % 2 == 0
    drawn, dense = opacify(inputs, chosen)
    assert torch.equal(drawn[~chosen], inputs[~chosen]) and torch.equal(drawn[:, 1], inputs[:, 1])
    assert not dense[~chosen].any()
    rises = []
    for film, before, place in zip(drawn[chosen], inputs[chosen], dense[chosen, 0], strict=True):
        lungs, there = before[1] > 0.5, place > 0.5
        assert place.max() > 0.5 and place[~lungs].mean() < place[lungs].mean()
        rise = film[0] - before[0]
        rises.append(rise[there].mean() - rise[lungs & (place < 0.05)].mean())
        assert film[0][lungs].mean() == pytest.approx(0, abs=0.15)  # measured by these lungs
    assert min(rises) > 0 and sum(rises) / len(rises) > 0.5


def test_normal_films_with_an_opacity_are_pneumonia_at_its_place(films):
    labels = torch.tensor([0, 1, 1, 1, 0, 1, 1, 1])
    recipe = Recipe(size=64, epochs=1, learning_rate=1e-3, opacities=1.0)
    torch.manual_seed(0)
    task = FilmTask(recipe, labels)
    batch = task.batch(films, labels)
    assert batch.opacities is not None
    assert torch.equal(batch.opacities.amax((1, 2, 3)) > 0, labels == 0)
    assert torch.allclose(batch.targets, torch.full((8,), 0.975))
    terms = torch.zeros(8, 8, 8, requires_grad=True)
    logits = torch.zeros(8)
    task.loss(batch, logits, terms).backward()
    assert terms.grad is not None and not terms.grad[labels == 1].any()
    dense = F.adaptive_avg_pool2d(batch.opacities, 8)[:, 0]
    for place, slope in zip(dense[labels == 0], terms.grad[labels == 0], strict=True):
        assert slope.flatten()[place.argmax()] < 0 < slope[place < 0.01].max()
    found, elsewhere = task.loss(batch, logits, 9 * dense), task.loss(batch, logits, -9 * dense)
    assert found < task.loss(batch, logits, terms) < elsewhere
    none = FilmTask(replace(recipe, opacities=0.0), labels).batch(films, labels)
    assert none.opacities is None and torch.allclose(none.targets, labels * 0.95 + 0.025)


def test_augmentation_stays_on_the_device_of_the_films(films):
    torch.manual_seed(0)
    elsewhere = films.to(torch.device("meta"))  # which nothing leaves, and nothing else can enter
    for _ in range(3):
        assert TrainPreset(64)(elsewhere).device.type == "meta"
