/** The REST calls that the page makes; every one may throw `ApiError`. */
import { call } from "./http.js";
import { session } from "./session.js";

async function signed(method, path, body) {
  const token = await session.token();
  try {
    return await call(method, path, { body, token });
  } catch (error) {
    if (error.status !== 401) throw error;
    return call(method, path, { body, token: await session.renew(token) });
  }
}

const query = (parameters) => new URLSearchParams(parameters).toString();

export const register = async (fields) => session.begin(await call("POST", "/api/auth/register/", { body: fields }));
export const logIn = async (fields) => session.begin(await call("POST", "/api/auth/login/", { body: fields }));
export const askForReset = (email) => call("POST", "/api/auth/password-reset/", { body: { email } });
export const resetPassword = (token, password) =>
  call("POST", "/api/auth/password-reset-confirm/", { body: { token, new_password: password } });

/** End the session on the server, and here whatever the server says. */
export async function logOut() {
  try {
    await signed("POST", "/api/auth/logout/", {});
  } finally {
    session.end();
  }
}

export const searchPeople = (text) => signed("GET", `/api/auth/users/?${query({ search: text, limit: 20 })}`);
export const person = (id) => signed("GET", `/api/auth/users/${id}/`);

export const conversations = () => signed("GET", `/api/chat/conversations/?${query({ limit: 100 })}`);
export const conversation = (id) => signed("GET", `/api/chat/conversations/${id}/`);
export const openPrivate = (userId) =>
  signed("POST", "/api/chat/conversations/create/", { type: "private", participant_ids: [userId] });
export const createGroup = (name, userIds) =>
  signed("POST", "/api/chat/conversations/create/", { type: "group", name, participant_ids: userIds });

export const messages = (id, parameters = {}) => signed("GET", `/api/chat/conversations/${id}/messages/?${query(parameters)}`);
export const changes = (id, since) => signed("GET", `/api/chat/conversations/${id}/changes/?${query({ since, limit: 100 })}`);

/** All participants of a conversation, page after page. */
export async function participants(id) {
  const all = [];
  let next = `/api/chat/conversations/${id}/participants/?${query({ limit: 100 })}`;
  while (next) {
    const page = await signed("GET", next);
    all.push(...page.results);
    next = page.next && pathOf(page.next);
  }
  return all;
}

/** A proxy may make the server think of itself under another origin: keep to our own. */
function pathOf(url) {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}
