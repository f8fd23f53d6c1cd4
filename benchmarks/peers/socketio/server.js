/**
 * A Socket.IO 4 chat server, tuned the way its documentation advises. Does one job: verify the token, join the
 * user's rooms, store each message with one committed statement, ack, and emit to the room through Redis.
 */
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import jwt from "jsonwebtoken";
import pg from "pg";
import { createClient } from "redis";
import { Server } from "socket.io";

const { PORT, DATABASE_URL, REDIS_URL, JWT_KEY, POOL_SIZE = "10" } = process.env;

// One round trip: the right to write is checked by the statement which writes.
const STORE = {
  name: "store",
  text: `INSERT INTO messages (conversation_id, sender_id, client_id, body)
         SELECT $1, $2, $3, $4
         WHERE EXISTS (SELECT 1 FROM participants WHERE conversation_id = $1 AND user_id = $2)
         RETURNING id, created_at`,
};
const MEMBERSHIPS = { name: "memberships", text: "SELECT conversation_id FROM participants WHERE user_id = $1" };

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(POOL_SIZE), idleTimeoutMillis: 0 });
const publisher = createClient({ url: REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer((_request, response) => response.end("ok"));
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
});

io.use(async (socket, next) => {
  try {
    const { sub } = jwt.verify(socket.handshake.auth.token, JWT_KEY, { algorithms: ["HS256"] });
    const { rows } = await pool.query({ ...MEMBERSHIPS, values: [sub] });
    socket.data.user = sub;
    socket.data.rooms = rows.map((row) => row.conversation_id);
    next();
  } catch (error) {
    next(error);
  }
});

io.on("connection", (socket) => {
  socket.join(socket.data.rooms);
  // Engine.IO keeps the whole upgrade request otherwise; its documentation advises to let it go.
  socket.conn.request = null;
  socket.on("message", (message, acknowledge) => store(socket, message, acknowledge));
});

async function store(socket, { conversation, client_id, body }, acknowledge) {
  try {
    const sender = socket.data.user;
    const { rows } = await pool.query({ ...STORE, values: [conversation, sender, client_id, body] });
    if (rows.length === 0) {
      acknowledge({ error: "not_found" });
      return;
    }
    const message = { id: rows[0].id, conversation, sender, client_id, body, created_at: rows[0].created_at };
    acknowledge({ client_id, message });
    io.to(conversation).emit("message", message);
  } catch (error) {
    console.error(error);
    acknowledge({ error: "unavailable" });
  }
}

http.listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
