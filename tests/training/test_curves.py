from pneumonia.training.curves import plot_curves


def test_curves_are_drawn(tmp_path):
    history = [{"epoch": e, "loss": 1 / e, "auroc": 0.9, "auroc_perturbed": 0.91} for e in (1, 2)]
    plot_curves(history, tmp_path / "curves.png", "A model")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
