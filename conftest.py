"""What every test of the workspace may ask for."""

pytest_plugins = [
    "tests.harness.children",
    "tests.harness.closing_words",
    "tests.harness.containers",
    "tests.harness.left_sockets",
    "tests.harness.parallel",
    "tests.harness.servers",
    "tests.stack.fixtures",
]
