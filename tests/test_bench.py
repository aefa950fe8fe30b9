"""The benchmark runs and prints its figures; what they are is not for a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import run

FIGURES = """\
on one core, raw JSONL to Parquet
  without the quality checks # rows/s, aim 100,000
  ratio to pyarrow.json # aim 0.22 (#)
  with the quality checks # rows/s, aim 60,000
  ratio to pyarrow.json # aim 0.13 (#)
  pyarrow.json alone, the same objects # rows/s
one mongod
  bare insert_many, ready-made documents # rows/s
  ready-made BSON by 4 writers # rows/s
  the whole process, start to end # rows/s
  ratio to insert_many # aim 0.8, limit 0.6 (#)
  ratio to ready-made BSON # aim 0.7, limit 0.5 (#)
  raw JSONL to documents with their flags # rows/s
  ratio to insert_many # aim 0.8 (#)
  second run (--reprocess) # rows/s
  ratio to the first run # aim 5 (#)
peak memory of the pipeline's process
  300 rows # MB, limit 400
  600 rows # MB, limit 400
"""


# Nothing but the benchmark itself depends on it.
@pytest.mark.slow
def test_the_benchmark_prints_its_figures(
    replica_set: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "ROUNDS", 1)
    monkeypatch.setattr(run, "ROWS", 300)
    monkeypatch.setattr(run, "MEMORY_ROWS", 600)
    run.measured("generate", tmp_path, run.ROWS, 2)
    run.alone_on_one_core(replica_set, tmp_path)
    run.against_bare(replica_set, tmp_path, "one mongod")
    run.memory(replica_set, tmp_path)
    printed = re.sub(r" +", " ", capsys.readouterr().out)
    expected = re.escape(re.sub(r" +", " ", FIGURES)).replace(r"\#", "[0-9,.]+")
    assert re.fullmatch(expected, re.sub(r" +\n", "\n", printed)), printed
