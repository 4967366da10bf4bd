"""The report says what the scores say, to people and to programs, and can be opened anywhere."""

import csv
import io
import json
import math
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from mofsim.benchmark.differences import compare
from mofsim.benchmark.references import References
from mofsim.benchmark.report import exports, task_tables, text
from mofsim.benchmark.report.markup import element, link
from mofsim.benchmark.report.numbers import number, tick_labels, ticks
from mofsim.benchmark.report.page import Sources, as_html
from mofsim.benchmark.sampling import Sampling
from mofsim.benchmark.scoring import score
from mofsim.cli import scores as cli_scores
from mofsim.cli.output import Output
from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import NotCovered, Reference, RunComparison, Scores
from mofsim.vocabulary import TaskType, Verdict

MakeRow = Callable[..., BatchRow]
MakeReference = Callable[..., Reference]

EVIL = '<script>alert("x")</script>'


@pytest.fixture
def scores(row: MakeRow, reference: MakeReference) -> Scores:
    """Two models on three structures, one of them named by somebody with bad manners, and a quick look by a third."""
    rows = []
    for model, preset, factor in (("A", "mofsimbench", 1.02), ("B", "mofsimbench", 0.95), ("A", "quick", 1.2)):
        common = {"model": model, "preset": preset}
        for structure, volume, modulus in (("one", 100.0, 10.0), ("two", 2000.0, 20.0), (EVIL, 300.0, 30.0)):
            rows.append(
                row("optimization", structure, final_volume_A3=volume * factor, input_volume_A3=volume, **common)
            )
            rows.append(row("bulk-modulus", structure, bulk_modulus_GPa=modulus * factor, fit_ok=True, **common))
        rows.append(row("heat-capacity", "one", heat_capacity_J_per_gK=0.8 * factor, **common))
        found = {"Zn": {"sites": 8, "changed": 1, "before": 4.0, "after": 3.875}}
        rows.append(row("stability", "one", stable=True, volume_drift_percent=-1.0, coordination_by_metal=found,
                        metals=8, metals_with_changed_coordination=1, **common))  # fmt: skip
        error = {"error_type": "SimulationExploded", "error_message": EVIL}
        rows.append(row("stability", "two", status="FAILED", **error, **common))
    references = [
        *(reference("one", "volume_A3", 100.0), reference("two", "volume_A3", 500.0)),
        *(reference(EVIL, "volume_A3", 300.0), reference("one", "heat_capacity_J_per_gK", 0.8)),
        *(reference("two", "bulk_modulus_GPa", 20.0), reference(EVIL, "bulk_modulus_GPa", 30.0)),
        reference("one", "bulk_modulus_GPa", 10.0, volumes_A3=[96.0, 98.0, 100.0, 102.0, 104.0],
                  energies_eV=[0.5, 0.1, 0.0, 0.1, 0.5]),
    ]  # fmt: skip
    sampling = Sampling(resamples=200, seed=7)
    return score(
        rows, References(references), title="A & B", sampling=sampling, made_at=datetime(2026, 1, 2, tzinfo=UTC)
    )


def result(task_id: int) -> dict[str, Any]:
    points = [{"volume_A3": 100.0 + i, "energy_eV": 0.01 * i * i, "converged": True} for i in range(-4, 5)]
    return {
        "result": {
            "points": points,
            "temperatures_K": [0.0, 300.0, 600.0],
            "heat_capacities_J_per_gK": [0.0, 0.8, 1.1],
        },
        "provenance": {"versions": {"torch": "2.9.1"}},
    }


@pytest.fixture
def page(scores: Scores) -> str:
    sources = Sources(result=result, log=lambda task_id: (f"log of {task_id}", "<b>its last line"))
    return as_html(scores, sources, compare(scores, scores))


class Outline(HTMLParser):
    """Whether tags are closed in order, and what they were."""

    EMPTY = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    assert found.open == []
    return found


def test_the_page_is_whole_needs_nothing_else_and_runs_nothing(page: str) -> None:
    seen = outline(page).seen
    assert {tag for tag, _ in seen} & {"script", "link", "img", "iframe", "object"} == set()
    assert not [name for _, attributes in seen for name in attributes if name.startswith("on") or name == "src"]
    assert "url(" not in page and "@import" not in page
    addresses = {attributes["href"] for tag, attributes in seen if tag == "a"}
    ids = [attributes["id"] for _, attributes in seen if attributes.get("id")]
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in addresses if address and address.startswith("#")} <= set(ids)
    assert {address for address in addresses if address and not address.startswith("#")} == set()


