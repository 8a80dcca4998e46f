import pytest
import torch

from studio.kv_cache import CacheSettings, new_kv_cache

LAYERS, TOKENS, WIDTH = 2, 3, 4


def new(sink, window, **options):
    return new_kv_cache(CacheSettings(sink, window, **options), LAYERS, TOKENS, WIDTH)


def rows(*frames):
    """Keys whose every number is the frame's, so that what is stored tells whose it is."""
    return torch.tensor(frames, dtype=torch.float32).repeat_interleave(TOKENS)[:, None].expand(-1, WIDTH)


def forward(cache, frames, write):
    """One forward's traffic; the frames each layer had in view, slot by slot, and the view."""
    view, held = cache.begin(frames, write), []
    for layer in range(LAYERS):
        keys, values = cache.memory(layer, view)
        keys[cache.places(view)], values[cache.places(view)] = rows(*frames), -rows(*frames)
        assert torch.equal(keys, -values)
        held = keys[::TOKENS, 0].int().tolist()
        assert torch.equal(keys, rows(*held))
    return held, view


@pytest.mark.parametrize(("sink", "window"), [(0, 1), (0, 3), (1, 2), (3, 1), (2, 4)])
def test_after_any_number_of_frames_the_sink_and_the_last_frames_are_kept(sink, window):
    cache = new(sink, window)
    for frame in range(20):
        held, view = forward(cache, [frame], 1)
        kept = sorted({*range(min(sink, frame + 1)), *range(max(0, frame + 1 - window), frame + 1)})
        if frame + 1 < sink + window:
            kept = list(range(frame + 1))
        assert cache.frames == tuple(kept)
        assert sorted(held) == kept
        assert tuple(held) == view.frames
        assert [view.ranks[held.index(f)] for f in kept] == list(range(len(kept)))
        assert [held[slot] for slot in view.rows] == [frame]


def test_rows_that_are_not_written_are_in_view_and_leave_no_trace():
    cache = new(1, 2)
    for frame in range(5):
        forward(cache, [frame], 1)
    before = cache.snapshot()
    held, view = forward(cache, [5, 6, 7], 0)
    assert sorted(held) == [0, 3, 4, 5, 6, 7]
    assert [view.ranks[slot] for slot in view.rows] == [3, 4, 5]
    after = cache.snapshot()
    assert before.frames == after.frames
    assert torch.equal(before.keys, after.keys)
    assert torch.equal(before.values, after.values)


def test_a_clean_row_takes_the_oldest_frames_place_and_the_rest_follow_in_time():
    cache = new(1, 2)
    for frame in range(4):
        forward(cache, [frame], 1)
    held, view = forward(cache, [4, 5, 6], 1)
    assert sorted(held) == [0, 3, 4, 5, 6]
    assert [held[slot] for slot in view.rows] == [4, 5, 6]
    assert [view.ranks[slot] for slot in view.rows] == [2, 3, 4]
    assert cache.frames == (0, 3, 4)


def test_places_in_time_have_no_gaps_and_alternatives_share_one():
    cache = new(1, 1)
    for frame in (10, 400, 3000):
        forward(cache, [frame], 1)
    _, view = forward(cache, [9000, 9001, 9001], 0)
    assert [view.ranks[slot] for slot in view.rows] == [2, 3, 3]
    assert sorted(view.ranks[:2]) == [0, 1]


def test_memory_is_allocated_once_and_stays():
    cache = new(2, 3)
    forward(cache, [0, 1, 2, 3], 0)
    forward(cache, [0], 1)
    for frame in range(1, 9):
        forward(cache, range(frame, frame + 4), 1)
    place, size = cache._keys.data_ptr(), cache.bytes
    for frame in range(9, 300):
        forward(cache, range(frame, frame + 4), 1)
    assert (cache._keys.data_ptr(), cache.bytes) == (place, size)
    assert cache.bytes == 2 * LAYERS * (5 + 3) * TOKENS * WIDTH * 4


