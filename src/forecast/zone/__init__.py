"""The processed zone: Parquet files of observations, and quarantined rows."""
