"""A JSON array as lines: the same items, whatever stands in their texts and wherever a block ends."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.extract import text_stream as streams
from forecast.extract.json.array import as_lines

texts = st.text(alphabet='[]{},:"\\\n aé', max_size=8)
values = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(values, max_size=5), st.sampled_from([None, 1]), st.integers(1, 9))
def test_the_items_of_an_array_are_one_per_line(items: list[Any], indent: int | None, block: int) -> None:
    content = json.dumps(items, indent=indent, ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "_BLOCK", block)
        text = as_lines(lambda: io.BytesIO(content))().read()
    assert [json.loads(line) for line in text.split(b"\n") if line.strip()] == items
    assert len(text) == len(content)
