/**
 * The browser client of Aura Auth for Go. No dependencies, no build step:
 *
 *     <script type="module" src="/api/auth/client.js"></script>
 *     import { getSession, signOut } from "/api/auth/client.js";
 *
 * The first wires the data-aura-* attributes of a page (see wire), the second gives
 * a script the functions. The module finds the endpoints beside itself, so its bytes
 * are the same on every server. A bundler moves it away from them: there, use
 * createAuthClient and, for the attributes, wire.
 *
 * It needs no inline script and works under `default-src 'self'`; pictures of users
 * from other hosts need those in img-src.
 *
 * @typedef {{ code: string, message: string, id: string, cause?: unknown }} AuthError
 *   `code` is stable; `id` finds the server's log line, "" when the failure is not
 *   the server's. NETWORK_REQUEST_FAILED: no answer, or none of the server's making.
 * @typedef {{ ok: boolean, status: number, error: AuthError | null, success: boolean }} Outcome
 *   `ok`: the server did what it was asked to. `status` is the HTTP status, 0 when
 *   there was no answer. Failures are values: nothing throws.
 * @typedef {Record<string, unknown> & { sub: string, name?: string, email?: string, image?: string }} User
 * @typedef {{ user: User, expires: string }} Session
 * @typedef {{ accessToken: string, tokenType: string, scopes: string[], issuedAt: number, expiresAt?: number,
 *   refreshToken?: string, refreshTokenExpiresAt?: number, idToken?: string }} Tokens  Times are in Unix seconds.
 * @typedef {{ redirectTo?: string, redirect?: boolean }} Way
 *   Where to go afterwards, as the server judges it; `redirect: false` stays.
 * @typedef {{ baseURL?: string, basePath?: string, fetch?: typeof fetch, cache?: RequestCache, mode?: RequestMode,
 *   headers?: HeadersInit | (() => HeadersInit | Promise<HeadersInit>), credentials?: RequestCredentials }} ClientOptions
 */

const CHANNEL = "aura-auth"; // where tabs tell each other of the session; the React package listens too
const PROVIDER_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/; // others could name another path, as ".." does
const NETWORK = "NETWORK_REQUEST_FAILED";

const nobody = { session: /** @type {Session | null} */ (null) };
const noTokens = { tokens: /** @type {Tokens | null} */ (null) };
const noToken = { csrfToken: /** @type {string | null} */ (null) };
const nowhere = { redirect: false, redirectURL: /** @type {string | null} */ (null) };

/**
 * Returns the functions for one server. Throws, with code CLIENT_BASE_URL_MISSING,
 * when it cannot know where the server is.
 * @param {ClientOptions} [options] `baseURL` defaults to the page's origin; a path in it is kept.
 *   `basePath` is the server's, "/api/auth" say. A function `headers` is called for each request.
 *   `credentials` defaults to "include", `cache` to "no-store".
 */
