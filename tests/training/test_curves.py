from pneumonia.training.curves import draw_curves

AUROCS = {f"auroc{kind}": 0.95 for kind in ("", "_perturbed", "_transplanted", "_opacities")}
HISTORY = [{"epoch": e, "loss": 1 / e, **AUROCS, "auroc_opacities": 0.7} for e in (1, 2)]


def test_every_set_that_chooses_the_epoch_has_a_curve_that_is_seen():
    _, right = draw_curves(HISTORY, "A model").axes
    assert [line.get_label() for line in right.lines] == list(AUROCS)
    assert len({line.get_linestyle() for line in right.lines}) == len(AUROCS)
    assert right.get_ylim()[0] <= 0.7
