"""The size of the next page."""

from __future__ import annotations

from dsync.ds.sizes import PageSize


def test_timeouts_halve_down_to_one() -> None:
    """Each time-out asks for half, and at least for one dossier."""
    size = PageSize(100, 100)
    seen = []
    for _ in range(8):
        size.timed_out()
        seen.append(size.current)
    assert seen == [50, 25, 12, 6, 3, 1, 1, 1]


def test_successes_grow_it_back_to_the_most() -> None:
    """Three pages in a row double the size, never past the most."""
    size = PageSize(30, 100)
    seen = []
    for _ in range(7):
        size.succeeded(size.current)
        seen.append(size.current)
    assert seen == [30, 30, 60, 60, 60, 100, 100]


def test_a_time_out_starts_the_count_anew() -> None:
    """Successes before a time-out do not count for growing."""
    size = PageSize(40, 100)
    size.succeeded(40)
    size.succeeded(40)
    size.timed_out()
    size.succeeded(20)
    assert size.current == 20


def test_a_known_place_is_gone_to_at_once() -> None:
    """Where DS names the broken node, the dossiers before it come first, then it alone."""
    size = PageSize(100, 100)
    size.broken(37)
    assert size.current == 37
    size.succeeded(37)
    size.broken(0)
    assert size.current == 1
    size.passed()
    assert size.current == 100


def test_an_unknown_place_is_searched_by_halves() -> None:
    """A page that fails whole is halved until the broken dossier stands alone."""
    size = PageSize(8, 8)
    size.broken(None)
    assert size.current == 4
    size.succeeded(4)
    assert size.current == 2
    size.broken(None)
    assert size.current == 1
    assert size.usual == 8


def test_a_passed_dossier_gives_the_old_size_back() -> None:
    """One slow dossier does not leave the crawl at pages of one."""
    size = PageSize(80, 100)
    for _ in range(7):
        size.timed_out()
    assert size.current == 1
    size.passed()
    assert size.current == 80


def test_a_span_that_came_whole_after_all_ends_the_search() -> None:
    """When the trouble has gone by itself, the usual size is back."""
    size = PageSize(10, 10)
    size.broken(5)
    size.succeeded(5)
    size.succeeded(5)
    assert size.current == 10
    size.broken(None)
    size.succeeded(0)
    assert size.current == 10


def test_a_time_out_while_searching_narrows_the_search() -> None:
    """A slow span of a broken page is asked for by smaller steps."""
    size = PageSize(16, 16)
    size.broken(None)
    size.timed_out()
    assert size.current == 4


def test_an_odd_size_is_made_sensible() -> None:
    """A remembered size of 0 or above the most does no harm."""
    assert PageSize(0, 100).current == 1
    assert PageSize(500, 100).current == 100