export function createAuthClient(options = {}) {
  const base = endpoints(options);

  /**
   * One request and its answer.
   * @param {string} method @param {string} path @param {{ query?: object, body?: object, token?: string }} [request]
   * @returns {Promise<{ status: number, data: any, error: AuthError | null }>}
   */
  async function exchange(method, path, { query = {}, body, token } = {}) {
    let status = 0;
    try {
      const headers = new Headers(typeof options.headers === "function" ? await options.headers() : options.headers);
      headers.set("Accept", "application/json");
      if (body) headers.set("Content-Type", "application/json");
      if (token) headers.set("X-CSRF-Token", token);
      const search = String(new URLSearchParams(Object.entries(query).filter(([, value]) => value != null)));
      const { fetch = globalThis.fetch, credentials = "include", cache = "no-store", mode } = options;
      const init = { method, headers, body: body && JSON.stringify(body), credentials, cache, mode };
      const response = await fetch(base + path + (search && `?${search}`), init);
      status = response.status;
      const data = await response.json();
      return { status, data, error: response.ok ? null : serverError(data) };
    } catch (cause) {
      return { status, data: {}, error: { ...failure(NETWORK, "No answer came that could be read."), cause } };
    }
  }

  /**
   * Calls an endpoint, after fetching a CSRF token when it wants one. A token is
   * never kept: signing in or out, in any tab, makes the old one worthless.
   * @template {object} Fields
   * @param {string} action the name of the function, for aura:error
   * @param {string} endpoint method and path; ":id" is the provider
   * @param {Fields} fallback the fields of a failure that the server did not word
   * @param {{ id?: string, query?: object, body?: object, csrf?: boolean, wants?: string }} [request]
   *   `wants` names the member that makes an answer a success
   * @returns {Promise<Outcome & Fields>}
   */
  async function call(action, endpoint, fallback, { id = "", csrf, wants = "success", ...request } = {}) {
    const [method, path] = endpoint.split(" ");
    let [status, data, error, token] = [0, /** @type {any} */ (null), /** @type {AuthError | null} */ (null), ""];
    if (path.includes(":id") && !PROVIDER_ID.test(id)) {
      error = failure("PROVIDER_NOT_FOUND", "This is not the id of a provider.");
    } else if (csrf) {
      const answer = await exchange("GET", "/csrfToken");
      ({ status, error } = answer);
      token = answer.data?.csrfToken;
      if (!token) error ??= serverError(answer.data);
    }
    if (!error) {
      ({ status, data, error } = await exchange(method, path.replace(":id", id), { ...request, token }));
      if (!data?.[wants]) error ??= serverError(data);
    }
    // Nobody being signed in is an answer, not an incident.
    if (error && (action !== "getSession" || status !== 401)) dispatch("aura:error", { action, error });
    return { ...fallback, ...data, success: !error, ok: !error, status, error };
  }

  /**
   * Goes where the server said, if the caller wants to go.
   * @template {Outcome} R @param {R} result @param {string | null} target @param {boolean} [redirect] @returns {R}
   */
  function follow(result, target, redirect) {
    if (!result.ok || redirect === false || navigate(target ?? "/")) return result;
    const error = failure("POTENTIAL_OPEN_REDIRECT_ATTACK_DETECTED", "The server named an address that is no web page.");
    return { ...result, ok: false, error };
  }

  /** Returns a CSRF token for a request of the application's own, or null. */
  const getCSRFToken = async () => (await call("getCSRFToken", "GET /csrfToken", noToken, { wants: "csrfToken" })).csrfToken;

  /** Asks who is signed in. Nobody is `status` 401; any other failure means that it is not known. */
  async function getSession() {
    const result = await call("getSession", "GET /session", nobody, { wants: "session" });
    return { ...result, authenticated: result.ok };
  }

  /**
   * Starts a sign-in at a provider by leaving the page for `signInURL`.
   * @param {string} id
   * @param {Way & { params?: Record<string, string> }} [options] `params` are for the provider, who gets
   *   those that the server is configured to pass on
   */
  async function signIn(id, { redirectTo, redirect, params } = {}) {
    const fallback = { redirect: false, signInURL: /** @type {string | null} */ ("/") };
    const result = await call("signIn", "GET /signIn/:id", fallback, { id, query: { ...params, redirectTo, redirect: false } });
    return follow(result, result.signInURL, redirect);
  }

  /** @param {string} action @param {string} endpoint @param {object} body @param {Way} way */
  async function enter(action, endpoint, body, { redirectTo, redirect }) {
    const result = await call(action, endpoint, nowhere, { query: { redirectTo, redirect: false }, body, csrf: true });
    if (result.ok) announce({ type: "session:sync" });
    return follow(result, result.redirectURL, redirect);
  }

  /**
   * Signs in with what a form asked for, then goes to redirectTo or "/".
   * @param {Way & { payload?: object, username?: string, password?: string }} options
   */
  const signInCredentials = ({ payload, username, password, ...way }) =>
    enter("signInCredentials", "POST /signIn/credentials", payload ?? { username, password }, way);

  /** Creates an account, then as above. A 422 has `details` by field. @param {Way & { payload: object }} options */
  const signUp = ({ payload, ...way }) => enter("signUp", "POST /signUp", payload, way);

  /**
   * Changes fields of the user that the server allows. Without redirectTo it stays on the page.
   * @param {Way & { session: { user?: Partial<User>, expires?: string | Date } }} options
   */
  async function updateSession({ session: { user, expires }, redirectTo, redirect }) {
    const request = { query: { redirectTo, redirect: false }, body: { user, expires }, csrf: true };
    const result = await call("updateSession", "PATCH /session", { ...nobody, ...nowhere }, request);
    if (result.ok) announce({ type: "session:update", payload: result.session });
    return follow(result, result.redirectURL, redirectTo === undefined ? false : redirect);
  }

  /** Signs out, then goes to redirectTo or "/". @param {Way} [options] */
  async function signOut({ redirectTo, redirect } = {}) {
    const query = { redirectTo, redirect: false, token_type_hint: "session_token" };
    const result = await call("signOut", "POST /signOut", { ...nowhere, redirectURL: "/" }, { query, csrf: true });
    if (result.ok) announce({ type: "session:clear" });
    return follow(result, result.redirectURL, redirect);
  }

  /** Returns what the server holds of a provider, refreshed when it was due. @param {string} id */
  const getProviderTokens = (id) => call("getProviderTokens", "GET /providers/:id/tokens", noTokens, { id, csrf: true });

  /** Returns the access token alone, or null. @param {string} id */
  const getAccessToken = async (id) =>
    (await call("getAccessToken", "GET /providers/:id/tokens", noTokens, { id, csrf: true })).tokens?.accessToken ?? null;

  /** Reads the user anew at the provider; returns the session, or null. @param {string} id */
  async function refreshUserInfo(id) {
    const { ok, session } = await call("refreshUserInfo", "POST /providers/:id/user/refresh", nobody, { id, csrf: true });
    if (ok) announce({ type: "session:update", payload: session });
    return session;
  }

  /** Revokes the tokens at the provider and forgets them. @param {string} id */
  const revokeToken = async (id) => (await call("revokeToken", "POST /providers/:id/tokens/revoke", {}, { id, csrf: true })).ok;

  /** Forgets the tokens of a provider. @param {string} id */
  const disconnectProvider = async (id) => (await call("disconnectProvider", "DELETE /providers/:id", {}, { id, csrf: true })).ok;

  /** Reports whether the server holds tokens of a provider for this session. @param {string} id */
  async function isProviderConnected(id) {
    const { ok, connected } = await call("isProviderConnected", "GET /providers/:id", { connected: false }, { id });
    return ok && connected === true;
  }

  return {
    getSession, signIn, signInCredentials, signUp, updateSession, signOut, getCSRFToken, refreshUserInfo,
    getProviderTokens, getAccessToken, revokeToken, disconnectProvider, isProviderConnected,
  };
}

