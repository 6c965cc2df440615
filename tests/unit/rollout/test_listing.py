"""Names within sentences that have room for some of them alone."""

from __future__ import annotations

from earlystop.rollout.words.listing import some_of, with_room_for_names

NAMES = [f"window-{number}" for number in range(1, 201)]


def test_a_list_says_how_many_it_leaves_out() -> None:
    assert some_of(NAMES[:3]) == some_of(NAMES[:3], 3) == "window-1, window-2, window-3"
    assert some_of(NAMES, 2) == "window-1, window-2 and 198 more"


def test_a_sentence_names_all_where_there_is_room_and_else_as_many_as_fit() -> None:
    def sentence(most: int) -> str:
        return f"Dropped: {some_of(NAMES, most)}; proven: {some_of(NAMES[:30], most)}."

    assert with_room_for_names(sentence, 5000) == sentence(200) and "more" not in sentence(200)
    for room in (1024, 300, 80):
        found = with_room_for_names(sentence, room)
        assert len(found) <= room and "more" in found
