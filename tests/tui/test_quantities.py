"""Results as lines of text."""

from mofsim.tui import form, grid, quantities

SITES = [
    {"site": 1, "interaction_energy_eV": -0.4567, "nearest_metal": "Mg"},
    {"site": 2, "interaction_energy_eV": -0.05, "nearest_metal": None},
]


def test_records_are_a_block_with_units_in_the_head() -> None:
    assert list(quantities.lines({"sites": SITES, "steps": 3, "relaxation": {"steps": 1}})) == [
        "steps  3",
        "sites",
        "  site  interaction energy (eV)  nearest metal",
        "     1                  -0.4567  Mg",
        "     2                    -0.05  –",
        "relaxation",
        "  steps  1",
    ]


def test_records_that_are_too_wide_stand_side_by_side_and_the_rest_below() -> None:
    records = [{"site": i, "energy_eV": -0.5 * i, "nearest_host": "H"} for i in range(1, 4)]
    assert grid.table(records, quantities.text, str, 30)[0] == "site  energy_eV  nearest_host"
    assert grid.table(records, quantities.text, str, 22) == [
        "site             1   2",
        "energy_eV     -0.5  -1",
        "nearest_host     H   H",
        "",
        "site             3",
        "energy_eV     -1.5",
        "nearest_host     H",
    ]


def test_what_a_record_lacks_is_empty() -> None:
    assert grid.table([{"a": 1}, {"a": 2, "b": "x"}], str, str, 80) == ["a  b", "1", "2  x"]


def test_many_numbers_are_told_by_their_ends_and_few_are_not() -> None:
    [line] = quantities.lines({"temperatures_K": [10.0 * i for i in range(101)]})
    assert line == "temperatures  0 10 … 1000 (101 values) K"
    [few] = quantities.lines({"cell": [1.0] * grid.LONG})
    assert few == f"cell  {' '.join('1' * grid.LONG)}"


def test_what_is_typed_into_a_form_is_never_shortened() -> None:
    assert form.typed(list(range(15))) == " ".join(map(str, range(15)))
