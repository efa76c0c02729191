"""The child's own side: how quickly it starts, what it may do, and when it dies."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from ingestion.parsing.child import parse_to_frame
from ingestion.parsing.model import MediaType, ParseError, ParseLimits
from ingestion.parsing.wire import decode_frame

LIMITS = ParseLimits()


def run_confined(program: str) -> subprocess.CompletedProcess[str]:
    """Run `program` in a process that has confined itself."""
    confined = """
        import resource
        from ingestion.parsing.confinement import confine
        from ingestion.parsing.model import ParseLimits
        confine(ParseLimits(memory_bytes=300_000_000, cpu_s=1))
    """
    source = textwrap.dedent(confined) + textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-I", "-c", source], capture_output=True, text=True, timeout=30
    )


class TestParseToFrame:
    def test_a_document_becomes_a_frame(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("Hello")
        assert decode_frame(parse_to_frame(path, MediaType.TEXT, LIMITS)).text == "Hello"

    def test_a_refusal_becomes_a_frame_too(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text(" ")
        with pytest.raises(ParseError) as refused:
            decode_frame(parse_to_frame(path, MediaType.TEXT, LIMITS))
        assert refused.value.code == "document_without_text"


class TestProcess:
    def command(self, path: Path, media_type: MediaType) -> list[str]:
        child = [sys.executable, "-I", "-m", "ingestion.parsing.child"]
        return [*child, str(path), media_type.value, json.dumps(asdict(LIMITS))]

    @pytest.mark.parametrize(
        ("media_type", "content"), [(MediaType.TEXT, b"Hello"), (MediaType.MARKDOWN, b"# Hello")]
    )
    def test_starting_and_parsing_take_a_quarter_of_a_second(
        self, tmp_path: Path, media_type: MediaType, content: bytes
    ) -> None:
        path = tmp_path / "document"
        path.write_bytes(content)
        command = self.command(path, media_type)
        before = processor_time_of_children_s()
        subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=30)
        assert processor_time_of_children_s() - before < 0.25

    def test_dies_with_its_parent(self, tmp_path: Path) -> None:
        path = tmp_path / "never.txt"
        os.mkfifo(path)
        parent = textwrap.dedent(
            f"""
            import os, subprocess, sys
            child = subprocess.Popen({self.command(path, MediaType.TEXT)!r}, stdout=subprocess.PIPE)
            print(child.pid, flush=True)
            sys.stdin.read()
            """
        )
        with subprocess.Popen(
            [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            child_pid = int(process.stdout.readline())
            # Opening the other end waits until the child is reading: it has confined itself.
            with path.open("w"):
                process.send_signal(signal.SIGKILL)
                process.wait()
                assert ends_within(child_pid, seconds=5)


def processor_time_of_children_s() -> float:
    """Unlike the time on the wall, the same however busy the machine is."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's means are Linux's")
class TestConfine:
    def test_memory_is_limited(self) -> None:
        done = run_confined("bytearray(400_000_000)")
        assert "MemoryError" in done.stderr

    def test_processor_time_is_limited(self) -> None:
        assert run_confined("while True: pass").returncode == -signal.SIGXCPU

    def test_no_file_can_be_written(self, tmp_path: Path) -> None:
        done = run_confined(f"with open({str(tmp_path / 'x')!r}, 'w') as file: file.write('x')")
        assert "File too large" in done.stderr

    def test_no_core_is_dumped_and_few_files_are_open_at_once(self) -> None:
        done = run_confined(
            """
            for kind in (resource.RLIMIT_CORE, resource.RLIMIT_NOFILE):
                print(resource.getrlimit(kind))
            """
        )
        assert done.stdout.split("\n") == ["(0, 0)", "(64, 64)", ""]

    def test_a_limit_that_is_lower_already_stays(self) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        done = subprocess.run(
            [
                *(sys.executable, "-I", "-c"),
                "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
                "from ingestion.parsing.confinement import confine\n"
                "from ingestion.parsing.model import ParseLimits\n"
                "confine(ParseLimits()); print(resource.getrlimit(resource.RLIMIT_NOFILE))",
            ],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert hard > 32
        assert done.stdout.strip() == "(32, 32)"

    def test_the_network_is_out_of_reach_where_the_kernel_permits(self) -> None:
        if not may_unshare_network():
            pytest.skip("this machine does not let a process leave the network")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            done = run_confined(
                f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=5)"
            )
        assert "OSError: [Errno 101] Network is unreachable" in done.stderr


def may_unshare_network() -> bool:
    probe = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    return subprocess.run([sys.executable, "-I", "-c", probe], timeout=30).returncode == 0
