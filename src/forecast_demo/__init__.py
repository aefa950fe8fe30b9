"""Synthetic raw data in the real formats: a demonstration week, and history of any size for the benchmark."""

from forecast_demo.demo import write_demo
from forecast_demo.history import bench_registry, write_history_jsonl

__all__ = ["bench_registry", "write_demo", "write_history_jsonl"]
