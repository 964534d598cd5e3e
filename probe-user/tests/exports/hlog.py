"""Reads interval logs with another HdrHistogram: hlog.py FOLDER EXPECTED."""

import glob
import json
import sys

sys.path.pop(0)
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

folder, expected = sys.argv[1], json.loads(sys.argv[2])
logs = glob.glob(f"{folder}/copy-*latency_ns*.hlog")
assert len(logs) == 1, logs
total = HdrHistogram(1, 1 << 62, 1)
reader = HistogramLogReader(logs[0], total)
intervals = 0
while True:
    histogram = reader.get_next_interval_histogram()
    if histogram is None:
        break
    total.add(histogram)
    intervals += 1
assert intervals > 0
assert total.get_total_count() == expected["count"], total.get_total_count()
# Another implementation tells another value of the same bucket.
for quantile, value in ((50, expected["p50"]), (100, expected["max"])):
    found = total.get_value_at_percentile(quantile)
    assert abs(found - value) <= value * 0.0625, (quantile, found, value)
