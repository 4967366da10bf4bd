import random

from mofsim.tui.eta import MIN_POINTS, forecast, seconds_per_step
from mofsim.tui.trail import Trail


def falling(steps: int, halving: float, noise: float = 0.0) -> tuple[list[float], list[float], list[float]]:
    rng = random.Random(7)
    fmax = [2.0 * 2 ** (-i / halving) * (1 + noise * (rng.random() - 0.5)) for i in range(steps)]
    return [float(i) for i in range(steps)], fmax, [2.0 * i for i in range(steps)]


def test_the_goal_is_where_the_line_through_the_force_meets_it() -> None:
    found = forecast(*falling(100, halving=31), goal=2.0 / 2**5)
    assert found is not None
    assert abs(found.halving_steps - 31) < 0.1
    assert found.goal_step == 155
    assert found.seconds is not None and abs(found.seconds - 2.0 * (155 - 99)) < 1


def test_noise_widens_the_range_around_the_estimate() -> None:
    found = forecast(*falling(100, halving=31, noise=0.8), goal=0.01)
    assert found is not None and found.seconds is not None
    assert found.seconds_low is not None and found.seconds_high is not None
    assert found.seconds_low < found.seconds < found.seconds_high


def test_few_points_give_no_forecast() -> None:
    assert forecast(*falling(MIN_POINTS - 1, halving=10), goal=0.01) is None


def test_a_force_that_does_not_fall_gives_no_forecast() -> None:
    rng = random.Random(3)
    steps = [float(i) for i in range(60)]
    assert forecast(steps, [1 + rng.random() for _ in steps], steps, goal=0.01) is None


def test_steps_without_a_value_are_left_out() -> None:
    steps, fmax, times = falling(50, halving=10)
    holes = [None if i % 3 == 0 else f for i, f in enumerate(fmax)]
    found = forecast(steps, holes, times, goal=0.01)
    assert found is not None and abs(found.halving_steps - 10) < 0.1


def test_the_time_of_a_step_is_that_of_the_newest_ones() -> None:
    times = [10.0 * i for i in range(30)] + [290.0 + i for i in range(1, 31)]
    assert seconds_per_step([float(i) for i in range(60)], times) == 1.0


def test_a_trail_begins_anew_with_a_later_attempt() -> None:
    trail = Trail()
    for step in range(40):
        trail.add(step, 2.0 ** (-step / 5), step)
    assert trail.forecast(0.001) is not None
    trail.add(0, 1.0, 100)
    assert trail.forecast(0.001) is None
