"""The order of loads on several workers: what overlaps is loaded one after another, the rest at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from forecast.run.cluster.order import LoadOrder

DAYS = st.frozensets(st.tuples(st.sampled_from("AB"), st.integers(0, 3)), max_size=3)
MONDAY, TUESDAY = ("A", 0), ("A", 1)


def test_objects_without_a_station_day_in_common_are_loaded_at_once() -> None:
    order = LoadOrder()
    order.staged(0, {MONDAY})
    order.staged(1, {TUESDAY})

    assert order.begin() == [0, 1]
    assert order.begin() == []


def test_an_object_waits_for_an_earlier_one_with_the_same_station_day() -> None:
    order = LoadOrder()
    order.staged(0, {MONDAY})
    order.staged(1, {MONDAY, TUESDAY})
    order.staged(2, {TUESDAY})

    assert order.begin() == [0]
    order.done(0)
    assert order.begin() == [1]
    order.done(1)
    assert order.begin() == [2]


def test_nothing_is_loaded_behind_an_object_that_is_not_staged_yet() -> None:
    order = LoadOrder()
    order.staged(1, {TUESDAY})

    assert order.begin() == []
    order.done(0)  # it was left out
    assert order.begin() == [1]


@given(st.lists(DAYS, max_size=6), st.randoms(use_true_random=False))
def test_every_object_is_loaded_once_and_after_those_before_it_that_overlap(
    objects: list[frozenset[tuple[str, int]]], chance: object
) -> None:
    order, done, at_work, begun = LoadOrder(), set[int](), set[int](), list[int]()
    unstaged = list(range(len(objects)))
    while len(done) < len(objects):
        # Objects become staged and loaded in any order.
        choices = [*(("stage", number) for number in unstaged), *(("end", number) for number in sorted(at_work))]
        event, number = chance.choice(choices)  # type: ignore[attr-defined]
        if event == "stage":
            unstaged.remove(number)
            order.staged(number, objects[number])
        else:
            at_work.remove(number)
            done.add(number)
            order.done(number)
        for ready in order.begin():
            earlier = {before for before in range(ready) if objects[before] & objects[ready]}
            assert earlier <= done
            at_work.add(ready)
            begun.append(ready)

    assert sorted(begun) == list(range(len(objects)))
    assert order.first == len(objects)
