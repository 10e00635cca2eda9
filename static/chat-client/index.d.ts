/**
 * A client of the chat server. What comes from the server keeps the server's names (`created_at`); what the library
 * adds has JavaScript's (`unreadCount`).
 */

// What the server knows -----------------------------------------------------------------------------

/** Who wrote something. It says nothing about presence. */
export interface Author {
  readonly id: number;
  readonly username: string;
  readonly display_name: string;
  readonly avatar: string | null;
}

/** A user as others see it. */
export interface User extends Author {
  readonly is_online: boolean;
  readonly last_seen: string | null;
}

/** What is known of somebody: presence only of those one shares a conversation with, or asked for. */
export type Person = Author & Partial<User>;

/** A user as its owner sees it. */
export interface Profile extends User {
  readonly email: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly bio: string;
  readonly date_joined: string;
}

export interface Quote {
  readonly id: number;
  readonly seq: number;
  readonly sender: Author | null;
  /** The first 140 characters; "" once deleted. */
  readonly content: string;
}

/** What happened, in a message of type "system". */
export type GroupEvent =
  | { readonly action: "conversation_created" | "conversation_renamed"; readonly name: string }
  | {
      readonly action: "participant_added" | "participant_removed" | "participant_left" | "admin_granted" | "admin_revoked";
      readonly user_id: number;
    };

export interface Message {
  readonly id: number;
  readonly conversation: number;
  /** 1, 2, 3 … in each conversation: the order to show them in. */
  readonly seq: number;
  readonly version: number;
  readonly type: "text" | "system";
  /** Null: the account is gone. */
  readonly sender: Author | null;
  /** "" once deleted, and of system messages. */
  readonly content: string;
  readonly reply_to: Quote | null;
  readonly client_id: string | null;
  readonly event: GroupEvent | null;
  readonly is_edited: boolean;
  readonly edited_at: string | null;
  readonly is_deleted: boolean;
  readonly deleted_at: string | null;
  readonly created_at: string;
}

export interface Participant {
  readonly user: Person;
  readonly is_admin: boolean;
  readonly joined_at: string;
  readonly last_read_seq: number;
  readonly last_read_at: string | null;
}

export interface Receipt {
  readonly user: User;
  readonly read_at: string | null;
}

export interface LoginSession {
  readonly id: string;
  readonly created_at: string;
  readonly last_used_at: string;
  readonly ip: string | null;
  readonly user_agent: string;
  readonly is_current: boolean;
}

// What the library adds -----------------------------------------------------------------------------

/** An own message that is not known to be stored. The object stays the same while its state changes. */
export interface OutboxEntry {
  readonly clientId: string;
  readonly conversationId: number;
  readonly content: string;
  /** The id of the message that it answers. */
  readonly replyTo: number | null;
  /** When it was written, in milliseconds. */
  readonly createdAt: number;
  /** `stored`: the message itself is on its way here, and replaces the entry. */
  readonly state: "waiting" | "stored" | "failed";
  /** Why it failed: a code for programs, words for people. */
  readonly error: { readonly code: string; readonly detail: string } | null;
}

export interface Connection {
  /**
   * `idle`: nobody is logged in. `waiting`: it broke, and is tried again at `retryAt`. `offline`: the same, and the
   * browser says that there is no network. `stopped`: closed with a `code` after which one does not come back.
   */
  readonly state: "idle" | "connecting" | "open" | "waiting" | "offline" | "stopped";
  /** The close code of the last connection, 0 where there is none. */
  readonly code: number;
  /** In milliseconds, as of `Date.now()`. */
  readonly retryAt: number | null;
}

export interface SessionChange {
  readonly state: "began" | "renewed" | "ended";
  /** Null once it ended. */
  readonly user: Profile | null;
  /** Why it ended: `expired` (it ran out, or was ended elsewhere), `replaced` (somebody else logged in here). */
  readonly reason: "logged_out" | "expired" | "replaced" | null;
}

