"""A session in a terminal as one SVG file: no script, nothing loaded, moved by CSS alone.

Text is written once, at its row counted from the first ever, and is there from one moment to
another; the screen is a window that moves down over it. Who wants no motion sees the end.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from scripts.pictures_terminal import COLUMNS, ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scripts.pictures_terminal import Cell, Look, Screen

SIZE, WIDE, HIGH = 14, 8.43, 20  # of a character, in pixels
RISE = 14.5  # from a row's upper edge to the line that its text stands on
MARGIN, BAR = 18, 34
WIDTH, HEIGHT = round(COLUMNS * WIDE) + 2 * MARGIN, ROWS * HIGH + BAR + MARGIN
PLAIN, PAPER, EDGE, QUIET = "#d5dae3", "#14171f", "#3a4150", "#9aa3b5"
# Each has a contrast of at least 7 to 1 on the paper.
COLOURS = {
    "black": "#9aa3b5",
    "red": "#ff9d96",
    "green": "#8fd694",
    "brown": "#e8c877",  # which terminals call yellow
    "blue": "#9dbcff",
    "magenta": "#dcaef5",
    "cyan": "#7fd6e0",
    "white": "#f2f4f8",
}
FONT = (
    'ui-monospace,"SF Mono",Menlo,"Cascadia Mono",Consolas,"DejaVu Sans Mono",'
    '"Noto Sans Mono",monospace'
)
STYLE = """\
text{{font:{size}px {font};fill:{plain}}}
.b{{font-weight:700}}.u{{text-decoration:underline}}
{colours}
.n{{visibility:hidden}}
g,rect{{animation:{seconds:.2f}s step-end infinite}}
{frames}
@media (prefers-reduced-motion:reduce){{g,rect{{animation:none!important}}}}
"""
PICTURE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="t d">
<title id="t">{title}</title>
<desc id="d">{description}</desc>
<style>
{style}</style>
<clipPath id="c"><rect x="0" y="-2" width="{width}" height="{inside}"/></clipPath>
<rect x=".5" y=".5" width="{edge_width}" height="{edge_height}" rx="10" fill="{paper}" \
stroke="{edge}"/>
<g fill="{edge}"><circle cx="20" cy="19" r="5.5"/><circle cx="39" cy="19" r="5.5"/>\
<circle cx="58" cy="19" r="5.5"/></g>
<text x="{middle}" y="23.5" text-anchor="middle" style="font-size:12px;fill:{quiet}">{name}</text>
<g transform="translate({margin} {bar})"><g clip-path="url(#c)"><g {window}>
{cursor}
{text}
</g></g></g>
</svg>
"""


@dataclass(frozen=True)
class Run:
    """Characters side by side that look alike, from *start* to *end*, in seconds."""

    row: int
    column: int
    text: str
    look: Look
    start: float
    end: float