def test_what_failed_leads_to_the_end_of_its_log(page: str, scores: Scores) -> None:
    failed = {each.task_id for each in scores.outcomes if each.verdict is Verdict.FAILED}
    assert failed == {int(id) for id in re.findall(r'href="#log-(\d+)"', page)} and failed
    for task_id in failed:
        assert f'<pre id="log-{task_id}">log of {task_id}\n&lt;b&gt;its last line</pre>' in page
    assert "How their logs end" not in as_html(scores)


def test_a_drift_is_red_where_it_is_too_large_and_not_for_its_short_start(row: MakeRow) -> None:
    rows = [
        row("stability", name, stable=stable, volume_drift_percent=drift, converged=False)
        for name, stable, drift in (("calm", True, 1.5), ("wild", False, 12.5))
    ]
    bad = {
        name: [
            cell.is_bad for line in task_tables.structure_table(score(rows, References()), name).rows for cell in line
        ]
        for name in ("calm", "wild")
    }
    assert not any(bad["calm"]) and any(bad["wild"])


def test_a_name_is_shown_and_not_run(page: str) -> None:
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;") > 5


def test_plots_are_svg_that_hold_every_answer(page: str) -> None:
    pictures = [ElementTree.fromstring(each) for each in re.findall(r"<svg .*?</svg>", page, re.S)]
    plots = [each for each in pictures if each.get("class") == "plot"]
    # of each of three columns volumes, moduli and a heat capacity; errors by metal of each; curves of structures
    assert len(plots) == 3 * 3 + 3 + 3 + 1
    for plot in plots:
        width, height = float(plot.get("width", 0)), float(plot.get("height", 0))
        for mark in plot.iter("circle"):
            assert 0 <= float(mark.get("cx", -1)) <= width and 0 <= float(mark.get("cy", -1)) <= height
    told = [title.text or "" for plot in plots for title in plot.iter("title")]
    assert any(each.startswith("two: 510.0 Å³, reference 500.0 Å³") for each in told)


def test_the_curve_of_the_reference_is_brought_to_the_cell_that_was_submitted(
    row: MakeRow, reference: MakeReference
) -> None:
    energies = [0.4, 0.1, 0.0, 0.1, 0.4]
    points = [{"volume_A3": 100.0 * part, "energy_eV": 4 * e} for part, e in enumerate(energies, 2)]
    volumes = [100.0 * part / 4 for part in range(2, 7)]
    references = [
        reference("a", "volume_A3", 100.0),
        reference("a", "bulk_modulus_GPa", 10.0, volumes_A3=volumes, energies_eV=energies),
    ]
    task = row("bulk-modulus", "a", n_atoms=8, input_volume_A3=400.0, bulk_modulus_GPa=10.0, fit_ok=True)
    page = as_html(
        score([task], References(references)), Sources(result=lambda task_id: {"result": {"points": points}})
    )
    [plot] = [each for each in re.findall(r"<svg .*?</svg>", page, re.S) if "Energy over volume" in each]
    places: dict[str, list[tuple[str, str]]] = {"mark s1": [], "reference": []}
    for circle in ElementTree.fromstring(plot).iter("circle"):
        places[circle.get("class", "")].append((circle.get("cx", ""), circle.get("cy", "")))
    assert len(places["reference"]) == 5 and places["reference"] == places["mark s1"]


def test_quick_never_stands_beside_a_reference_without_the_words(page: str, scores: Scores) -> None:
    words = "not to be compared with published numbers"
    sections = re.split(r'<section id="|<section class="structure" id="', page)
    for section in sections[1:]:
        name, _, inside = section.partition('"')
        if name in ("optimization", "bulk-modulus", "heat-capacity", "stability", "summary") or "structure-" in name:
            assert words in inside, name
    assert "are not to be compared with published ones" in page
    assert "quick" in text.as_text(scores)


