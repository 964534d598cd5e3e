"""Reads a recording as docs/format.md describes it, sharing nothing with the
product but the .proto: read.py FOLDER_OF_GENERATED_MESSAGES FILE.

Prints the totals as JSON, once by folding all windows and once from the last
key frame, and what it found of the end.
"""

import json
import struct
import sys
from collections import Counter, defaultdict

import zstandard

sys.path.insert(0, sys.argv[1])
import volprobe_pb2 as pb  # noqa: E402

HEADER = struct.Struct("<8sBBHIQQQII")
HEADER_FRAME, WINDOW, TIMELINE, KEY_FRAME, END = range(1, 6)
MESSAGES = {
    HEADER_FRAME: pb.FileHeader,
    WINDOW: pb.Window,
    TIMELINE: pb.Timeline,
    KEY_FRAME: pb.KeyFrame,
    END: pb.End,
}


def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


TABLE = list(crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def frames(data):
    """Every frame of an undamaged file: offset, header fields, message."""
    at = sequence = 0
    recording = None
    while at < len(data):
        raw = data[at : at + HEADER.size]
        if len(raw) < HEADER.size:
            return  # cut off
        magic, version, kind, flags, length, number, key, own, crc, header_crc = HEADER.unpack(raw)
        assert magic == b"\x89VPREC\r\n" and version == 1, at
        assert header_crc == crc32c(raw[:44]), at
        assert number == sequence, at
        assert recording in (None, own), at
        payload = data[at + HEADER.size : at + HEADER.size + length]
        if len(payload) < length:
            return  # cut off
        assert crc == crc32c(payload), at
        content = zstandard.ZstdDecompressor().decompress(payload, max_output_size=1 << 20)
        yield at, kind, flags, key, MESSAGES[kind].FromString(content)
        at += HEADER.size + length
        sequence += 1
        recording = own


class Totals:
    def __init__(self):
        self.sums = defaultdict(Counter)
        self.buckets = defaultdict(lambda: defaultdict(Counter))
        self.max = defaultdict(Counter)
        self.errors = defaultdict(Counter)
        self.processes = defaultdict(Counter)
        self.losses = Counter()
        self.missed = {}
        self.devices = {}
        self.windows = self.events = self.anchors = self.window_seq = 0

    def delta(self, d):
        self.sums[d.series].update(dict(enumerate(d.sums)))
        for i, h in enumerate(d.histograms):
            self.max[d.series][i] = max(self.max[d.series][i], h.max)
            self.buckets[d.series][i].update(dict(zip(h.buckets, h.counts)))
        self.errors[d.series].update(d.errors)

    def process(self, p):
        key = (p.pid, p.comm, p.cgroup, p.dev_in, p.dev_out)
        self.processes[key].update(calls=p.calls, bytes=p.bytes, time_ns=p.time_ns)

    def miss(self, m):
        key, count = f"{m.probe}/{m.hook}", m.count if m.HasField("count") else None
        before = self.missed.get(key, 0)
        self.missed[key] = None if None in (before, count) else before + count

    def inventory(self, inventory):
        if inventory.whole:
            known = {d.dev for d in inventory.devices}
            for dev, (name, size, removed) in self.devices.items():
                self.devices[dev] = (name, size, removed or dev not in known)
        for d in inventory.devices:
            size = d.size_bytes if d.HasField("size_bytes") else None
            self.devices[d.dev] = (d.name, size, d.removed)

    def part(self, window):
        self.windows += self.windows == 0 or window.seq != self.window_seq
        self.window_seq = window.seq
        for sample in window.samples:
            record = sample.WhichOneof("record")
            value = getattr(sample, record)
            if record == "delta":
                self.delta(value)
            elif record == "process":
                self.process(value)
            elif record == "loss":
                self.losses[value.kind] += value.count
            elif record == "missed":
                self.miss(value)
            elif record == "inventory":
                self.inventory(value)
            self.events += record == "event"
            self.anchors += record == "anchor"

    def key_part(self, key, first):
        if first:
            self.__init__()
            self.windows, self.events, self.anchors = key.windows, key.events, key.anchors
            self.window_seq = key.window_seq
        for d in key.totals:
            self.delta(d)
        for p in key.processes:
            self.process(p)
        for loss in key.losses:
            self.losses[loss.kind] += loss.count
        for m in key.missed:
            self.miss(m)
        self.inventory(key.inventory)

    def as_json(self):
        def nonzero(counts):
            return {str(k): v for k, v in sorted(counts.items()) if v}

        return {
            "windows": self.windows,
            "window_seq": self.window_seq,
            "events": self.events,
            "anchors": self.anchors,
            "losses": nonzero(self.losses),
            "missed": self.missed,
            "devices": {str(k): v for k, v in self.devices.items()},
            "processes": {
                "/".join(map(str, k)): [v["calls"], v["bytes"], v["time_ns"]]
                for k, v in self.processes.items()
            },
            "series": {
                str(id): {
                    "sums": nonzero(self.sums[id]),
                    "max": nonzero(self.max[id]),
                    "buckets": {str(i): nonzero(b) for i, b in self.buckets[id].items()},
                    "errors": nonzero(self.errors[id]),
                }
                for id in self.sums
            },
        }


def main():
    with open(sys.argv[2], "rb") as file:
        data = file.read()
    all_windows, from_key_frame, end = Totals(), Totals(), None
    last_key = previous_key = 0
    for at, kind, flags, key, message in frames(data):
        assert end is None, "a frame behind the end statement"
        continues = flags & 2
        if kind in (WINDOW, TIMELINE):
            window = message.window if kind == TIMELINE else message
            all_windows.part(window)
            from_key_frame.part(window)
        elif kind == KEY_FRAME:
            if not continues:
                previous_key, last_key = last_key, at
            assert message.previous_offset == key == previous_key
            from_key_frame.key_part(message, not continues)
        elif kind == END:
            end = message.why
        if kind != KEY_FRAME:
            assert key == last_key, at
    json.dump(
        {
            "all_windows": all_windows.as_json(),
            "from_key_frame": from_key_frame.as_json(),
            "key_frame": last_key,
            "end": end,
        },
        sys.stdout,
    )


main()
