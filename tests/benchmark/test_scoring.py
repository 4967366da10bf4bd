"""Scores of invented rows, worked out by hand."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from mofsim.benchmark import formulas
from mofsim.benchmark.references import References
from mofsim.benchmark.report import task_tables
from mofsim.benchmark.sampling import Sampling, mean, percentile, ranks
from mofsim.benchmark.scoring import score
from mofsim.schemas.batches import BatchRow
from mofsim.schemas.scores import Reference, Score, Scores
from mofsim.simulations import coordination
from mofsim.vocabulary import TaskType, Verdict

MakeRow = Callable[..., BatchRow]
MakeReference = Callable[..., Reference]

FEW = Sampling(resamples=50)
NOTHING_TOLD = dict.fromkeys(["model_sha256", "dtype", "d3", "d3_settings", "device", "mofsim", "threads", "hostname"])


def one(scores: Scores, task_type: str, metric: str, **where: Any) -> Score:
    [found] = [
        each
        for each in scores.scores
        if (each.task_type, each.metric) == (task_type, metric)
        and all(getattr(each, name) == value for name, value in where.items())
    ]
    return found


def of(scores: Scores, structure: str) -> Any:
    [found] = [each for each in scores.outcomes if each.structure == structure]
    return found


@pytest.fixture
def optimizations(row: MakeRow, reference: MakeReference) -> Scores:
    """Six structures with a volume of 100 Å³ in DFT: near, near but not converged, far, exploded, lost, and running."""
    type_ = "optimization"
    rows = [
        row(type_, "near", final_volume_A3=102.0, input_volume_A3=104.0, rmsd_A=0.3, rmsd_3n_A=0.1),
        row(type_, "unconverged", final_volume_A3=97.0, input_volume_A3=105.0, converged=False, rmsd_A=0.1),
        row(type_, "far", final_volume_A3=115.0, input_volume_A3=112.0, rmsd_A=0.2),
        row(type_, "exploded", status="FAILED", error_type="SimulationExploded", input_volume_A3=101.0),
        row(
            type_, "lost", status="FAILED", error_type="AttemptsExhausted", error_message="3 were lost", **NOTHING_TOLD
        ),
        row(type_, "running", status="RUNNING", **NOTHING_TOLD),
        row(type_, "unknown", final_volume_A3=50.0, rmsd_A=0.4),
    ]
    known = ("near", "unconverged", "far", "exploded", "lost", "running")
    return score(rows, References([reference(name, "volume_A3", 100.0) for name in known]), sampling=FEW)


def test_a_failure_and_a_relaxation_that_did_not_converge_count_against_the_model(optimizations: Scores) -> None:
    within = one(optimizations, "optimization", "within_10_percent")
    assert (within.value, within.n) == (50.0, 4)
    assert (within.failures, within.unconverged, within.not_counted, within.pending) == (1, 1, 1, 1)
    assert within.without_reference == 1
    # Of 104, 105, 112 and 101 Å³ three were within 10 % before any model was asked.
    assert (within.baseline, within.baseline_n) == (75.0, 4)
    assert one(optimizations, "optimization", "success").value == 25.0
    # near, far and unknown of those that ended by themselves
    converged = one(optimizations, "optimization", "converged")
    assert (converged.value, converged.n) == (60.0, 5)


def test_errors_are_those_of_the_answers(optimizations: Scores) -> None:
    mape = one(optimizations, "optimization", "mape")
    assert (mape.value, mape.n) == (pytest.approx((2 + 3 + 15) / 3), 3)
    assert mape.baseline == pytest.approx((4 + 5 + 12) / 3)
    assert one(optimizations, "optimization", "bias").value == pytest.approx((2 - 3 + 15) / 3)
    assert one(optimizations, "optimization", "rmsd").value == pytest.approx(0.25)
    assert one(optimizations, "optimization", "rmsd_3n").n == 1


def test_whose_failure_it_was_is_said_in_words(optimizations: Scores) -> None:
    assert of(optimizations, "exploded").verdict is Verdict.FAILED
    lost = of(optimizations, "lost")
    assert (lost.verdict, lost.reason) == (Verdict.NOT_COUNTED, "AttemptsExhausted: 3 were lost")
    assert of(optimizations, "unknown").reference_missing == "no reference value"
    assert "1 of 7 tasks have not ended" in " ".join(optimizations.notes)


def test_a_task_that_could_not_tell_its_weights_is_in_the_column_of_its_model(optimizations: Scores) -> None:
    [column] = optimizations.columns
    assert (column.label, column.n_tasks) == ("A · mofsimbench · float32 · D3", 7)


def test_a_bulk_modulus_that_can_not_be_trusted_is_excluded_and_named(row: MakeRow, reference: MakeReference) -> None:
    rows = [
        row("bulk-modulus", "a", bulk_modulus_GPa=12.0, fit_ok=True),
        row("bulk-modulus", "b", bulk_modulus_GPa=18.0, fit_ok=True),
        row("bulk-modulus", "c", bulk_modulus_GPa=99.0, fit_ok=False,
            equilibrium_volume_A3=103.0, relaxed_volume_A3=100.0),
        row("bulk-modulus", "d", status="TIMEOUT", error_type="TimeLimit"),
    ]  # fmt: skip
    values = {"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0}
    scores = score(rows, References([reference(name, "bulk_modulus_GPa", value) for name, value in values.items()]))
    mae = one(scores, "bulk-modulus", "mae")
    assert (mae.value, mae.n, mae.failures, mae.excluded) == (2.0, 2, 1, 1)
    # The median of the others is 30 for both.
    assert (mae.baseline, mae.baseline_n) == (15.0, 2)
    assert one(scores, "bulk-modulus", "mape").value == pytest.approx((20 + 10) / 2)
    assert one(scores, "bulk-modulus", "usable").value == 50.0
    assert "+3.0 % from the relaxed volume" in of(scores, "c").excluded
    assert of(scores, "c").value == 99.0
    said = [[cell.text for cell in line][:2] for line in task_tables.remarks(scores).rows]
    assert said == [["failed", "d"], ["excluded", "c"]]


def test_heat_capacities_and_energies_are_compared_by_structure_and_guest(
    row: MakeRow, reference: MakeReference
) -> None:
    energy = "interaction-energy"
    rows = [
        row("heat-capacity", "a", heat_capacity_J_per_gK=0.8, imaginary_modes=2),
        row("heat-capacity", "b", heat_capacity_J_per_gK=0.9, imaginary_modes=0),
        row(energy, "a", parameters={"guest": "CO2"}, interaction_energy_eV=-0.3),
        row(energy, "a", parameters={"guest": "H2O"}, interaction_energy_eV=-0.9),
        row(energy, "a", parameters={"guest": "N2"}, interaction_energy_eV=-0.1),
        row(energy, "b", parameters={"guest_indices": [0, 1]}, interaction_energy_eV=-0.2),
    ]
    references = References(
        [
            reference("a", "heat_capacity_J_per_gK", 1.0),
            reference("b", "heat_capacity_J_per_gK", 1.0),
            reference("a", "interaction_energy_eV", -0.4, guest="CO2"),
            reference("a", "interaction_energy_eV", -0.5, guest="H2O"),
            reference("b", "interaction_energy_eV", -0.2),
        ]
    )
    scores = score(rows, references)
    assert one(scores, "heat-capacity", "mae").value == pytest.approx(0.15)
    assert one(scores, "heat-capacity", "minimum").value == 50.0
    energies = one(scores, energy, "mae")
    assert (energies.value, energies.n, energies.without_reference) == (pytest.approx(0.5 / 3), 3, 1)
    # Whoever says that nothing is bound is off by the whole energy.
    assert energies.baseline == pytest.approx(1.1 / 3)
    assert one(scores, energy, "bias").value == pytest.approx(-0.1)


def test_stability_counts_structures_and_metals(row: MakeRow) -> None:
    rows = [
        row("stability", "a", stable=True, volume_drift_percent=-2.0, metals=4, metals_with_changed_coordination=0),
        row("stability", "b", stable=False, volume_drift_percent=14.0, metals=4, metals_with_changed_coordination=1),
        row("stability", "c", status="FAILED", error_type="RuntimeError"),
        row("stability", "no metal", formula="C6H6", stable=True, volume_drift_percent=1.0, metals=0,
            metals_with_changed_coordination=0),
    ]  # fmt: skip
    scores = score(rows, References())
    assert one(scores, "stability", "stable").value == 50.0
    assert one(scores, "stability", "drift").value == pytest.approx(17 / 3)
    kept = one(scores, "stability", "coordination_kept")
    assert (kept.value, kept.n, kept.baseline) == (pytest.approx(100 / 3), 3, 100.0)
    assert one(scores, "stability", "metals_kept").value == pytest.approx((100 + 75 + 0) / 3)


def test_speeds_of_two_devices_are_two_scores(row: MakeRow) -> None:
    many = {"n_atoms": 100, "final_volume_A3": 1.0}
    rows = [
        row("optimization", "a", seconds_per_step=0.5, **many),
        row("optimization", "b", seconds_per_step=0.25, **many),
        row("optimization", "c", seconds_per_step=1.0, **many),
        row("optimization", "d", seconds_per_step=50.0, device="cpu", **many),
    ]
    scores = score(rows, References())
    assert one(scores, "optimization", "speed", device="NVIDIA H100").value == 200.0
    assert one(scores, "optimization", "speed", device="cpu of box, 2 threads").value == 2.0
    assert any("speeds are given for each alone" in note for note in scores.notes)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"preset": "quick"}, "quick"),
        ({"dtype": "float64"}, "float64"),
        ({"d3": False, "d3_settings": None}, "no D3"),
        ({"d3_settings": {"damping": "zero"}}, "zero"),
        ({"model_sha256": "ee" * 32}, "weights eeeeeeee"),
        ({"parameters": {"fmax": 0.02}}, "optimization.fmax_eV_per_A=0.02"),
    ],
    ids=["preset", "dtype", "d3", "settings", "weights", "parameter"],
)
def test_what_was_computed_otherwise_is_a_column_of_its_own(row: MakeRow, other: dict[str, Any], says: str) -> None:
    scores = score([row("optimization", "a", final_volume_A3=1.0),
                    row("optimization", "a", final_volume_A3=2.0, **other)], References())  # fmt: skip
    assert len(scores.columns) == 2 and len({column.label for column in scores.columns}) == 2
    assert [says in column.label for column in scores.columns].count(True) == 1
    assert {each.value for each in scores.outcomes} == {1.0, 2.0}


def test_what_was_changed_for_all_tasks_of_a_type_makes_no_column(row: MakeRow) -> None:
    quicker, longer = {"parameters": {"fmax": 0.02}}, {"parameters": {"points": 21}}
    rows = [row("optimization", "a", **quicker), row("optimization", "b", **quicker), row("stability", "a")]
    [column] = score([*rows, row("bulk-modulus", "a", **longer)], References()).columns
    assert column.changed == {"optimization.fmax_eV_per_A": 0.02, "bulk-modulus.points": 21}
    assert not column.is_published_protocol
    main, other = score([*rows, row("optimization", "c")], References()).columns
    assert (main.n_tasks, main.changed) == (2, {})
    assert (other.n_tasks, other.changed) == (2, {"optimization.fmax_eV_per_A": 0.02})


def test_guests_and_seeds_make_no_column(row: MakeRow) -> None:
    scores = score([row("interaction-energy", "a", parameters={"guest": "CO2"}),
                    row("interaction-energy", "a", parameters={"guest": "H2O", "seed": 7})], References())  # fmt: skip
    assert len(scores.columns) == 1 and scores.columns[0].is_published_protocol


def test_of_the_same_task_twice_the_newest_counts_and_the_other_is_named(row: MakeRow) -> None:
    first = row("stability", "a", stable=False, volume_drift_percent=20.0)
    second = row("stability", "a", stable=True, volume_drift_percent=1.0)
    scores = score([second, first], References())
    assert one(scores, "stability", "stable").value == 100.0
    assert f"tasks {first.task_id}." in " ".join(scores.notes)


def test_two_cells_of_a_structure_are_two_structures_with_the_same_reference(
    row: MakeRow, reference: MakeReference
) -> None:
    rows = [
        row("optimization", "MOF-5", n_atoms=106, input_volume_A3=4310.0, final_volume_A3=4400.0),
        row("optimization", "MOF-5", n_atoms=424, input_volume_A3=17240.0, final_volume_A3=17760.0),
    ]
    scores = score(rows, References([reference("mof-5_primitive", "volume_A3", 4440.0)]))
    primitive, conventional = of(scores, "MOF-5 (106 atoms)"), of(scores, "MOF-5 (424 atoms)")
    assert (primitive.value, conventional.value) == (4400.0, 4440.0)
    assert conventional.cells == "the cell has 4 of the reference's"


def test_the_relaxed_cell_of_another_task_is_no_baseline(row: MakeRow, reference: MakeReference) -> None:
    made = row("optimization", "a relaxed by 7", input_volume_A3=99.0, final_volume_A3=99.0)
    scores = score([made], References([reference("a", "volume_A3", 100.0)]))
    assert of(scores, "a").error == -1.0
    assert one(scores, "optimization", "within_10_percent").baseline is None


def test_ranks_are_over_the_structures_that_all_were_tried_on(row: MakeRow, reference: MakeReference) -> None:
    def modulus(model: str, structure: str, value: float | None, **rest: Any) -> BatchRow:
        end = {"bulk_modulus_GPa": value, "fit_ok": True} if value else {"status": "FAILED", "error_type": "X"}
        return row("bulk-modulus", structure, model=model, **end, **rest)

    rows = [
        *(modulus("A", "a", 11.0), modulus("A", "b", 11.0), modulus("A", "c", None)),
        *(modulus("B", "a", 12.0), modulus("B", "b", 10.5), modulus("B", "c", 50.0), modulus("B", "only B", 10.0)),
        *(modulus("C", "a", 13.0), modulus("C", "b", 9.0), modulus("C", "c", 10.0)),
        modulus("Q", "a", 10.0, preset="quick"),
    ]
    names = ("a", "b", "c", "only B")
    scores = score(rows, References([reference(name, "bulk_modulus_GPa", 10.0) for name in names]))
    [ranking] = [each for each in scores.rankings if each.task_type is TaskType.BULK_MODULUS and not each.device]
    labels = {column.id: column.model for column in scores.columns}
    assert ranking.n_structures == 3 and ranking.preset == "mofsimbench"
    # a: A B C = 1 2 3; b: 2.5 1 2.5; c: 3 2 1
    assert {labels[p.column]: (p.rank, round(p.mean_rank, 4)) for p in ranking.places} == {
        "B": (1.0, round(5 / 3, 4)),
        "A": (2.5, round(6.5 / 3, 4)),
        "C": (2.5, round(6.5 / 3, 4)),
    }


def test_errors_are_told_by_metal(row: MakeRow, reference: MakeReference) -> None:
    rows = [
        row("bulk-modulus", "a", formula="C2O2Zn", bulk_modulus_GPa=12.0, fit_ok=True),
        row("bulk-modulus", "b", formula="C2CuO2Zn", bulk_modulus_GPa=16.0, fit_ok=True),
        row("bulk-modulus", "c", formula="O2Si", bulk_modulus_GPa=11.0, fit_ok=True),
    ]
    scores = score(rows, References([reference(name, "bulk_modulus_GPa", 10.0) for name in "abc"]))
    assert {each.metal: (each.mean_absolute_error, each.n) for each in scores.by_metal} == {
        "Zn": (4.0, 2),
        "Cu": (6.0, 1),
        "no metal": (1.0, 1),
    }


def test_metals_are_those_of_the_simulations() -> None:
    assert formulas.NONMETALS == coordination.NONMETALS
    assert formulas.metals("C48H24CoCu2N4") == ["Co", "Cu"]


def test_quick_is_never_shown_without_the_words_that_say_so(row: MakeRow) -> None:
    scores = score([row("optimization", "a", preset="quick", final_volume_A3=1.0)], References())
    assert not scores.columns[0].is_published_protocol
    assert "are not to be compared with published ones" in scores.notes[0]


@pytest.mark.parametrize(("preset", "is_said"), [("quick", True), ("mofsimbench", False)])
def test_what_limits_the_moduli_of_quick_is_said(row: MakeRow, preset: str, is_said: bool) -> None:
    notes = score([row("bulk-modulus", "a", preset=preset, bulk_modulus_GPa=1.0)], References()).notes
    assert any("What limits bulk moduli of preset quick" in note for note in notes) is is_said


def some_numbers(seed: int) -> list[float]:
    """With repetitions, and of very different sizes."""
    chance = random.Random(seed)
    scale = 10.0 ** chance.randint(-6, 6)
    return [round(chance.uniform(-scale, scale), 6) for _ in range(chance.randint(2, 20))] + [0.0] * chance.randint(
        0, 3
    )


@pytest.mark.parametrize("seed", range(20))
def test_an_interval_lies_within_the_numbers_and_is_the_same_again(seed: int) -> None:
    numbers = some_numbers(seed)
    low, high = FEW.interval(numbers, mean) or (1.0, 0.0)
    slack = 1e-9 * max(map(abs, numbers))
    assert min(numbers) - slack <= low <= high <= max(numbers) + slack
    assert FEW.interval(numbers, mean) == (low, high)


@pytest.mark.parametrize("seed", range(20))
def test_ranks_add_up_and_follow_the_numbers(seed: int) -> None:
    numbers = some_numbers(seed)
    found = ranks(numbers)
    assert sum(found) == len(numbers) * (len(numbers) + 1) / 2
    assert [rank for _, rank in sorted(zip(numbers, found, strict=True))] == sorted(found)


def test_one_number_has_no_interval_and_percentiles_are_linear() -> None:
    assert FEW.interval([1.0], mean) is None
    assert [percentile([1.0, 2.0, 4.0], part) for part in (0.0, 0.25, 0.5, 0.75, 1.0)] == [1.0, 1.5, 2.0, 3.0, 4.0]
