"""What the tests share is loaded where they run: xdist's controller would wait for PyTorch."""


def pytest_configure(config):
    if not config.getoption("numprocesses", None):
        config.pluginmanager.import_plugin("shared")
