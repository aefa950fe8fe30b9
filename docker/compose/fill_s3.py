"""Makes the buckets of the local stack, and puts the demo's synthetic raw objects into `raw` while that is empty."""

from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from forecast_demo import write_demo

s3 = boto3.client("s3")
for bucket in ("raw", "processed", "backup"):
    s3.create_bucket(Bucket=bucket)
if s3.list_objects_v2(Bucket="raw", MaxKeys=1)["KeyCount"] == 0:
    with TemporaryDirectory() as folder:
        raw = Path(folder) / "raw"
        write_demo(raw)
        for path in sorted(path for path in raw.rglob("*") if path.is_file()):
            s3.upload_file(str(path), "raw", f"airbyte-sync/{path.relative_to(raw).as_posix()}")
