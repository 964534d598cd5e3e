"""A probe without a table of its own: series.py FOLDER EXPECTED."""

import json
import sys

sys.path.pop(0)
import pyarrow.parquet as pq

folder, expected = sys.argv[1], json.loads(sys.argv[2])
rows = pq.read_table(f"{folder}/series.parquet").to_pylist()
assert len(rows) == 1, rows
row = rows[0]
assert row["probe"] == expected["probe"], row
assert json.loads(row["keys"]) == expected["keys"], row
assert dict(row["sums"])["calls"] == expected["calls"], row
