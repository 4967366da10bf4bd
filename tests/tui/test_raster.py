from mofsim.tui import raster


def test_a_spike_in_a_long_run_still_shows() -> None:
    values = [1.0] * 10_000
    values[5_000] = 9.0
    columns = raster.buckets([float(i) for i in range(10_000)], values, 9_999, 80)
    assert [pair[1] for pair in columns if pair and pair[1] > 1] == [9.0]


def test_a_constant_curve_is_a_line_in_the_middle() -> None:
    axis = raster.axis_for([3.0, 3.0])
    assert axis is not None
    rows = raster.curve([(3.0, 3.0)] * 8, axis, 4, 3)
    assert rows[1].strip() and not rows[0].strip() and not rows[2].strip()


def test_neighbours_are_joined_by_vertical_strokes() -> None:
    axis = raster.Axis(0.0, 1.0)
    rows = raster.curve([(0.0, 0.0), (1.0, 1.0)], axis, 1, 3)
    assert all(row.strip() for row in rows)


def test_a_gap_is_bridged_by_a_straight_line() -> None:
    axis = raster.Axis(0.0, 1.0)
    columns: list[tuple[float, float] | None] = [(0.0, 0.0), *[None] * 6, (1.0, 1.0)]
    cells = raster.ascii_curve(columns, axis, 8, 8)
    assert [row.count("*") for row in cells] == [1] * 8


def test_no_more_than_the_given_room_is_used() -> None:
    axis = raster.axis_for([1e-3, 1e3], log=True)
    assert axis is not None
    rows = raster.curve([(1e-3, 1e3)] * 40, axis, 20, 6)
    assert (len(rows), {len(row) for row in rows}) == (6, {20})


def test_a_log_axis_leaves_out_what_has_no_logarithm() -> None:
    axis = raster.axis_for([0.0, -1.0, 0.1, 10.0], log=True)
    assert axis is not None and 0 < axis.low < 0.1 < 10 < axis.high


def test_log_ticks_are_powers_of_ten() -> None:
    assert raster.Axis(0.005, 30.0, log=True).ticks(12) == [0.01, 0.1, 1.0, 10.0]


def test_linear_ticks_are_round_numbers() -> None:
    assert raster.Axis(-1234.9, -1228.1).ticks(8) == [-1234.0, -1232.0, -1230.0]


def test_there_is_no_axis_where_there_is_no_value() -> None:
    assert raster.axis_for([None, float("nan")]) is None
    assert raster.axis_for([None], also=0.02) is not None
