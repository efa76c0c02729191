"""The program of the S3 server for tests: prints its port, ends when its input ends."""

from __future__ import annotations

import os
import sys

from moto.moto_server.threaded_moto_server import ThreadedMotoServer

if __name__ == "__main__":
    # Nobody's child: there are tests that count those of their process.
    if os.fork():
        os._exit(0)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
