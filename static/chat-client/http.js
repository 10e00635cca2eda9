/** One HTTP call to the server: JSON in, JSON out, every failure an `ApiError`. */

/** A call that did not succeed; `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(status, errors = [], retryAfter = null) {
    super(errors[0]?.detail ?? wordsFor(status));
    this.name = "ApiError";
    this.status = status;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }

  /** The first error's code, for programs; "no_answer" where none came, "error" where the answer had none. */
  get code() {
    return this.errors[0]?.code ?? (this.status === 0 ? "no_answer" : "error");
  }

  /** Whether the same call may succeed a little later. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

function wordsFor(status) {
  return status === 0 ? "The server cannot be reached." : `The server answered with an error (${status}).`;
}

/** What is thrown where nobody is logged in. */
export function notLoggedIn() {
  return new ApiError(401, [{ code: "not_authenticated", detail: "Nobody is logged in.", attr: null }]);
}

export class Http {
  #url;
  #fetch;
  #answerWithin;
  #underWay = new Set();
  #isClosed = false;

  constructor({ url, fetch, answerWithin }) {
    this.#url = url;
    this.#fetch = fetch;
    this.#answerWithin = answerWithin;
  }

  /**
   * The answer's body, null where there is none. `mustFinish`: `close` does not cut it off, for its answer is worth
   * something to who comes next.
   */
  async call(method, path, { body, token, mustFinish = false } = {}) {
    if (this.#isClosed) throw new ApiError(0);
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), this.#answerWithin);
    if (!mustFinish) this.#underWay.add(abort);
    try {
      const wanted = { method, headers, body: body && JSON.stringify(body), cache: "no-store", signal: abort.signal };
      return await read(this.#fetch, new URL(path, this.#url), wanted);
    } finally {
      clearTimeout(timer);
      this.#underWay.delete(abort);
    }
  }

  /** Cut off what is under way; nothing is called any more. */
  close() {
    this.#isClosed = true;
    for (const abort of this.#underWay) abort.abort();
  }
}

async function read(fetch, url, wanted) {
  let response, answer;
  try {
    response = await fetch(url, wanted);
    const text = await response.text();
    answer = text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError(response && !response.ok ? response.status : 0); // nobody, or something between, answered
  }
  if (response.ok) return answer;
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  throw new ApiError(response.status, answer?.errors ?? [], Number.isFinite(seconds) ? seconds : null);
}
