"""The alert rules and the dashboard ask for numbers that exist, and know their labels."""

import json
import re
from pathlib import Path

import pytest
import yaml

from triage.watching import measures

OPS = Path(__file__).parents[1] / "ops"
LABELS = {name: set(metric.labels) for name, metric in measures.METRICS.items()}
KNOWN_LABELS = {"le", "process"} | set().union(*LABELS.values())


def _rules():
    loaded = yaml.safe_load((OPS / "prometheus/tipline.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def _panels():
    return json.loads((OPS / "grafana/tipline.json").read_text())["panels"]


def _expressions():
    yield from (rule["expr"] for rule in _rules())
    yield from (target["expr"] for panel in _panels() for target in panel["targets"])


@pytest.mark.parametrize("expression", sorted(set(_expressions())))
def test_every_number_that_is_asked_for_exists(expression):
    asked = set(re.findall(r"tipline_\w+", expression))

    assert asked
    assert asked <= measures.names()
    assert set(re.findall(r"(\w+)=~?\"", expression)) <= KNOWN_LABELS
    assert set(re.findall(r"by \(([\w, ]+)\)", expression)) <= {"le", "channel", "channel, result"}
    assert expression.count("(") == expression.count(")")


def test_every_number_is_on_the_dashboard():
    shown = {
        name
        for panel in _panels()
        for target in panel["targets"]
        for name in re.findall(r"tipline_\w+", target["expr"])
    }

    # The canary's failing is an alarm; its time is the picture.
    assert shown == measures.names() - {measures.CANARY_FAILED}


def test_every_alert_says_what_is_wrong_and_what_to_do():
    names = [rule["alert"] for rule in _rules()]

    assert len(names) == len(set(names)) >= 10
    for rule in _rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["do"].endswith(".")
        asked = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert asked <= KNOWN_LABELS


def test_the_panels_lie_side_by_side_and_none_on_another():
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in _panels()
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