class _Frames:
    """The keyframes of the picture: one for each interval or way, however many take part in it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._names: dict[str, str] = {}

    def between(self, start: float, end: float) -> str:
        """Return the attributes of what is there from *start* to *end*, and maybe at the end."""
        is_last = end >= self._seconds
        steps = [(0.0, "visibility:hidden")] if start else []
        steps.append((start, "visibility:visible"))
        steps += [] if is_last else [(end, "visibility:hidden")]
        shown = [] if is_last else ["n"]
        return _attribute("class", [*shown, *([] if len(steps) == 1 else [self.through(steps)])])

    def through(self, steps: Sequence[tuple[float, str]]) -> str:
        """Return the class of what has the properties of each of *steps* from its time on."""
        body = "".join(f"{time / self._seconds:.3%}{{{value}}}" for time, value in steps)
        body = body.replace(".000%", "%")
        return self._names.setdefault(body, f"k{len(self._names)}")

    def css(self) -> str:
        """Return all of them."""
        return "\n".join(
            f"@keyframes {name}{{{body}}}.{name}{{animation-name:{name}}}"
            for body, name in self._names.items()
        )


def _attribute(name: str, values: Sequence[str]) -> str:
    return f' {name}="{" ".join(values)}"' if values else ""


def draw(screens: Sequence[Screen], *, title: str, description: str, name: str) -> str:
    """Return the picture of a session. *name* stands above the window."""
    seconds = screens[-1].time
    frames = _Frames(seconds)
    text = _text(runs(screens), frames)
    window = _way([(screen.time, _place(0, -screen.top)) for screen in screens], frames)
    cursor = _way([(each.time, _cursor(each)) for each in screens], frames)
    colours = "\n".join(f".{name}{{fill:{value}}}" for name, value in COLOURS.items())
    style = STYLE.format(
        size=SIZE,
        font=FONT,
        plain=PLAIN,
        colours=colours,
        seconds=seconds,
        frames=frames.css(),
    )
    return PICTURE.format(
        width=WIDTH,
        height=HEIGHT,
        title=escape(title),
        description=escape(description),
        style=style,
        inside=ROWS * HIGH + 4,
        edge_width=WIDTH - 1,
        edge_height=HEIGHT - 1,
        paper=PAPER,
        edge=EDGE,
        quiet=QUIET,
        middle=WIDTH / 2,
        name=escape(name),
        margin=MARGIN,
        bar=BAR + 4,
        window=window,
        cursor=f'<rect width="{WIDE}" height="{HIGH - 3}" fill="{QUIET}" '
        f'shape-rendering="crispEdges" {cursor}/>',
        text=text,
    )


def _place(column: float, row: float) -> str:
    return f"transform:translate({column * WIDE:.2f}px,{row * HIGH:g}px)"


def _cursor(screen: Screen) -> str:
    if screen.cursor is None:
        return "opacity:0"
    row, column = screen.cursor
    return f"opacity:.75;{_place(column, row)}"


def _way(steps: Sequence[tuple[float, str]], frames: _Frames) -> str:
    """Return the attributes of what goes along *steps*, and stands at the last without motion."""
    turns = [
        step for number, step in enumerate(steps) if number == 0 or step[1] != steps[number - 1][1]
    ]
    return f'class="{frames.through(turns)}" style="{steps[-1][1]}"'


def _text(found: Sequence[Run], frames: _Frames) -> str:
    groups: dict[str, list[str]] = defaultdict(list)
    for run in found:
        groups[frames.between(run.start, run.end)].append(_element(run))
    return "\n".join(
        f"<g{attributes}>{''.join(elements)}</g>" for attributes, elements in groups.items()
    )


def _element(run: Run) -> str:
    x, width = run.column * WIDE, len(run.text) * WIDE
    classes = [run.look.colour] if run.look.colour in COLOURS else []
    classes += [letter for letter, given in _looks(run.look) if given]
    length = f' textLength="{width:.5g}"' if len(run.text) > 1 else ""
    element = (
        f'<text x="{x:.5g}" y="{run.row * HIGH + RISE:g}"{length}{_attribute("class", classes)}>'
        f"{escape(run.text)}</text>"
    )
    return f"{_ground(run, x, width)}{element}"


def _looks(look: Look) -> list[tuple[str, bool]]:
    return [("b", look.is_bold), ("u", look.is_underlined)]


def _ground(run: Run, x: float, width: float) -> str:
    if run.look.background not in COLOURS:
        return ""
    return (
        f'<rect x="{x:.5g}" y="{run.row * HIGH}" width="{width:.5g}" height="{HIGH}" '
        f'fill="{COLOURS[run.look.background]}"/>'
    )


def runs(screens: Sequence[Screen]) -> list[Run]:
    """Return what is to be seen at any time, by row and column."""
    single = sorted(_intervals(screens), key=lambda run: (run.row, run.start, run.end, run.column))
    joined: list[Run] = []
    for run in single:
        before = joined[-1] if joined else None
        if before is not None and (gap := _gap(before, run)) is not None:
            text = f"{before.text}{' ' * gap}{run.text}"
            joined[-1] = Run(run.row, before.column, text, run.look, run.start, run.end)
        else:
            joined.append(run)
    return joined


def _gap(before: Run, run: Run) -> int | None:
    """Return how many spaces part two runs that are one: one at most, ``None`` for others."""
    alike = (before.row, before.look, before.start, before.end) == (
        *(run.row, run.look, run.start, run.end),
    )
    gap = run.column - before.column - len(before.text)
    return gap if alike and gap in (0, 1) else None


def _intervals(screens: Sequence[Screen]) -> Iterator[Run]:
    """Yield each character that is on the terminal for a while, or has left it at its top."""
    present: dict[tuple[int, int], tuple[float, Cell]] = {}
    for screen in screens:
        for place, (start, cell) in list(present.items()):
            if screen.cells.get(place) != cell:
                del present[place]
                yield Run(*place, cell.text, cell.look, start, screen.time)
        for place, cell in screen.cells.items():
            if place not in present:
                present[place] = (screen.time, cell)
    for place, (start, cell) in present.items():
        yield Run(*place, cell.text, cell.look, start, screens[-1].time)