def test_a_snapshot_brings_back_every_bit_any_number_of_times():
    cache = new(1, 2)
    for frame in range(6):
        forward(cache, [frame], 1)
    held = cache.snapshot()
    for _ in range(2):
        for frame in range(6, 10):
            forward(cache, [frame], 1)
        cache.restore(held)
        again = cache.snapshot()
        assert cache.frames == (0, 4, 5)
        assert torch.equal(again.keys, held.keys)
        assert torch.equal(again.values, held.values)
    other = new(1, 2)
    other.restore(held)
    assert forward(other, [6, 7], 1)[0] == forward(cache, [6, 7], 1)[0]


def test_keep_forgets_all_but_the_first_frames_in_time():
    cache = new(2, 2)
    for frame in range(7):
        forward(cache, [frame], 1)
    cache.keep(2)
    assert cache.frames == (0, 1)
    assert sorted(forward(cache, [5, 6], 2)[0]) == [0, 1, 5, 6]
    cache.keep(9)
    assert len(cache) == 4
    cache.keep(3)
    assert sorted(forward(cache, [7], 0)[0]) == [0, 1, 5, 7]
    cache.clear()
    assert len(cache) == 0
    assert forward(cache, [0], 0)[0] == [0]


@pytest.mark.parametrize(
    ("sink", "window", "chunk"), [(3, 6, 3), (0, 6, 3), (1, 4, 2), (3, 3, 3), (1, 2, 1), (2, 4, 3)]
)
def test_a_cache_that_evicts_after_writing_shows_the_written_chunk_what_goes_for_it(sink, window, chunk):
    cache = new(sink, window, evicts="after")
    for start in range(0, 20 * chunk, chunk):
        kept = sorted({*range(min(sink, start)), *range(max(0, start - window), start)})
        kept = list(range(start)) if start <= sink + window else kept
        rows_of_chunk = [*range(start, start + chunk)]
        for write in (0, 0, chunk):
            assert cache.frames == tuple(kept)
            held, view = forward(cache, rows_of_chunk, write)
            assert sorted(held) == [*kept, *rows_of_chunk]
            assert [held[slot] for slot in view.rows] == rows_of_chunk
            assert [view.ranks[held.index(f)] for f in sorted(held)] == list(range(len(held)))
    assert cache.bytes == 2 * LAYERS * (sink + window + chunk) * TOKENS * WIDTH * 4


def test_more_frames_than_the_window_may_be_written_at_once_where_eviction_comes_after():
    cache = new(3, 6, evicts="after")
    forward(cache, range(3), 3)
    held, _ = forward(cache, range(3, 15), 12)
    assert sorted(held) == [*range(15)]
    assert cache.frames == (0, 1, 2, *range(9, 15))
    held, _ = forward(cache, [15, 16, 17], 0)
    assert sorted(held) == [0, 1, 2, *range(9, 18)]


def test_fewer_rows_than_free_slots_leave_no_hole_in_what_is_seen():
    cache = new(1, 4, evicts="after")
    for start in range(0, 9, 3):
        forward(cache, range(start, start + 3), 3)
    held, view = forward(cache, [9], 1)
    assert sorted(held) == [0, 5, 6, 7, 8, 9]
    assert [held[slot] for slot in view.rows] == [9]
    assert sorted(forward(cache, [10], 0)[0]) == [0, 6, 7, 8, 9, 10]


def test_absolute_places_are_frame_numbers():
    cache = new(1, 2, positions="absolute")
    for frame in (4, 5, 6, 7):
        held, view = forward(cache, [frame], 1)
    assert view.ranks == tuple(held)
    held, view = forward(cache, [8, 9, 9], 0)
    assert view.ranks == tuple(held)


def test_frames_that_are_forgotten_make_room_and_the_next_are_the_sink():
    cache = new(2, 2)
    for frame in range(6):
        forward(cache, [frame], 1)
    cache.forget([0, 1])
    assert cache.frames == (4, 5)
    for frame in range(6, 9):
        held, _ = forward(cache, [frame], 1)
        assert len(held) == len(set(held)) == len(cache)
    assert cache.frames == (4, 5, 7, 8)


