"""The figures of an evaluation as plain text."""

from collections.abc import Sequence

from triage.classify import Urgency
from triage.classify.evaluate import (
    Pair,
    Share,
    by_category,
    confusion,
    explained,
    groups,
    macro_f1,
    near_misses,
    paging,
    paging_interval,
    precision_at,
)

RECALLS = (0.99, 0.97, 0.95, 0.90, 0.80, 0.70)


def _wake_up_lines(pairs: Sequence[Pair]) -> list[str]:
    woken = paging(pairs)
    low, high = paging_interval(pairs)
    return [
        f"paging recall {woken.recall}, precision {woken.precision}",
        f"paging average precision {woken.average_precision:.3f} [{low:.2f}-{high:.2f}]",
        "precision of paging at recall: " + ", ".join(f"{at:.2f}: {precision_at(pairs, at):.2f}" for at in RECALLS),
        f"near misses paged {near_misses(pairs)} of {near_misses(pairs).whole}",
        f"paged tips with a reason in the text {explained(pairs)}",
        f"not judged {sum(not answer.judged for _, answer in pairs)}",
    ]


def text_report(pairs: Sequence[Pair]) -> str:
    """Return all figures, with intervals of 95 % in brackets."""
    categories = by_category(pairs)
    lines = [
        f"{len(pairs)} tips",
        "",
        f"{'category':18} {'true':>5} {'said':>5} {'precision':>18} {'recall':>18}   F1   AP",
    ]
    for name, one in categories.items():
        lines.append(
            f"{name:18} {one.true:5} {one.said:5} {one.precision!s:>18} {one.recall!s:>18} "
            f"{one.f1:4.2f} {one.average_precision:4.2f}"
        )
    lines += [f"macro F1 {macro_f1(categories):.3f}", "", *_wake_up_lines(pairs), ""]
    lines += ["levels (rows: true, columns: said)", f"{'':10}" + "".join(f"{level:>10}" for level in Urgency)]
    for level, row in zip(Urgency, confusion(pairs), strict=True):
        lines.append(f"{level:10}" + "".join(f"{count:10}" for count in row))
    lines += ["", f"{'group':16} {'tips':>5} {'page recall':>18} {'page precision':>18}   AP  F1   near misses paged"]
    for name, part in groups(pairs).items():
        woken = paging(part)
        lines.append(
            f"{name:16} {len(part):5} {woken.recall!s:>18} {woken.precision!s:>18} {woken.average_precision:4.2f} "
            f"{macro_f1(by_category(part)):.2f} {near_misses(part)}"
        )
    return "\n".join(lines)


def side_by_side(left: Sequence[Pair], right: Sequence[Pair], names: tuple[str, str]) -> str:
    """Return the main figures of two models on the same tips beside each other."""
    rows: list[tuple[str, float, float]] = []
    ours, theirs = paging(left), paging(right)
    rows.append(("paging recall", ours.recall.value, theirs.recall.value))
    rows.append(("paging precision", ours.precision.value, theirs.precision.value))
    rows.append(("paging average precision", ours.average_precision, theirs.average_precision))
    rows.append(("near misses paged", near_misses(left).value, near_misses(right).value))
    left_ones, right_ones = by_category(left), by_category(right)
    rows.append(("macro F1", macro_f1(left_ones), macro_f1(right_ones)))
    rows += [(f"F1 {name}", one.f1, right_ones[name].f1) for name, one in left_ones.items() if one.true]
    lines = [f"{'':26} {names[0]:>20} {names[1]:>20}    difference"]
    lines += [f"{name:26} {one:20.3f} {other:20.3f} {other - one:+13.3f}" for name, one, other in rows]
    both = Share(
        sum(a.urgency is b.urgency for (_, a), (_, b) in zip(left, right, strict=True)),
        len(left),
    )
    return "\n".join([*lines, f"same level from both {both}"])
