"""Decodes a trace with Perfetto's published schema: perfetto.py FILE EXPECTED."""

import json
import sys

sys.path.pop(0)
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

file, expected = sys.argv[1], json.loads(sys.argv[2])
trace = Trace()
with open(file, "rb") as source:
    trace.ParseFromString(source.read())


def unknown(message):
    from google.protobuf.unknown_fields import UnknownFieldSet

    assert len(UnknownFieldSet(message)) == 0, message
    for field, value in message.ListFields():
        if field.message_type:
            for item in value if hasattr(value, "__len__") else [value]:
                unknown(item)


unknown(trace)
names = {
    packet.track_descriptor.uuid: packet.track_descriptor.name
    for packet in trace.packet
    if packet.HasField("track_descriptor")
}
events = [packet for packet in trace.packet if packet.HasField("track_event")]
assert all(packet.track_event.track_uuid in names for packet in events)
assert all(packet.timestamp_clock_id == 6 for packet in events)
clocks = [packet.clock_snapshot for packet in trace.packet if packet.HasField("clock_snapshot")]
assert [clock.clock_id for clock in clocks[0].clocks] == [6, 1]


def on(track):
    return [packet for packet in events if names[packet.track_event.track_uuid] == track]


calls = [name for name in names.values() if name.startswith("copy ") and name.endswith(" calls")]
assert sum(p.track_event.counter_value for p in on(calls[0])) == expected["calls"]
slices = [p for p in events if p.track_event.name == expected["tool"]]
assert slices and slices[0].track_event.type == TrackEvent.TYPE_SLICE_BEGIN
capacity = [p.track_event.counter_value for p in on("capacity vdb")]
assert set(expected["capacity"]) <= set(capacity), capacity
findings = [p.track_event.name for p in on("findings")]
assert sorted(findings) == sorted(k for k, n in expected["findings"].items() for _ in range(n))
