"""One sheet of the recovery kit as a PDF page, made in memory and handed to the browser: no file, no copy."""

from io import BytesIO

import segno
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from .recovery import Draft

LEFT, WIDTH = 20 * mm, A4[0] - 40 * mm
COLUMNS = 3


def pdf(made: Draft, number: int, *, program: str) -> bytes:
    """Return the sheet of this number, counted from 1."""
    out = BytesIO()
    # No date, no producer's clock: two prints of one sheet are one sheet.
    canvas = Canvas(out, pagesize=A4, invariant=1, pageCompression=0)
    canvas.setTitle(_("Recovery kit"))
    canvas.setAuthor("")
    words = made.lines[number - 1].split()
    y = A4[1] - 25 * mm
    y = _text(canvas, y, _("Recovery kit of {program}").format(program=program), size=18, bold=True)
    y = _text(
        canvas, y, _("Sheet {number} of {count}").format(number=number, count=len(made.lines)), size=14, bold=True
    )
    for line in _about(made):
        y = _text(canvas, y - 1 * mm, line)
    y -= 6 * mm
    rows = -(-len(words) // COLUMNS)
    for at, word in enumerate(words):
        column, row = divmod(at, rows)
        canvas.setFont("Courier-Bold", 13)
        canvas.drawString(LEFT + column * WIDTH / COLUMNS, y - row * 7.5 * mm, f"{at + 1:2} {word}")
    y -= rows * 7.5 * mm + 2 * mm
    y = _text(canvas, y, _("Check word: {word}").format(word=made.checks[number - 1]), size=14, bold=True)
    prints = made.fingerprint
    y = _text(canvas, y, _("Kit: {print}").format(print=" ".join(prints[at : at + 4] for at in range(0, 32, 4))))
    _code(canvas, made.lines[number - 1], LEFT, y - 48 * mm, 45 * mm)
    x = LEFT + 55 * mm
    for line in _how(made):
        y = _text(canvas, y, line, left=x)
    _text(canvas, 22 * mm, _("Kept by: ______________________     Where: ______________________"))
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _about(made: Draft) -> list[str]:
    return [
        _("If everybody's pass phrase is lost, this opens the tips again: any {k} of the {n} sheets together.").format(
            k=made.threshold, n=len(made.lines)
        ),
        _("One sheet alone opens nothing. Keep each with another person, in another place, away from the server and"),
        _("its backups. No photo, no copy. Never type it into a web page; nobody will ever ask you for it by phone."),
    ]


def _how(made: Draft) -> list[str]:
    return [
        _("To use it, at the server itself:"),
        "    scripts/manage recover NAME",
        _("and type the words of {k} sheets, or scan the codes.").format(k=made.threshold),
        _("It makes a one-time code for a first person, and"),
        _("gives the two peppers back, should they be lost too:"),
        "    scripts/manage recover --peppers",
        _("To try it (twice a year; changes nothing):"),
        "    scripts/manage recovery_drill",
        _("The words follow SLIP-0039: other programs read them."),
    ]


def _text(canvas: Canvas, y: float, text: str, *, size: int = 10, bold: bool = False, left: float = LEFT) -> float:
    canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    canvas.drawString(left, y, text)
    return y - size * 1.5


def _code(canvas: Canvas, text: str, x: float, y: float, size: float) -> None:
    matrix = segno.make(text, error="m", micro=False).matrix
    step = size / len(matrix)
    for row, cells in enumerate(matrix):
        for column, cell in enumerate(cells):
            if cell:
                canvas.rect(x + column * step, y + size - (row + 1) * step, step, step, stroke=0, fill=1)
