/** One HTTP call to the server: JSON in, JSON out, every failure an `ApiError`. */

const ANSWER_WITHIN = 10_000;

/** A call that did not succeed; `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(status, errors = []) {
    super(errors[0]?.detail ?? messageFor(status));
    this.status = status;
    this.errors = errors;
  }

  /** Whether the same call may succeed a little later. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

function messageFor(status) {
  return status === 0 ? "The server cannot be reached." : `The server answered with an error (${status}).`;
}

/** The answer's body, null where there is none. */
export async function call(method, path, { body, token } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  let response, answer;
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN);
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store", signal });
    answer = response.status === 204 ? null : await response.json();
  } catch {
    throw new ApiError(response && !response.ok ? response.status : 0);
  }
  if (!response.ok) throw new ApiError(response.status, answer?.errors ?? []);
  return answer;
}
