"""The live view: what came in, where referrals are, what is overdue and in quarantine, in as much room as there is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.panel import Panel
from rich.text import Text

from baton.demo.figures import Happening, Snapshot, StageFigures
from schemas.vocabulary import Stage

#: border and padding of the frame
FRAME_COLUMNS, FRAME_LINES = 4, 2
CELL = 25
STAGE, NUMBER = 27, 11
#: bars of the stages appear from so many free columns
LEAST_BAR = 20
MOST_TROUBLES = 3
#: fewer last events are not worth their lines
LEAST_NEWS = 2


@dataclass(frozen=True, kw_only=True)
class View:
    """All that is shown at one moment; takes the room of the console that draws it and no more."""

    title: str
    subtitle: str
    address: str
    figures: tuple[str, ...]  #: the most important first
    troubles: tuple[str, ...]
    snapshot: Snapshot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the view into the height of the terminal."""
        width, height = options.max_width - FRAME_COLUMNS, console.height - FRAME_LINES
        lines = list(self._lines(width, height))
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        yield Panel(
            Group(*lines),
            title=_cut(self.title, width - 2),
            subtitle=_cut(self.subtitle, width - 2),
            height=min(console.height, len(lines) + FRAME_LINES),
        )

    def _lines(self, width: int, height: int) -> Iterator[Text]:
        troubles = _few(self.troubles)
        stages = list(_stages(self.snapshot.stages, width))
        room = height - 1 - len(troubles) - len(stages)
        figures = _in_columns(self.figures, width)[: max(room, 1)]
        yield _cut(self.address, width)
        yield from (_cut(line, width) for line in figures)
        yield from (_cut(line, width, style="yellow") for line in troubles)
        yield from stages
        if (room := room - len(figures)) >= LEAST_NEWS:
            yield from _news(self.snapshot.news, room, width)


def figures_of(snapshot: Snapshot, rates: tuple[float, float], own: Mapping[str, int]) -> tuple[str, ...]:
    """Name each figure, the most important first; `own` are those of the demo itself."""
    return (
        f"referrals {snapshot.referrals} ({rates[0]:.1f}/s)",
        f"changes {snapshot.changes} ({rates[1]:.1f}/s)",
        f"patients {snapshot.patients}",
        f"quarantine {snapshot.quarantine}",
        f"breaches {snapshot.breaches}",
        f"reminders {snapshot.reminders}",
        f"notices {snapshot.notices}",
        f"repeats dropped {snapshot.repeated}",
        f"likely duplicates {snapshot.duplicates}",
        f"without owner or due {snapshot.violations}",
        *(f"{name} {count}" for name, count in own.items()),
    )


def _stages(stages: Mapping[str, StageFigures], width: int) -> Iterator[Text]:
    columns = ("referrals", "overdue", "paused")[: max((width - STAGE) // NUMBER, 1)]
    bar = width - STAGE - len(columns) * NUMBER - 2
    longest = max((figures.referrals for figures in stages.values()), default=1)
    yield Text(f"{'stage':{STAGE}}" + "".join(f"{column:>{NUMBER}}" for column in columns), style="bold")
    for stage in Stage:
        figures = stages.get(stage.value, StageFigures())
        numbers = (figures.referrals, figures.overdue or "", figures.paused or "")[: len(columns)]
        text = f"{stage.value.replace('_', ' '):{STAGE}}" + "".join(f"{number!s:>{NUMBER}}" for number in numbers)
        if bar >= LEAST_BAR and figures.referrals:
            text += "  " + "▪" * max(1, bar * figures.referrals // longest)
        yield _cut(text, width, style="red" if figures.overdue else "")


def _news(news: Sequence[Happening], room: int, width: int) -> Iterator[Text]:
    yield Text("last events", style="bold")
    for event in news[: room - 1]:
        late = ", overdue" if event.is_overdue else ""
        text = f"{event.at.astimezone():%H:%M:%S}  {event.referral_id}  {event.stage.replace('_', ' ')}"
        yield _cut(f"{text}  {event.priority}{late}", width, style="dim")


def _in_columns(figures: Sequence[str], width: int) -> list[str]:
    columns = max(width // CELL, 1)
    rows = (figures[start : start + columns] for start in range(0, len(figures), columns))
    return ["".join(f"{figure:{CELL}}" for figure in row) for row in rows]


def _few(troubles: Sequence[str]) -> tuple[str, ...]:
    if len(troubles) <= MOST_TROUBLES:
        return tuple(troubles)
    shown = troubles[: MOST_TROUBLES - 1]
    return (*shown, f"and {len(troubles) - len(shown)} more: baton ps")


def _cut(text: str, width: int, *, style: str = "") -> Text:
    cut = Text(" ".join(text.split("\n")).rstrip(), style=style)
    cut.truncate(max(width, 1), overflow="ellipsis")
    return cut
