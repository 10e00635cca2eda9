// A minimal chat on socket.io, its Redis adapter and PostgreSQL: no accounts, no rights, no limits, no replay. It stores
// a message in one statement and then acks and broadcasts it. PORT, DATABASE_URL and REDIS_URL come from the environment.
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import pg from 'pg';
import { createClient } from 'redis';
import { Server } from 'socket.io';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 8 });
await pool.query(`CREATE TABLE IF NOT EXISTS room (id bigint PRIMARY KEY, last_seq bigint NOT NULL DEFAULT 0)`);
await pool.query(`CREATE TABLE IF NOT EXISTS said (
  id bigserial PRIMARY KEY, room bigint NOT NULL, seq bigint NOT NULL, sender bigint NOT NULL, content text NOT NULL,
  client_id text, created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (room, seq), UNIQUE (room, sender, client_id))`);
const STORE = {
  name: 'store',
  text: `WITH next AS (
      INSERT INTO room (id, last_seq) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET last_seq = room.last_seq + 1
      RETURNING last_seq)
    INSERT INTO said (room, seq, sender, content, client_id) SELECT $1, last_seq, $2, $3, $4 FROM next
    RETURNING id, seq, created_at`,
};
const NEWEST = {
  name: 'newest',
  text: `SELECT id, seq, sender, content, client_id, created_at FROM said WHERE room = $1 ORDER BY seq DESC LIMIT 50`,
};

const publisher = createClient({ url: process.env.REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const server = createServer(async (request, response) => {
  const room = new URL(request.url, 'http://localhost').searchParams.get('room');
  const { rows } = await pool.query({ ...NEWEST, values: [room] });
  const body = JSON.stringify({ results: rows });
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
});
const io = new Server(server, { adapter: createAdapter(publisher, subscriber), transports: ['websocket'] });
io.on('connection', (socket) => {
  const { room, user } = socket.handshake.query;
  socket.join(room);
  socket.on('say', async ({ content, client_id }, ack) => {
    const { rows } = await pool.query({ ...STORE, values: [room, user, content, client_id] });
    const message = { ...rows[0], room, sender: user, content, client_id };
    io.to(room).emit('message', message);
    ack({ id: message.id, seq: message.seq });
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');
