/** Puts the page together: which screen is shown, and which conversation is open (the address says `#/c/<id>`). */
import * as api from "./api.js";
import { avatar, byId } from "./dom.js";
import { GroupView } from "./group_view.js";
import { ListView } from "./list_view.js";
import { forgetUnsent } from "./outbox.js";
import { Room } from "./room.js";
import { RoomView } from "./room_view.js";
import { session } from "./session.js";
import { StartView } from "./start_view.js";

const CONNECTION_WORDS = { open: "Connected", connecting: "Connecting…", waiting: "Reconnecting…", lost: "No connection" };

class App {
  #rooms = new Map();
  #room = null;
  #isReachable = true;
  #isLoggingOut = false;
  #start = new StartView(() => this.#enter());
  #list = new ListView({
    openConversation: (id) => this.#go(id),
    reachable: (isReachable) => this.#setReachable(isReachable),
  });
  #roomView = new RoomView();
  #group = new GroupView(({ id }) => {
    this.#list.refreshSoon();
    this.#go(id);
  });

  run() {
    addEventListener("hashchange", () => this.#route());
    session.addEventListener("ended", () => this.#leave());
    byId("log-out").addEventListener("click", () => this.#logOut());
    forgetUnsent(session.user?.id);
    if (session.isActive && !this.#start.hasResetToken) this.#enter();
    else this.#start.show();
  }

  #enter() {
    const me = session.user;
    this.#start.hide();
    byId("chat").hidden = false;
    byId("me-name").textContent = me.display_name;
    byId("me-avatar").replaceChildren(avatar(me.display_name, me.id));
    this.#list.start(me);
    this.#route();
  }

  #leave() {
    this.#closeRooms();
    forgetUnsent();
    this.#group.close();
    this.#list.stop();
    this.#roomView.forget();
    history.replaceState(null, "", location.pathname);
    byId("chat").hidden = true;
    this.#start.show(this.#isLoggingOut ? "" : "Your session has ended. Please log in again.");
  }

  async #logOut() {
    this.#isLoggingOut = true;
    this.#list.stop();
    this.#closeRooms();
    await api.logOut().catch(() => {}); // whatever the server says, the session is over here
    this.#isLoggingOut = false;
  }

  #closeRooms() {
    for (const room of this.#rooms.values()) {
      room.close();
      room.outbox.clear();
    }
    this.#rooms.clear();
    this.#room = null;
  }

  #go(id) {
    location.hash = `#/c/${id}`;
  }

  #route() {
    if (byId("chat").hidden) return;
    const id = Number(/^#\/c\/([1-9][0-9]{0,15})$/.exec(location.hash)?.[1] ?? 0);
    byId("chat").dataset.pane = id ? "room" : "list";
    this.#list.mark(id || null);
    if (id === (this.#room?.id ?? 0)) return;
    this.#room?.release();
    this.#room = id ? this.#roomFor(id) : null;
    if (this.#room) this.#roomView.show(this.#room, session.user);
    else this.#roomView.hide();
    this.#forgetRooms();
    this.#showConnection();
  }

  /** A room that was left stays until its last own message is stored. */
  #forgetRooms() {
    for (const [id, room] of this.#rooms) {
      if (room === this.#room || !room.outbox.isIdle) continue;
      room.close();
      this.#rooms.delete(id);
    }
  }

  #roomFor(id) {
    const known = this.#rooms.get(id);
    if (known?.reclaim()) return known;
    const room = new Room(id, session.user);
    this.#rooms.set(id, room);
    room.addEventListener("change", () => this.#showConnection());
    room.addEventListener("message", ({ detail }) => this.#list.put(detail));
    room.addEventListener("read", ({ detail }) => this.#list.read(id, detail));
    room.open();
    return room;
  }

  #setReachable(isReachable) {
    this.#isReachable = isReachable;
    this.#showConnection();
  }

  #showConnection() {
    const roomState = !this.#room || this.#room.state === "closed" ? "open" : this.#room.state;
    const state = this.#isReachable ? roomState : "lost";
    byId("connection").textContent = CONNECTION_WORDS[state];
    byId("connection").dataset.state = state;
  }
}

new App().run();
