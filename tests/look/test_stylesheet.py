"""The stylesheet: small, ours alone, and readable in light and dark."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CSS = (ROOT / "static/tipline.css").read_text(encoding="utf-8")
BARE = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
TEMPLATES = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "intake/templates").rglob("*.html")]

TEXT, SIGN = 4.5, 3.0  # WCAG 2.2: 1.4.3 (text), 1.4.11 (borders of controls, signs, the focus ring)
PAIRS = [
    *[
        ("ink", ground, TEXT)
        for ground in ("page", "surface", "sunken", "accent-soft", "warn-soft", "good-soft", "red-soft")
    ],
    *[("soft", ground, TEXT) for ground in ("page", "surface", "sunken", "accent-soft", "warn-soft", "red-soft")],
    *[
        ("accent", ground, TEXT)
        for ground in ("page", "surface", "accent-soft", "warn-soft", "red-soft", "mark", "sunken")
    ],
    *[("warn", ground, TEXT) for ground in ("page", "surface", "warn-soft")],
    *[("red", ground, TEXT) for ground in ("page", "surface", "red-soft", "warn-soft")],
    ("good", "good-soft", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-warn", "warn", TEXT),
    ("on-alarm", "alarm", TEXT),
    ("on-mark", "mark", TEXT),
    ("page", "ink", TEXT),
    *[("line", ground, SIGN) for ground in ("page", "surface", "sunken")],
    *[("accent", ground, SIGN) for ground in ("page", "surface", "accent-soft", "warn-soft")],
    *[("alarm", ground, SIGN) for ground in ("page", "surface")],
]


def palette(theme: str) -> dict[str, str]:
    """The custom properties of one theme; dark says only what it changes."""
    light, dark = re.findall(r":root\s*\{([^}]*)\}", BARE.split("@media print")[0])
    colours = dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", light))
    return colours if theme == "light" else colours | dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", dark))


def luminance(colour: str) -> float:
    """Relative luminance of a #rrggbb colour. Source: WCAG 2.2, "relative luminance"."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_counted_as_the_standard_counts_it():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("front", "ground", "least"), PAIRS)
def test_every_pair_of_colours_can_be_read(theme, front, ground, least):
    colours = palette(theme)

    assert contrast(colours[front], colours[ground]) >= least


def test_both_themes_name_the_same_colours():
    light, dark = re.findall(r":root\s*\{([^}]*)\}", BARE.split("@media print")[0])

    assert set(re.findall(r"--([a-z-]+):\s*#", light)) == set(re.findall(r"--([a-z-]+):\s*#", dark))


def test_the_stylesheet_is_under_16_kilobytes():
    assert len(CSS.encode()) < 16_000


def test_the_stylesheet_loads_nothing():
    assert "url(" not in BARE
    assert "@import" not in BARE
    assert "@font-face" not in BARE


def test_colours_stand_only_in_the_custom_properties():
    rules = re.sub(r":root\s*\{[^}]*\}", "", BARE.split("@media print")[0])

    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules)


def test_red_is_for_imminent_and_for_source_risk_only():
    red = {rule.strip() for rule in re.findall(r"([^{}]+)\{[^{}]*var\(--(?:red|alarm)[a-z-]*\)", BARE)}

    assert red == {".risk", ".level-imminent", ".queue-row.is-waiting"}


def test_every_class_that_a_template_uses_is_drawn_or_known_as_a_hook():
    of_the_console = (ROOT / "static/reading.css").read_text(encoding="utf-8")
    styled = set(re.findall(r"\.([a-z][a-z-]*)", BARE + of_the_console))
    hooks = {"notranslate", "count"}
    used = set()
    for template in TEMPLATES:
        bare = re.sub(r"\{[%#].*?[%#]\}", " ", template.read_text(encoding="utf-8"), flags=re.DOTALL)
        for names in re.findall(r'class="([^"]*)"', bare):
            used |= set(names.split())

    assert used - styled - hooks == set()


def test_the_list_at_its_head_names_only_what_is_drawn():
    head = CSS.split("*/")[0]
    listed = " ".join(line.split(None, 1)[1] for line in head.splitlines()[1:-1]).replace("·", " ")
    names = set(re.findall(r"(?<![(\w-])[a-z]+(?:-[a-z]+)*", re.sub(r"\([^)]*\)|\|\w+", "", listed)))

    assert names - set(re.findall(r"\.([a-z][a-z-]*)", BARE)) - {"count"} == set()


def test_paper_gets_ink_and_no_buttons():
    paper = BARE.split("@media print")[1]

    assert "color-scheme: light" in paper
    assert re.search(r"\.button[^{]*\{ display: none !important; \}", paper)
