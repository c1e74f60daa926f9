"""The figures of an evaluation as one HTML page with curves and the worst errors; it quotes tips."""

from collections.abc import Sequence
from html import escape

from triage.classify.evaluate import Pair, by_category, curve, macro_f1, paging, score_of
from triage.classify.reporting import text_report
from triage.classify.taxonomy import Category

SIDE = 320
MOST_ERRORS = 40
QUOTED = 600
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark; }
pre { overflow-x: auto; font-size: 13px; line-height: 1.35; }
figure { display: inline-block; margin: 0 1rem 1rem 0; }
svg { border: 1px solid gray; max-width: 100%; height: auto; }
svg polyline { fill: none; stroke: currentColor; stroke-width: 2; }
svg line { stroke: gray; stroke-width: 0.5; }
blockquote { margin: 0.5rem 0 1.25rem; padding-left: 1rem; border-left: 3px solid gray; white-space: pre-wrap; }
"""


def _curve(pairs: Sequence[Pair], target: str, title: str, truth: Sequence[bool]) -> str:
    points = curve(truth, [score_of(answer, target) for _, answer in pairs])
    if not points:
        return ""
    step = max(1, len(points) // 300)
    kept = [*points[::step], points[-1]]
    line = " ".join(f"{recall * SIDE:.1f},{(1 - precision) * SIDE:.1f}" for recall, precision, _ in kept)
    grid = "".join(
        f'<line x1="0" x2="{SIDE}" y1="{at}" y2="{at}"/><line y1="0" y2="{SIDE}" x1="{at}" x2="{at}"/>'
        for at in (SIDE * share // 10 for share in (1, 2, 3, 5, 7, 9))
    )
    return (
        f'<figure><svg width="{SIDE}" height="{SIDE}" viewBox="0 0 {SIDE} {SIDE}" role="img" '
        f'aria-label="{escape(title)}">{grid}<polyline points="{line}"/></svg>'
        f"<figcaption>{escape(title)}<br>precision (up) against recall (right)</figcaption></figure>"
    )


def _errors(pairs: Sequence[Pair], title: str) -> str:
    quoted = "".join(
        f"<p>{escape(tip.name)} ({escape(tip.lang)}): is {escape(', '.join((tip.urgency, *sorted(tip.categories))))}; "
        f"said {escape(', '.join((answer.urgency, *answer.categories)))}; "
        f"chance of paging {score_of(answer, 'paging'):.2f}</p><blockquote>{escape(tip.text[:QUOTED])}</blockquote>"
        for tip, answer in pairs[:MOST_ERRORS]
    )
    return f"<h2>{escape(title)}: {len(pairs)}</h2>{quoted}"


def html_report(pairs: Sequence[Pair], version: str) -> str:
    """Return the page. It holds words of tips: it belongs where the tips may be."""
    missed = sorted(
        (pair for pair in pairs if pair[0].urgency.pages and not pair[1].urgency.pages),
        key=lambda pair: score_of(pair[1], "paging"),
    )
    woken = sorted(
        (pair for pair in pairs if pair[1].urgency.pages and not pair[0].urgency.pages),
        key=lambda pair: -score_of(pair[1], "paging"),
    )
    curves = [_curve(pairs, "paging", "Waking somebody", [tip.urgency.pages for tip, _ in pairs])]
    curves += [
        _curve(pairs, category, category.replace("_", " "), [category in tip.categories for tip, _ in pairs])
        for category in (Category.SELF_HARM, Category.SCHOOL_THREAT, Category.DRUGS, Category.WEAPONS)
    ]
    summary = f"{len(pairs)} tips, paging average precision {paging(pairs).average_precision:.3f}, "
    summary += f"macro F1 {macro_f1(by_category(pairs)):.3f}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Triage, {escape(version)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>Triage, {escape(version)}</h1><p>{summary}. This page quotes tips.</p>{''.join(curves)}"
        f"<pre>{escape(text_report(pairs))}</pre>{_errors(missed, 'Missed pages')}{_errors(woken, 'Needless pages')}"
        "</body></html>\n"
    )