def test_the_page_is_for_light_dark_and_paper(page: str) -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in page and "@media print" in page
    dark = page.split("prefers-color-scheme: dark")[1].split("}")[0]
    light = page.split(":root")[1].split("}")[0]
    assert set(re.findall(r"--[\w-]+(?=:)", dark)) == set(re.findall(r"--[\w-]+(?=:)", light))


@pytest.mark.parametrize("address", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", None], ids=str)
def test_an_address_that_is_no_page_is_no_link(address: str | None) -> None:
    assert link("log", address) == "<span>log</span>"


def test_what_is_escaped_is_escaped_once() -> None:
    assert element("b", element("i", "a<b"), "&", class_='"') == '<b class="&quot;"><i>a&lt;b</i>&amp;</b>'


def test_an_independent_computation_from_the_export_finds_the_same(scores: Scores) -> None:
    document = json.loads(exports.as_json(scores))
    assert Scores.model_validate(document) == scores
    values = {r["structure"]: r["value"] for r in document["references"] if r["quantity"] == "bulk_modulus_GPa"}
    found = 0
    for kept in document["scores"]:
        if (kept["task_type"], kept["metric"]) != ("bulk-modulus", "mae"):
            continue
        tasks = {o["task_id"] for o in document["outcomes"] if o["column"] == kept["column"]}
        rows = [r for r in document["rows"] if r["task_id"] in tasks and r["task_type"] == "bulk-modulus"]
        rows.sort(key=lambda r: r["structure"])
        errors = [abs(r["bulk_modulus_GPa"] - values[r["structure"]]) for r in rows]
        assert kept["value"] == math.fsum(errors) / 3
        chance = random.Random(7)
        means = sorted(math.fsum(chance.choices(errors, k=3)) / 3 for _ in range(200))
        assert kept["low"] == pytest.approx(means[4] + (means[5] - means[4]) * (0.025 * 199 - 4), rel=1e-12)
        found += 1
    assert found == 3


def test_tables_for_programs_have_a_line_for_each_score_and_task(scores: Scores) -> None:
    lines = list(csv.DictReader(io.StringIO(exports.scores_csv(scores))))
    assert len(lines) == len(scores.scores)
    [line] = [
        each
        for each in lines
        if (each["model"], each["preset"], each["task_type"], each["metric"])
        == ("B", "mofsimbench", "optimization", "mape")
    ]
    assert (float(line["value"]), line["n"], line["unit"], line["d3"]) == (pytest.approx(5.0), "3", "%", "true")
    tasks = list(csv.DictReader(io.StringIO(exports.outcomes_csv(scores))))
    assert len(tasks) == len(scores.outcomes)
    two = next(each for each in tasks if each["structure"] == "two" and each["task_type"] == "optimization")
    assert (two["cells"], two["reference"]) == ("the cell has 4 of the reference's", "500.0")


def test_a_spreadsheet_runs_nothing_of_a_table(row: MakeRow) -> None:
    made = score([row("stability", "=cmd()", stable=True, volume_drift_percent=1.0)], References())
    [line] = csv.DictReader(io.StringIO(exports.outcomes_csv(made)))
    assert line["structure"] == "'=cmd()"


def test_a_terminal_gets_the_same_tables(scores: Scores, capsys: pytest.CaptureFixture[str]) -> None:
    cli_scores.say(Output(), scores, compare(scores, scores))
    said = capsys.readouterr()
    lines = said.out.splitlines()
    start = lines.index("Bulk modulus · B · mofsimbench · float32 · D3")
    assert lines[start + 1].split()[:2] == ["SCORE", "VALUE"]
    assert re.split(r"  +", lines[start + 2])[:2] == ["Mean absolute error of the bulk modulus", "1.00 GPa"]
    assert any("SimulationExploded" in line and "two" in line for line in lines)
    assert "no score changed" in said.err and "Preset quick" in said.err


def test_an_unfinished_benchmark_has_a_report_too(row: MakeRow) -> None:
    empty = score([], References())
    outline(as_html(empty))
    running = score([row("bulk-modulus", "one", status="QUEUED"), row("single-point", "one")], References())
    page = as_html(running)
    outline(page)
    assert "1 of 1 tasks have not ended" in page and "no score" in page
    assert "not ended" in text.as_text(running)


def later(row: MakeRow, reference: MakeReference, **changes: Any) -> RunComparison:
    """The same three tasks twice, the second time with `changes` of the first of them."""
    references = References([reference("a", "bulk_modulus_GPa", 10.0), reference("b", "bulk_modulus_GPa", 20.0)])

    def run(title: str, **first: Any) -> Scores:
        rows = [
            row("bulk-modulus", "a", **({"bulk_modulus_GPa": 11.0, "fit_ok": True} | first)),
            row("bulk-modulus", "b", bulk_modulus_GPa=21.0, fit_ok=True),
            row("stability", "a", stable=True, volume_drift_percent=1.0),
        ]
        return score(rows, references, title=title)

    return compare(run("old"), run("new", **changes))


def test_two_runs_that_are_the_same_differ_in_nothing(row: MakeRow, reference: MakeReference) -> None:
    found = later(row, reference)
    assert (found.n_compared, found.settings, found.results, found.scores) == (3, [], [], [])
    assert (found.only_before, found.only_after) == ([], [])


def test_what_differs_between_two_runs_is_named(row: MakeRow, reference: MakeReference) -> None:
    found = later(row, reference, bulk_modulus_GPa=13.0, mofsim="0.2", dtype="float64")
    assert {(each.name, each.before, each.after) for each in found.settings} == {
        ("mofsim", "0.1", "0.2"),
        ("dtype", "float32", "float64"),
    }
    [change] = found.results
    assert (change.structure, change.name, change.before, change.after) == ("a", "bulk_modulus_GPa", 11.0, 13.0)


def test_a_failure_in_only_one_of_two_runs_is_named(row: MakeRow, reference: MakeReference) -> None:
    error = {"status": "FAILED", "error_type": "SimulationExploded", "bulk_modulus_GPa": None, "fit_ok": None}
    found = later(row, reference, **error)
    [change] = found.results
    assert (change.name, change.before, change.after) == ("verdict", "answered", "SimulationExploded")
    usable = next(each for each in found.scores if each.name == "The fit can be trusted, %")
    assert (usable.before, usable.after) == (100.0, 50.0)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        *((None, "eV", "–"), (float("nan"), "", "–"), (-0.0004, "eV", "0.000"), (-1.26, "GPa", "−1.26")),
        *((1234.6, "atoms·steps/s", "1235"), (0.01234, "atoms·steps/s", "0.01234"), (0.0, "x", "0.0000")),
    ],
    ids=str,
)
def test_numbers_have_the_digits_of_their_unit(value: float | None, unit: str, said: str) -> None:
    assert number(value, unit) == said