export interface NewMessage {
  readonly conversation: Conversation;
  readonly message: Message;
  /** It came while there was no connection. */
  readonly isMissed: boolean;
}

export class ChatEvent<Detail = unknown> extends Event {
  constructor(type: string, detail?: Detail);
  readonly detail: Detail;
}

export interface FieldError {
  readonly code: string;
  readonly detail: string;
  /** The field that it is about. */
  readonly attr: string | null;
}

/** A call that did not succeed. */
export class ApiError extends Error {
  constructor(status: number, errors?: readonly FieldError[], retryAfter?: number | null);
  /** The HTTP status; 0: no answer came. */
  readonly status: number;
  readonly errors: readonly FieldError[];
  /** Seconds after which to try again, where the server said so. */
  readonly retryAfter: number | null;
  /** That of the first error; "no_answer" where none came. */
  get code(): string;
  /** Whether the same call may succeed a little later. */
  get isTemporary(): boolean;
}

/** A list of the server's, read page by page. */
export class List<Item> {
  private constructor();
  /** What was loaded so far. */
  readonly items: readonly Item[];
  readonly hasMore: boolean;
  readonly isLoaded: boolean;
  /** Load the next page; resolves with what came with it. */
  loadMore(): Promise<Item[]>;
  loadAll(): Promise<readonly Item[]>;
}

/** Where a client keeps what outlives it. Clients on one storage are to each other what tabs of a browser are. */
export interface ChatStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  keys(): string[];
  /** Values that are never read stale. */
  read(key: string): Promise<unknown>;
  /** Undefined is no value. */
  write(key: string, value: unknown): Promise<void>;
  /** What `work` answers, run while nobody else holds `name`. */
  exclusively<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>;
  /** Hold `name` until the result is called or this process goes; null where another one holds it. */
  claim(name: string): Promise<(() => unknown) | null>;
  /** Hear which key was changed, by others at least; null: all of them. Returns what ends it. */
  subscribe(listener: (key: string | null) => void): () => void;
}

/** localStorage, IndexedDB and Web Locks. */
export class BrowserStorage implements ChatStorage {
  /** `name` comes before every key; "chat" where it is left out. */
  constructor(name?: string);
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  keys(): string[];
  read(key: string): Promise<unknown>;
  write(key: string, value: unknown): Promise<void>;
  exclusively<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>;
  claim(name: string): Promise<(() => unknown) | null>;
  subscribe(listener: (key: string | null) => void): () => void;
}

/** This process's memory. */
export class MemoryStorage implements ChatStorage {
  constructor();
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  keys(): string[];
  read(key: string): Promise<unknown>;
  write(key: string, value: unknown): Promise<void>;
  exclusively<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>;
  claim(name: string): Promise<(() => unknown) | null>;
  subscribe(listener: (key: string | null) => void): () => void;
}

type Listener<Detail> = ((event: ChatEvent<Detail>) => void) | { handleEvent(event: ChatEvent<Detail>): void } | null;

export interface ConversationEvents {
  /** Anything that is shown may be another one; told once for all that changes together. */
  change: null;
  /** Nothing more comes of it; the detail is its `ending`. */
  end: Ending;
}

/** `gone`: removed or deleted by somebody else, or on another device. `closed`: the client was closed. */
export type Ending = "left" | "removed" | "deleted" | "gone" | "logged_out" | "expired" | "replaced" | "closed";

/** One conversation. The same object for as long as it goes on. */
export class Conversation extends EventTarget {
  private constructor();
  get id(): number;
  get type(): "private" | "group";
  get isGroup(): boolean;
  /** Of a private conversation, the other one's display name. */
  get name(): string;
  get description(): string;
  get createdAt(): string;
  get updatedAt(): string;
  get lastMessage(): Message | null;
  get lastSeq(): number;
  /** The own read marker. */
  get lastReadSeq(): number;
  get unreadCount(): number;
  get version(): number;
  /** Why there is nothing more of it; null while it goes on. */
  get ending(): Ending | null;

