import numpy as np
import pytest

from pneumonia.data.bootstrap import bootstrap_by_patient, interval


def test_whole_patients_are_drawn():
    patients = np.array(["a", "a", "b", "c", "c", "c"])
    draws = list(bootstrap_by_patient(patients, 200, seed=0))
    for weights in draws:
        assert weights[0] == weights[1] and weights[3] == weights[4] == weights[5]
        assert weights[0] + weights[2] + weights[3] == 3
    assert np.mean(draws, 0) == pytest.approx(np.ones(6), abs=0.2)


def test_the_interval_holds_the_middle_95_percent():
    values = [*np.linspace(0, 1, 1001), np.nan]
    assert interval(values) == pytest.approx((0.025, 0.975))
