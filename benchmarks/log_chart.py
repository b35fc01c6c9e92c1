"""The questions as a picture: one line each, on a logarithmic scale, in the colours of the page that shows it."""

from __future__ import annotations

import math
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.log_results import Results
from benchmarks.log_timing import Line
from benchmarks.processes import ROOT

FILE = ROOT / "docs/images/log-questions.svg"
WIDTH = 960
LEFT, RIGHT, TOP, BOTTOM = 300, 70, 92, 40
ROW = 26
LEAST_MS, MOST_MS = 0.1, 100_000.0

_STYLE = """
  svg { color-scheme: light dark; }
  .paper { fill: #ffffff; } text { fill: #1f2733; font: 13px system-ui, sans-serif; }
  .quiet { fill: #5b6675; font-size: 12px; } .grid { stroke: #dfe4ea; } .goal { stroke: #1f2733; stroke-width: 2; }
  .ours { fill: #2f6fde; } .span { stroke: #2f6fde; stroke-width: 5; stroke-linecap: round; opacity: .35; }
  .engine { fill: none; stroke: #2f6fde; stroke-width: 2; } .peer { fill: #b4690e; }
  .title { font-size: 16px; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #12161c; } text { fill: #e6eaf0; } .quiet { fill: #9aa6b5; } .grid { stroke: #2a323d; }
    .goal { stroke: #e6eaf0; } .ours { fill: #7aa7f7; } .span, .engine { stroke: #7aa7f7; } .peer { fill: #f0b35a; }
  }
"""


def draw_chart(results: Results) -> str:
    """The picture as SVG. Its description says the figures, for those who do not see it."""
    lines = (*results.lines, *(results.served.lines if results.served else ()))
    peers = {one.name: one.p50_ms for one in results.peer.times} if results.peer else {}
    height = TOP + ROW * len(lines) + BOTTOM
    title = f"How long questions to {results.records:,} records take"
    said = "; ".join(f"{line.name}: p50 {line.p50_ms:g} ms, p95 {line.p95_ms:g} ms" for line in lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title said">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="said">{escape(said)}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}" rx="8"/>',
        f'<text class="title" x="20" y="30">{escape(title)}</text>',
        *_legend(results),
        *_grid(height),
    ]
    for place, line in enumerate(lines):
        parts += _row(TOP + ROW * place + ROW / 2, line, peers.get(line.name))
    return "\n".join([*parts, "</svg>", ""])


def write_chart(results: Results, file: Path = FILE) -> None:
    """Put the picture where the documents show it."""
    file.write_text(draw_chart(results))


def _row(y: float, line: Line, peer_ms: float | None) -> list[str]:
    middle, end = _x(line.p50_ms), _x(line.p95_ms)
    drawn = [
        f'<text x="{LEFT - 14}" y="{y + 4.5:g}" text-anchor="end">{escape(line.name)}</text>',
        f'<line class="span" x1="{middle:.1f}" y1="{y:g}" x2="{end:.1f}" y2="{y:g}"/>',
    ]
    if line.goal_ms is not None:
        goal = _x(line.goal_ms)
        drawn.append(f'<line class="goal" x1="{goal:.1f}" y1="{y - 9:g}" x2="{goal:.1f}" y2="{y + 9:g}"/>')
    if peer_ms is not None:
        x = _x(peer_ms)
        drawn.append(f'<path class="peer" d="M{x:.1f} {y - 6:g}l6 6l-6 6l-6 -6z"/>')
    if line.engine_ms is not None:
        drawn.append(f'<circle class="engine" cx="{_x(line.engine_ms):.1f}" cy="{y:g}" r="6.5"/>')
    drawn.append(f'<circle class="ours" cx="{middle:.1f}" cy="{y:g}" r="5"/>')
    drawn.append(f'<text class="quiet" x="{WIDTH - 14}" y="{y + 4.5:g}" text-anchor="end">{_say(line.p50_ms)}</text>')
    return drawn


def _legend(results: Results) -> list[str]:
    peer = f"PostgreSQL p50, {results.peer.records:,} records" if results.peer else ""
    drawn = [
        '<circle class="ours" cx="26" cy="52" r="5"/><text class="quiet" x="38" y="56">p50</text>',
        '<line class="span" x1="78" y1="52" x2="104" y2="52"/><text class="quiet" x="114" y="56">to p95</text>',
        '<circle class="engine" cx="176" cy="52" r="6.5"/><text class="quiet" x="190" y="56">of it in chDB</text>',
        '<line class="goal" x1="288" y1="43" x2="288" y2="61"/><text class="quiet" x="298" y="56">goal of p95</text>',
    ]
    if peer:
        drawn.append('<path class="peer" d="M388 46l6 6l-6 6l-6 -6z"/>')
        drawn.append(f'<text class="quiet" x="402" y="56">{escape(peer)}</text>')
    return drawn


def _grid(height: int) -> list[str]:
    drawn = []
    for power in range(round(math.log10(LEAST_MS)), round(math.log10(MOST_MS)) + 1):
        value = 10.0**power
        x = _x(value)
        drawn.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - BOTTOM + 6}"/>')
        drawn.append(f'<text class="quiet" x="{x:.1f}" y="{height - 14}" text-anchor="middle">{_say(value)}</text>')
    return drawn


def _x(value_ms: float) -> float:
    span = math.log10(MOST_MS / LEAST_MS)
    share = math.log10(min(max(value_ms, LEAST_MS), MOST_MS) / LEAST_MS) / span
    return LEFT + share * (WIDTH - LEFT - RIGHT - 20)


def _say(value_ms: float) -> str:
    return f"{value_ms / 1000:.3g} s" if value_ms >= 1000 else f"{value_ms:.3g} ms"