  /** Those that are known, by when they joined: the first 50, or all after `loadParticipants`. */
  get participants(): readonly Participant[];
  get participantCount(): number;
  get hasAllParticipants(): boolean;
  /** The other one of a private conversation, null where the account is gone, and of a group. */
  get other(): Person | null;
  /** Whether the user is an admin of this group. */
  get isAdmin(): boolean;
  /** Ids of those who type, besides oneself. */
  get typing(): readonly number[];
  /** Ids of the known participants, besides its sender and oneself, who have read a message. */
  readersOf(message: Pick<Message, "seq" | "sender">): number[];
  /** Load all participants, and keep them right from then on. */
  loadParticipants(): Promise<readonly Participant[]>;

  /** Messages that follow each other without a hole, oldest first. The same array until something in it is new. */
  get messages(): readonly Message[];
  /** Whether the newest messages are held. */
  get isLoaded(): boolean;
  get hasOlder(): boolean;
  get hasNewer(): boolean;
  /** Own messages that are not among `messages` yet, in the order in which they will be. */
  get pending(): readonly OutboxEntry[];
  /** Load the newest messages, and keep them right from then on; tries until the server answers, or it is over. */
  open(): Promise<void>;
  /** It is no longer shown: fewer messages are held, and after a while none. */
  release(): void;
  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  /** Have `messages` be those around this `seq`; resolves with whether that one is among them. */
  jumpTo(seq: number): Promise<boolean>;
  jumpToNewest(): Promise<void>;
  /** Send a message; it is among `pending` at once. */
  send(content: string, options?: { replyTo?: number | null }): OutboxEntry;

  /** To be called at every key; tells the others every few seconds. It ends by itself. */
  startTyping(): void;
  stopTyping(): void;
  /** Everything up to `message` has been seen (left out: all); the server hears of it once a second at most. */
  markRead(message?: Pick<Message, "id" | "seq"> | null): void;

  /** As an admin of the group. */
  update(changes: { name?: string; description?: string }): Promise<void>;
  /** As an admin of the group; resolves with those really added. */
  addParticipants(userIds: readonly number[]): Promise<Participant[]>;
  removeParticipant(userId: number): Promise<void>;
  setAdmin(userId: number, isAdmin: boolean): Promise<void>;
  /** Private: take it out of one's list, with its history. Group: leave it; `forEveryone`: delete it for all, as an admin. */
  delete(options?: { forEveryone?: boolean }): Promise<void>;

  addEventListener<Type extends keyof ConversationEvents>(
    type: Type,
    listener: Listener<ConversationEvents[Type]>,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener<Type extends keyof ConversationEvents>(
    type: Type,
    listener: Listener<ConversationEvents[Type]>,
    options?: EventListenerOptions | boolean,
  ): void;
}

export interface Options {
  /** The server's origin; in a browser, the page's own. */
  url?: string;
  /** A browser's (`BrowserStorage`) where there is one, else memory. */
  storage?: ChatStorage;
  fetch?: typeof globalThis.fetch;
  /** A class with the interface of a browser's. */
  WebSocket?: new (url: string, protocols: string[]) => unknown;
  crypto?: { getRandomValues(bytes: Uint8Array): unknown };
  /** What is heard for `online`, `offline` and, on its document, `visibilitychange`: `globalThis`. */
  page?: object;
  /** Times in milliseconds, by their names in timing.js; meant for tests. */
  timing?: Record<string, number>;
}

export interface ClientEvents {
  /** Somebody logged in or out, here or in another tab, or there is another access token. */
  session: SessionChange;
  /** The own profile is another one. */
  user: Profile;
  connection: Connection;
  /** `conversations`, `hasMoreConversations` or `totalUnread` may be others; told once for all that changes together. */
  conversations: null;
  /** A message of somebody else, new, in whatever conversation. */
  message: NewMessage;
  /** An own message was refused for good. */
  failed: OutboxEntry;
  /** Names or presence of those with these ids are others. */
  people: readonly number[];
}

export class ChatClient extends EventTarget {
  constructor(options?: Options);

