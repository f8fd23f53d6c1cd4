"""What the chat counts about itself, for /metrics."""

from prometheus_client import Counter, Gauge, Histogram

sockets = Gauge("parley_sockets", "Live sockets of this process.")
frames_in = Counter("parley_frames_in", "Frames received.", ["type"])
refusals = Counter("parley_refusals", "Frames refused.", ["code"])
closes = Counter("parley_closes", "Sockets closed by the server.", ["code"])
messages = Counter("parley_messages", "Messages committed by this process.")
batch_size = Histogram("parley_commit_batch", "Messages per commit.", buckets=(1, 2, 5, 10, 20, 50, 100, 200))
commit_seconds = Histogram("parley_commit_seconds", "Time of one commit of messages, locks included.")
dropped_frames = Counter("parley_dropped_frames", "Typing and presence dropped at slow sockets.")
fanout_lost = Counter("parley_fanout_lost", "Items that did not reach the channel layer; hubs repair them.")
repairs = Counter("parley_repairs", "Events fetched from the database because the layer did not bring them.")