@pytest.mark.parametrize("seed", range(10))
def test_ticks_are_round_within_the_range_and_told_apart(seed: int) -> None:
    chance = random.Random(seed)
    low = chance.uniform(-100, 100)
    high = low + 10.0 ** chance.uniform(-4, 5)
    values = ticks(low, high)
    assert 2 <= len(values) <= 8 and low - 1e-9 <= values[0] and values[-1] <= high * (1 + 1e-9) + 1e-9
    assert len(set(tick_labels(values))) == len(values)
    for value, label in zip(values, tick_labels(values), strict=True):
        assert float(label.replace("−", "-")) == pytest.approx(value, abs=1e-7 * (high - low) + 1e-12)


def test_what_is_not_covered_is_named_and_is_no_failure(row: MakeRow) -> None:
    rows = [
        row("optimization", name, model=m, final_volume_A3=1.0)
        for m, name in (("A", "one"), ("A", "two"), ("B", "one"))
    ]
    lacking = NotCovered(model="B", structure="two", task_type=TaskType.OPTIMIZATION, reason="B knows no Cu")
    scores = score(rows, References(), not_covered=[lacking])
    [note] = [note for note in scores.notes if "cover" in note]
    assert note.startswith("B does not cover two: 1 task is not computed and not counted")
    assert {each.failures for each in scores.scores} == {0}
    assert {(s.column, s.n) for s in scores.scores if s.metric == "converged"} == {("c1", 2), ("c2", 1)}
    page = as_html(scores)
    outline(page)
    section = page[page.index("<h3>two ") :]
    assert "B knows no Cu" in section and "not covered" in text.as_text(scores)
    assert json.loads(exports.as_json(scores))["not_covered"][0]["structure"] == "two"