def test_a_limited_cache_shows_the_sink_and_the_last_to_rows_and_the_last_alone_to_what_is_written():
    cache = new(3, 12, evicts="after", max_attention_frames=15)
    for start in range(0, 60, 3):
        kept = list(cache.frames)
        held, view = forward(cache, range(start, start + 9), 0)
        assert held == list(view.frames) if view.gathered else sorted(held)
        assert sorted(held) == [*kept[:3], *kept[3:][-3:], *range(start, start + 9)]
        assert [held[slot] for slot in view.rows] == [*range(start, start + 9)]
        assert [view.ranks[held.index(f)] for f in sorted(held)] == [*range(len(held))]
        assert list(cache.frames) == kept
        held, view = forward(cache, range(start, start + 3), 3)
        assert sorted(held) == [*kept[-12:], *range(start, start + 3)]
        assert [held[slot] for slot in view.rows] == [*range(start, start + 3)]
        assert [view.ranks[held.index(f)] for f in sorted(held)] == [*range(len(held))]
    assert cache.frames == (0, 1, 2, *range(48, 60))
    assert cache.bytes == 2 * (LAYERS * (3 + 12 + 3) + 15) * TOKENS * WIDTH * 4
    for frame in cache.frames:  # whatever was gathered, moved or hidden, each slot holds its own
        slot = cache.snapshot().frames.index(frame)
        assert cache.snapshot().keys[:, slot * TOKENS].unique().tolist() == [frame]


def test_a_limited_cache_goes_on_after_its_sink_was_forgotten_and_from_a_snapshot():
    cache, other = (new(3, 12, evicts="after", max_attention_frames=15) for _ in range(2))
    for start in range(0, 21, 3):
        forward(cache, range(start, start + 3), 3)
    cache.forget([0, 1, 2])
    other.restore(cache.snapshot())
    for start in range(21, 42, 3):
        for one in (cache, other):
            held, _ = forward(one, range(start, start + 9), 0)
            assert sorted(held)[:3] == [9, 10, 11]
            held, _ = forward(one, range(start, start + 3), 3)
            assert sorted(held) == [*range(max(9, start - 12), start + 3)]
    assert cache.frames == other.frames == (9, 10, 11, *range(30, 42))


def test_what_a_graph_depends_on_is_the_memory_and_how_much_of_it_is_seen():
    cache = new(3, 6, evicts="after")
    for start in range(0, 15, 3):
        forward(cache, range(start, start + 3), 3)
    keys = {(cache.graph_key, cache.begin(range(start, start + 3), 3).graph_key) for start in range(15, 30, 3)}
    assert len(keys) == 1
    cache.begin(range(30, 36), 0)
    with pytest.raises(ValueError, match="write all rows of a forward, or none"):
        cache.begin(range(30, 36), 3)
    assert cache.graph_key not in {key for key, _ in keys}


def test_what_cannot_be_is_said_with_what_can():
    with pytest.raises(ValueError, match="1 or more of the last"):
        new(1, 0)
    cache = new(1, 2)
    with pytest.raises(ValueError, match="write at most 3"):
        cache.begin(range(4), 4)
    forward(cache, [5], 1)
    with pytest.raises(ValueError, match="clear the cache first"):
        cache.begin([5], 1)
    with pytest.raises(ValueError, match="write at most 2"):
        cache.begin([6, 7, 8], 3)
    with pytest.raises(ValueError, match="positions is 'relative'; possible: slots, absolute"):
        new(1, 2, positions="relative")
    with pytest.raises(ValueError, match=r'more than the sink.s 3 frames in a cache that evicts "after"'):
        new(3, 12, max_attention_frames=15)
    with pytest.raises(ValueError, match="evicts is 'never'; possible: before, after"):
        new(1, 2, evicts="never")
