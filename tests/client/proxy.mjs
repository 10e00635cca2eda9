/** A bad network: TCP that is forwarded, cut, silent, or robbed of frames. */
import net from "node:net";

/** Forwards TCP to a port, unless it is told to lose something. */
export class Proxy {
  isSilent = false; // connections stay open, and nothing comes through
  loses = () => false; // whether the frame of a socket, on its way to the client, is lost
  #pairs = new Set();
  #target;
  #server = net.createServer((client) => this.#accept(client));

  constructor(target) {
    this.#target = target;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async start() {
    this.#server.listen(0, "127.0.0.1");
    await new Promise((resolve) => this.#server.once("listening", resolve));
    return this;
  }

  /** Reset every connection that is open now, with what is on its way. */
  cut() {
    for (const pair of this.#pairs) for (const end of pair) end.destroy();
  }

  remove() {
    this.#server.close();
    this.cut();
  }

  #accept(client) {
    const server = net.connect(this.#target, "127.0.0.1");
    const pair = [client, server];
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      for (const each of pair) each.destroy();
    };
    const frames = new FrameFilter((text) => this.loses(text));
    client.on("data", (chunk) => this.isSilent || server.write(chunk));
    server.on("data", (chunk) => this.isSilent || client.write(frames.filter(chunk)));
    for (const each of pair) each.on("close", end).on("error", end);
  }
}

/** Takes frames out of what a server sends, once it has become a WebSocket. */
class FrameFilter {
  #loses;
  #rest = Buffer.alloc(0);
  #isSocket = null; // not known yet

  constructor(loses) {
    this.#loses = loses;
  }

  filter(chunk) {
    if (this.#isSocket === false) return chunk;
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const out = [];
    if (this.#isSocket === null) {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) return Buffer.alloc(0);
      this.#isSocket = this.#rest.subarray(0, 12).toString() === "HTTP/1.1 101";
      if (!this.#isSocket) return this.#rest;
      out.push(this.#take(end + 4));
    }
    for (let size; (size = this.#frameSize()) !== null && size <= this.#rest.length; ) {
      const frame = this.#take(size);
      if (!this.#loses(frame.subarray(frame.indexOf("{")).toString())) out.push(frame);
    }
    return Buffer.concat(out);
  }

  #frameSize() {
    if (this.#rest.length < 4) return null;
    const short = this.#rest[1] & 127;
    if (short < 126) return 2 + short;
    if (short === 126) return 4 + this.#rest.readUInt16BE(2);
    return this.#rest.length < 10 ? null : 10 + Number(this.#rest.readBigUInt64BE(2));
  }

  #take(size) {
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }
}