  /** The own profile, null where nobody is logged in. */
  get user(): Profile | null;
  register(fields: {
    email: string;
    username: string;
    password: string;
    password_confirm?: string;
    first_name?: string;
    last_name?: string;
  }): Promise<Profile>;
  logIn(fields: { email: string; password: string }): Promise<Profile>;
  /** Over here at once, whatever the server says; rejects where it could not be told. `all`: on every device. */
  logOut(options?: { all?: boolean }): Promise<void>;
  requestPasswordReset(email: string): Promise<void>;
  /** With the token of the mail; every session is over then. */
  resetPassword(token: string, newPassword: string): Promise<void>;
  /** One stays logged in here, and nowhere else. */
  changePassword(oldPassword: string, newPassword: string): Promise<void>;
  loadProfile(): Promise<Profile>;
  updateProfile(changes: { username?: string; first_name?: string; last_name?: string; bio?: string }): Promise<Profile>;
  /** Where one is logged in, newest first. */
  listSessions(): Promise<List<LoginSession>>;
  endSession(id: string): Promise<void>;

  /** What is known of a user. */
  getPerson(id: number): Person | undefined;
  /** The same, asked of the server where nothing is known; null where there is no such user. */
  findPerson(id: number): Promise<Person | null>;
  /** People whose username or name has a word that begins with `search`, by username. */
  searchPeople(search?: string, options?: { limit?: number }): Promise<List<User>>;

  /** Those that were loaded so far, latest activity first. The same array until something in it is new. */
  get conversations(): readonly Conversation[];
  get hasMoreConversations(): boolean;
  /** What is unread in all conversations, those too that were not loaded. */
  get totalUnread(): number;
  /** Resolves once the beginning of the list is there; it is loaded by itself. */
  loadConversations(): Promise<readonly Conversation[]>;
  loadMoreConversations(): Promise<readonly Conversation[]>;
  findConversations(filters?: {
    search?: string;
    type?: "private" | "group";
    unread?: boolean;
    limit?: number;
  }): Promise<List<Conversation>>;
  /** A conversation that is known. */
  getConversation(id: number): Conversation | undefined;
  /** A conversation, asked of the server where it is not known; rejects with 404 where there is none for this user. */
  findConversation(id: number): Promise<Conversation>;
  /** The private conversation with a user, made where there is none. */
  createPrivate(userId: number): Promise<Conversation>;
  createGroup(name: string, participantIds?: readonly number[], options?: { description?: string }): Promise<Conversation>;

  /** Send a message, also to a conversation that is not known. */
  send(conversationId: number, content: string, options?: { replyTo?: number | null }): OutboxEntry;
  /** Send a message that failed again. */
  retry(clientId: string): void;
  /** Forget a message that is not stored; one that is under way may still arrive. */
  discard(clientId: string): void;
  editMessage(id: number, content: string): Promise<Message>;
  deleteMessage(id: number): Promise<void>;
  loadMessage(id: number): Promise<Message>;
  listReceipts(messageId: number): Promise<List<Receipt>>;

  get connection(): Connection;
  /** Try now, also where the server has said not to come back. */
  reconnect(): void;
  /** End it, with every timer and listener; who was logged in still is, for the next client on the same storage. */
  close(): void;

  addEventListener<Type extends keyof ClientEvents>(
    type: Type,
    listener: Listener<ClientEvents[Type]>,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener<Type extends keyof ClientEvents>(
    type: Type,
    listener: Listener<ClientEvents[Type]>,
    options?: EventListenerOptions | boolean,
  ): void;
}
