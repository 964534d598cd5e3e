"""Reads exported tables with pyarrow and with DuckDB: parquet.py FOLDER EXPECTED."""

import json
import os
import re
import sys

# This file has the name of a package that pyarrow looks for.
sys.path.pop(0)
import duckdb
import pyarrow.parquet as pq

folder, expected = sys.argv[1], json.loads(sys.argv[2])
os.chdir(folder)

sessions = pq.read_table("sessions.parquet")
assert sessions.num_rows == expected["nodes"], sessions.num_rows
copies = pq.read_table("copies.parquet")
assert sum(copies["calls"].to_pylist()) == expected["calls"]
node = [row for row in copies.to_pylist() if row["node"] == "node-005"]
assert node[0]["latency_ns"]["p50"] == expected["p50"], node
events = pq.read_table("events.parquet")
assert events.num_rows == expected["events"], events.num_rows
assert str(events.schema.field("time").type) == "timestamp[ns, tz=UTC]"
exits = [row for row in events.to_pylist() if row["kind"] == "exec.exit"]
assert exits[0]["argv"] == ["resize2fs", "/dev/vdb"], exits[0]
assert pq.read_table("findings.parquet").num_rows == expected["findings"]
for name in sorted(os.listdir(".")):
    names = pq.read_schema(name).names
    assert names[:2] == ["node", "session"], (name, names)

db = duckdb.connect()
queries = dict(
    re.match(r"-- (\w+)\n(.*)", block, re.S).groups()
    for block in re.findall(r"```sql\n(.*?)```", expected["queries"], re.S)
)
rows = {name: db.execute(query).fetchall() for name, query in queries.items()}
other = [row[0] for row in rows["other_read_ahead"]]
assert other == expected["other_read_ahead"], other
assert all(row[2:] == (4096, 128) for row in rows["other_read_ahead"])
smaller = sorted({row[0] for row in rows["smaller_fs"] if row[1] == "vdc"})
assert smaller == expected["smaller_fs"], smaller
assert sum(row[3] for row in rows["findings"]) == expected["findings"]
assert len(rows["slow_copies"]) == 20
assert [row[0] for row in rows["incomplete"]] == expected["lost"], rows["incomplete"]
assert rows["lost"] == [(node, "ring/resize", 9) for node in expected["lost"]], rows["lost"]
assert pq.read_table("gaps.parquet").num_rows == 0
types = {
    "sessions": {"duration_ns": "uint64", "complete": "bool"},
    "devices": {"size_bytes": "uint64", "read_ahead_kb": "uint64"},
    "copies": {"calls": "uint64"},
    "losses": {"count": "uint64"},
}
for table, columns in types.items():
    schema = pq.read_schema(f"{table}.parquet")
    found = {name: str(schema.field(name).type) for name in columns}
    assert found == columns, (table, found)
assert db.execute("SELECT sum(calls) FROM 'copies.parquet'").fetchone()[0] == expected["calls"]