/**
 * Wires the attributes of the page, those of elements added later included:
 *
 * - data-aura-session="signed-in" or "signed-out": `hidden` unless it is so.
 * - data-aura-user="name" (or any claim): its text; of an img, its source.
 * - data-aura-sign-in="github", data-aura-sign-out: on a button or link by click,
 *   on a form by submission, with data-aura-redirect-to or the form's own
 *   redirectTo. A form whose request fails is submitted as if there were no script.
 *
 * It asks for the session once. The document gets `aura:session`, with detail
 * {authenticated, session}, when the session has become known or has changed, in
 * whichever tab; while the server cannot tell, the page stays as it came. Calls that
 * fail, of any client, are `aura:error` with detail {action, error}.
 * @param {ReturnType<typeof createAuthClient>} client
 */
export function wire(client) {
  let latest = 0; // an answer that a newer message has overtaken is not shown

  /** @param {Session | null} session */
  function show(session) {
    latest++;
    const state = session ? "signed-in" : "signed-out";
    for (const element of document.querySelectorAll("[data-aura-session]")) {
      element.toggleAttribute("hidden", element.getAttribute("data-aura-session") !== state);
    }
    const claims = new Map(Object.entries(session?.user ?? {}));
    for (const element of document.querySelectorAll("[data-aura-user]")) {
      const value = String(claims.get(element.getAttribute("data-aura-user") ?? "") ?? "");
      if (element.localName === "img") picture(element, value && webAddress(value));
      else element.textContent = value;
    }
    dispatch("aura:session", { authenticated: session !== null, session });
  }

  async function load() {
    const mine = ++latest;
    const { ok, status, session, error } = await client.getSession();
    const known = ok || (status === 401 && error?.code !== NETWORK);
    if (mine === latest && known) show(session);
  }

  /** @param {Event} event */
  async function act(event) {
    const element = /** @type {Element} */ (event.target).closest("[data-aura-sign-out], [data-aura-sign-in]");
    const form = element?.localName === "form" ? /** @type {HTMLFormElement} */ (element) : null;
    const provider = element?.getAttribute("data-aura-sign-in") ?? null;
    const { button, ctrlKey, metaKey, shiftKey, altKey } = /** @type {MouseEvent} */ (event);
    if (button || ctrlKey || metaKey || shiftKey || altKey) return; // a link into another tab
    if (!element || event.defaultPrevented || event.type !== (form ? "submit" : "click")) return;
    if (provider === "credentials") return; // a form with a password is no business of ours
    event.preventDefault();
    if (element.getAttribute("aria-busy") === "true") return;
    element.setAttribute("aria-busy", "true");
    const fields = /** @type {Record<string, string>} */ (Object.fromEntries(form ? new FormData(form) : []));
    const { redirectTo: field, csrfToken: _, ...params } = fields;
    const redirectTo = element.getAttribute("data-aura-redirect-to") ?? field;
    const { ok } = await (provider === null ? client.signOut({ redirectTo }) : client.signIn(provider, { redirectTo, params }));
    element.removeAttribute("aria-busy");
    if (!ok && form) HTMLFormElement.prototype.submit.call(form); // a field named submit hides the method
    else if (!ok) load(); // another tab may have been faster
  }

  function start() {
    for (const type of ["click", "submit"]) document.addEventListener(type, act);
    // The page as it was, brought back by the Back button, may show a user who has left.
    addEventListener("pageshow", (event) => event.persisted && load());
    try {
      new BroadcastChannel(CHANNEL).onmessage = ({ data }) => {
        if (data?.type === "session:sync") load();
        if (data?.type === "session:update") show(data.payload ?? null);
        if (data?.type === "session:clear") show(null);
      };
    } catch {} // where storage is blocked there are no channels: this page is on its own
    load();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start, { once: true });
  else start();
}

