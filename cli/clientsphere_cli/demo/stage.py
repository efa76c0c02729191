"""How the demo looks: calm, at 80 columns and at 120, with colours or without."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from clientsphere_cli.demo.replies import Reply
from clientsphere_cli.model.trail import TrailHead
from clientsphere_cli.output.answers import answer_text, citation_list
from clientsphere_cli.output.block import Block
from clientsphere_cli.output.quantities import count, seconds
from clientsphere_cli.output.terminal import command_name, is_wide, plain
from clientsphere_cli.output.uploads import UploadProgress
from clientsphere_cli.uploading import UploadOutcome

_MAX_COLUMNS = 120
_INTRODUCTION = (
    "Two companies on one platform. Their rules differ on purpose, and neither may see a word of"
    " the other's documents."
)


class Stage:
    """Prints each step when it has been done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _MAX_COLUMNS)

    def opening(self) -> None:
        self._console.print()
        self._say(Text("ClientSphere demo", style="bold"), indent=0)
        self._say(Text(_INTRODUCTION, style="dim"), indent=0)

    def server_ready(self, url: str, start_s: float | None) -> None:
        """Without a time, the server was there before."""
        words = f"The server at {url} answers"
        if start_s is not None:
            words = f"A fresh server answers at {url} after {seconds(start_s)}"
        self._console.print()
        self._say(_passed(words), indent=0)

    def heading(self, words: str) -> None:
        line = "─" * (self._width - len(words) - 4)
        self._console.print()
        self._say(Text.assemble(("── ", "dim"), (words, "bold"), (f" {line}", "dim")), indent=0)

    def upload_progress(self, file_count: int) -> UploadProgress:
        return UploadProgress(self._console, file_count)

    def documents(self, outcomes: Sequence[UploadOutcome]) -> None:
        grid = Table.grid(padding=(0, 3, 0, 0))
        for justify in ("left", "right", "right", "right"):
            grid.add_column(justify=justify)
        for outcome in outcomes:
            grid.add_row(*_document_row(outcome))
        self._say(grid)

    def reply(self, reply: Reply) -> None:
        self._console.print()
        self._say(_question(reply))
        self._say(_answer(reply), indent=4)

    def comparison(self, replies: Sequence[Reply]) -> None:
        """Side by side where there is room, else one below the other."""
        self._console.print()
        self._say(_question(replies[0]))
        voices = [Group(_company(reply), _answer(reply)) for reply in replies]
        if not is_wide(self._console):
            self._say(Group(*_with_gaps(voices)), indent=4)
            return
        table = Table.grid(expand=True, padding=(0, 4, 0, 0))
        for _ in voices:
            table.add_column(ratio=1)
        table.add_row(*voices)
        self._say(table, indent=4)

    def trail(self, company: str, head: TrailHead) -> None:
        events = count(head.sequence, "event")
        self._say(_passed(f"{company}: {events}, unbroken, head {head.hash[:16]}"))

    def closing(self, answer_count: int, elapsed_s: float, sample_folder: str) -> None:
        command = command_name()
        self._console.print()
        self._say(_passed(f"{answer_count} answers, all right, in {seconds(elapsed_s)}"), indent=0)
        self._console.print()
        self._say(Text("Try next, with a server of your own:", style="bold"), indent=0)
        for line in (
            f"{command} run",
            f"{command} upload {sample_folder}",
            f'{command} ask "Which port does the Tareline device service listen on?"',
        ):
            self._console.print(plain(f"  {line}"), soft_wrap=True)
        self._console.print()

    def _say(self, what: RenderableType, indent: int = 2) -> None:
        self._console.print(Block(what, indent), width=self._width)


def _passed(words: str) -> Text:
    return Text.assemble(("✓ ", "green"), plain(words))


def _document_row(outcome: UploadOutcome) -> tuple[RenderableType, ...]:
    document = outcome.document
    pages = document.page_count if document else None
    chunks = document.chunk_count if document else 0
    mark = Text("✗ ", style="red") if outcome.failure else Text("✓ ", style="green")
    return (
        mark.append(plain(outcome.path.name, style="default")),
        count(pages, "page") if pages else "",
        count(chunks, "chunk"),
        seconds(outcome.elapsed_s),
    )


def _with_gaps(voices: Sequence[RenderableType]) -> list[RenderableType]:
    return [voices[0], *(part for voice in voices[1:] for part in (Text(), voice))]


def _question(reply: Reply) -> Text:
    return Text(reply.question.question, style="bold cyan")


def _company(reply: Reply) -> Text:
    return Text(reply.question.tenant.name, style="underline")


def _answer(reply: Reply) -> Group:
    parts: list[RenderableType] = [answer_text(reply.answer)]
    if not reply.answer.answered:
        parts = [Text("Declined: ", style="yellow").append(answer_text(reply.answer))]
    if reply.answer.citations:
        parts.append(citation_list(reply.answer.citations))
    if reply.complaint:
        parts.append(Text(f"✗ Not as it should be: {reply.complaint}.", style="bold red"))
    return Group(*parts)
