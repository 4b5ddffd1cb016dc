"""What ``import pneumonia`` gives."""

import subprocess
import sys

import pytest

import pneumonia


def test_every_public_name_is_there():
    assert set(pneumonia.__all__) <= set(dir(pneumonia))
    assert all(getattr(pneumonia, name).__name__ == name for name in pneumonia.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        pneumonia.no_such_name  # noqa: B018


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import pneumonia, sys; print('torch' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False False\n"
