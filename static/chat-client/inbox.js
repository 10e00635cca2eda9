/** The frames of `/ws/inbox/`: to whom each goes, and what is said first on a new connection. */
import { jittered, Timers } from "./events.js";

const RESUME = "resume:"; // client_ids that no message has
const PING = "ping:";
const READ = "read:";

export class Inbox {
  #socket;
  #conversations;
  #outbox;
  #people;
  #timing;
  #timers = new Timers();
  #turn = 0;
  #resumes = 0;
  #retry;
  #isReady = false;
  #frames = {
    connected: (frame) => this.#connected(frame),
    resumed: (frame) => this.#resumed(frame),
    chat_message: (frame) => this.#conversations.durable(frame),
    message_updated: (frame) => this.#conversations.durable(frame),
    message_deleted: (frame) => this.#conversations.durable(frame),
    conversation_added: ({ conversation }) => this.#conversations.added(conversation),
    conversation_updated: ({ conversation }) => this.#conversations.meet(conversation),
    conversation_removed: ({ conversation_id: id }) => this.#conversations.removed(id),
    typing: (frame) => this.#room(frame.conversation_id)?.setTyping(frame.user_id, frame.is_typing),
    read_receipt: (frame) => this.#room(frame.conversation_id)?.read(frame.user_id, frame.last_read_seq, frame.read_at),
    unread: (frame) => this.#conversations.unread(frame),
    user_status: ({ user_id: id, status, last_seen: at }) => this.#people.setStatus(id, status === "online", at),
    pong: (frame) => this.#isReady && this.#conversations.historyOf(frame.conversation_id)?.expect(frame.version),
    ack: (frame) => this.#outbox.acknowledged(frame),
    error: (frame) => this.#refused(frame),
  };

  constructor({ socket, conversations, outbox, people, timing }) {
    this.#socket = socket;
    this.#conversations = conversations;
    this.#outbox = outbox;
    this.#people = people;
    this.#timing = timing;
    socket.addEventListener("frame", ({ detail }) => this.#frames[detail.type]?.(detail));
    socket.addEventListener("state", ({ detail }) => this.#changed(detail.state));
    socket.addEventListener("beat", () => this.#beat());
  }

  /** Whether the frame went out; not before what was missed has come. */
  send(frame) {
    return this.#isReady && this.#socket.send(frame);
  }

  close() {
    this.#timers.stop();
  }

  #room(id) {
    return this.#conversations.roomOf(id);
  }

  #connected(frame) {
    this.#conversations.connected(frame);
    this.#resume();
  }

  #resume() {
    const versions = this.#conversations.versions();
    this.#socket.send({ type: "resume", versions, client_id: RESUME + (this.#resumes += 1) });
    this.#resumeIn(this.#timing.ackWithin);
  }

  #resumed(frame) {
    this.#timers.cancel(this.#retry);
    this.#isReady = true;
    this.#conversations.resumed(frame);
    this.#outbox.ready();
  }

  #refused(frame) {
    const { client_id: clientId, code, retry_after: seconds } = frame;
    const isTemporary = code === "throttled" || code === "unavailable";
    const delay = seconds ? seconds * 1000 : jittered(2 * this.#timing.unavailableDelay);
    const [, kind, id] = /^(resume:|ping:|read:)([0-9]+)$/.exec(clientId ?? "") ?? [];
    if (kind === RESUME && Number(id) === this.#resumes) this.#resumeIn(delay);
    else if (kind === READ && isTemporary) this.#timers.after(delay, () => this.#room(Number(id))?.connected());
    else if (kind === PING && !isTemporary) this.#conversations.historyOf(Number(id))?.reload().catch(() => {});
    else this.#outbox.refused(frame);
  }

  #resumeIn(delay) {
    this.#timers.cancel(this.#retry);
    this.#retry = this.#timers.after(delay, () => this.#resume());
  }

  #changed(state) {
    if (state === "connecting") this.#conversations.connecting();
    if (state === "open" || state === "connecting") return;
    this.#timers.cancel(this.#retry);
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#conversations.disconnected();
    this.#outbox.interrupt();
  }

  /** A ping that names a conversation is answered with how far that one is. */
  #beat() {
    const id = this.#conversations.inTurn((this.#turn += 1));
    const about = id === null ? {} : { conversation_id: id, client_id: PING + id };
    this.#socket.send({ type: "ping", ...about });
    this.#outbox.adopt();
  }
}