/** Returns the address below which the endpoints are. @param {ClientOptions} options */
function endpoints({ baseURL = globalThis.location?.origin, basePath = "" }) {
  const root = parse(baseURL ?? "")?.href.split(/[?#]/)[0];
  if (root) return [root, basePath].map((part) => part.replace(/^\/+|\/+$/g, "")).filter(Boolean).join("/");
  const message = "createAuthClient needs baseURL, the address of the server, as in https://example.com";
  throw Object.assign(new TypeError(message), { code: "CLIENT_BASE_URL_MISSING" });
}

/** @param {string} code @param {string} message @returns {AuthError} */
const failure = (code, message) => ({ code, message, id: "" });

/** @param {any} data @returns {AuthError} */
const serverError = (data) =>
  ({ ...failure("SERVER_ERROR", "The server answered with a failure."), ...(typeof data?.error === "object" && data.error) });

/** @param {{ type: string, payload?: Session | null }} message */
function announce(message) {
  if (typeof document === "undefined") return;
  try {
    const channel = new BroadcastChannel(CHANNEL); // reaches this page's own listener as well
    channel.postMessage(message);
    channel.close();
  } catch {} // as in wire
}

/** @param {Element} image @param {string | null} source */
function picture(image, source) {
  image.toggleAttribute("hidden", !source);
  source ? image.setAttribute("src", source) : image.removeAttribute("src");
}

/** @param {string} name @param {object} detail */
function dispatch(name, detail) {
  if (typeof document !== "undefined") document.dispatchEvent(new CustomEvent(name, { detail }));
}

/** @param {string} value @param {string} [base] */
function parse(value, base) {
  try {
    return new URL(value, base);
  } catch {
    return null;
  }
}

/** The absolute form of an http or https address, or null: never javascript: or data:. @param {string} value */
function webAddress(value) {
  const url = parse(value, globalThis.location?.href);
  return url?.protocol === "https:" || url?.protocol === "http:" ? url.href : null;
}

/** Reports false for an address that a page must not go to. @param {string} target */
function navigate(target) {
  if (typeof document === "undefined") return true; // not a page: the caller reads the address
  const address = webAddress(target);
  if (address) location.assign(address);
  return address !== null;
}

// Bundlers may leave no address, or one without neighbours: then these reach nobody.
const page = createAuthClient({ baseURL: parse(".", import.meta.url)?.href ?? "file:///" });
export const { getSession, signIn, signInCredentials, signUp, updateSession, signOut, getCSRFToken, refreshUserInfo } = page;
export const { getProviderTokens, getAccessToken, revokeToken, disconnectProvider, isProviderConnected } = page;

// A bundle bears another name, and its endpoints are elsewhere. The tag's address
// has a version, an import's may have none: two modules, of which one wires.
const wired = Symbol.for("aura-auth.wired");
if (typeof document !== "undefined" && parse("", import.meta.url)?.pathname.endsWith("/client.js") && !document[wired]) {
  document[wired] = true;
  wire(page);
}
