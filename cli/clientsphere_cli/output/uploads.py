"""What an upload looks like: bars while it lasts, a table and the rates at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from clientsphere_cli.model.library import Document
from clientsphere_cli.output.quantities import count, rate, seconds, size
from clientsphere_cli.output.terminal import listing, one_line, plain
from clientsphere_cli.uploading import UploadOutcome

_NAME_COLUMNS = 28
_STATE_STYLES = {"ready": "green", "failed": "red", "refused": "red"}


class UploadProgress:
    """One bar for all files, and one for each that is being sent or processed right now.

    In a pipe it shows nothing.
    """

    def __init__(self, console: Console, file_count: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[doing]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bars: dict[Path, TaskID] = {}
        self._file_count = file_count
        self._all = self._progress.add_task(
            _name_cell("all files"), total=file_count, doing=f"0 of {file_count}"
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def sending(self, path: Path, sent_bytes: int) -> None:
        total = path.stat().st_size
        self._progress.update(
            self._bar(path),
            completed=sent_bytes,
            total=total,
            doing=f"sending, {size(total)}",
            visible=sent_bytes < total,
        )

    def processing(self, path: Path, document: Document) -> None:
        done, total = document.progress.chunks_done, document.progress.chunks_total
        self._progress.update(
            self._bar(path),
            completed=done,
            total=total or None,
            doing=f"chunk {done:,} of {total:,}" if total else document.progress.stage,
            visible=document.state == "processing",
        )

    def finished(self, outcome: UploadOutcome) -> None:
        bar = self._bars.pop(outcome.path, None)
        if bar is not None:
            self._progress.remove_task(bar)
        self._progress.advance(self._all)
        done = int(self._progress.tasks[0].completed)
        self._progress.update(self._all, doing=f"{done} of {self._file_count}")

    def _bar(self, path: Path) -> TaskID:
        if path not in self._bars:
            self._bars[path] = self._progress.add_task(
                _name_cell(path.name), total=None, doing="", visible=False
            )
        return self._bars[path]


def _name_cell(name: str) -> str:
    """The same width for all, so that the bars stand in line."""
    text = one_line(name)
    if len(text) > _NAME_COLUMNS:
        text = text[: _NAME_COLUMNS - 1] + "…"
    return text.ljust(_NAME_COLUMNS)


def outcome_report(outcomes: Sequence[UploadOutcome], elapsed_s: float) -> RenderableType:
    """The table, then what went wrong in words, then how fast it was."""
    failures = [
        Text.assemble((f"{one_line(outcome.path.name)}: ", "bold"), plain(outcome.failure))
        for outcome in outcomes
        if outcome.failure
    ]
    return Group(
        _outcome_table(outcomes),
        *([Text(), *failures] if failures else []),
        Text(),
        Text(_summary(outcomes, elapsed_s)),
    )


def _outcome_table(outcomes: Sequence[UploadOutcome]) -> RenderableType:
    table = listing("Document", "State", "Pages", "Chunks", "Time", numbers=_NUMBERS)
    for outcome in outcomes:
        document = outcome.document
        table.add_row(
            plain(outcome.path.name),
            _state_cell(outcome),
            f"{document.page_count:,}" if document and document.page_count else "",
            f"{document.chunk_count:,}" if document and document.chunk_count else "",
            seconds(outcome.elapsed_s),
        )
    return table


_NUMBERS = ("Pages", "Chunks", "Time")


def _state_cell(outcome: UploadOutcome) -> Text:
    state = outcome.document.state if outcome.document else "refused"
    note = "" if outcome.is_new or outcome.document is None else ", unchanged"
    return Text(state + note, style=_STATE_STYLES.get(state, ""))


def _summary(outcomes: Sequence[UploadOutcome], elapsed_s: float) -> str:
    """Rates count only what was processed: unchanged documents took no time."""
    done = [one.document for one in outcomes if one.document and one.document.state == "ready"]
    new = [one.document for one in outcomes if one.document and one.is_new]
    pages = sum(document.page_count or 0 for document in new)
    chunks = sum(document.chunk_count for document in new)
    failed = sum(1 for outcome in outcomes if outcome.failure)
    summary = f"{len(done)} of {count(len(outcomes), 'document')} ready in {seconds(elapsed_s)}"
    if failed:
        summary += f", {failed} failed"
    if chunks:
        summary += f".\n{count(pages, 'page')} and {count(chunks, 'chunk')}: "
        summary += f"{rate(pages, 'page', elapsed_s)}, {rate(chunks, 'chunk', elapsed_s)}"
    return f"{summary}."
