// What each function asks of the server, to the byte, and what it returns.
// Run with: node --test core/assets/

import assert from "node:assert/strict";
import { test } from "node:test";
import * as served from "./client.js";

const { createAuthClient } = served;
const BASE = "https://app.example/api/auth";
const session = { user: { sub: "7", name: "Ada" }, expires: "2030-01-01T00:00:00.000Z" };
const tokens = { accessToken: "at-1", tokenType: "Bearer", scopes: ["read"], issuedAt: 1 };

/** A server that answers each request with the next of the list: [status, JSON], text, or an Error for no answer. */
function server(answers, options = {}) {
  const requests = [];
  const fetch = async (url, { method, headers, body, ...rest }) => {
    requests.push({ request: `${method} ${url}`, headers: Object.fromEntries(headers), body, ...rest });
    assert.ok(answers.length > 0, `a request too many: ${method} ${url}`);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return typeof answer === "string" ? new Response(answer) : Response.json(answer[1], { status: answer[0] });
  };
  const client = createAuthClient({ baseURL: "https://app.example", basePath: "/api/auth", fetch, ...options });
  return { client, requests, answers };
}

/** The request that is expected: an own token, JSON or nothing, cookies, no cache. */
function expected(request, { csrf = false, body } = {}) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (csrf) headers["x-csrf-token"] = "csrf-1";
  const [method, path] = request.split(" ");
  return {
    request: `${method} ${BASE}${path}`, headers, body: body && JSON.stringify(body),
    credentials: "include", cache: "no-store", mode: undefined,
  };
}

const ok = (fields) => ({ success: true, ...fields, ok: true, status: 200, error: null });

// One row per row of the contract's table of client functions.
const rows = [
  {
    name: "getSession", call: (c) => c.getSession(),
    request: expected("GET /session"),
    answer: { success: true, authenticated: true, session },
    want: ok({ authenticated: true, session }),
    fallback: { authenticated: false, session: null },
  },
  {
    name: "signIn", call: (c) => c.signIn("github", { redirectTo: "/a?b=c&d", redirect: false }),
    request: expected("GET /signIn/github?redirectTo=%2Fa%3Fb%3Dc%26d&redirect=false"),
    answer: { success: true, redirect: false, signInURL: `${BASE}/signIn/github?redirectTo=%2Fa` },
    want: ok({ redirect: false, signInURL: `${BASE}/signIn/github?redirectTo=%2Fa` }),
    fallback: { redirect: false, signInURL: "/" },
  },
  {
    name: "signIn with parameters", call: (c) => c.signIn("github", { redirect: false, params: { login_hint: "ada", redirect: "yes" } }),
    request: expected("GET /signIn/github?login_hint=ada&redirect=false"),
    answer: { success: true, redirect: false, signInURL: "/x" },
    want: ok({ redirect: false, signInURL: "/x" }),
    fallback: { redirect: false, signInURL: "/" },
  },
  {
    name: "signInCredentials", csrf: true,
    call: (c) => c.signInCredentials({ username: "ada", password: "pw", redirectTo: "/d", redirect: false }),
    request: expected("POST /signIn/credentials?redirectTo=%2Fd&redirect=false", { csrf: true, body: { username: "ada", password: "pw" } }),
    answer: { success: true, redirect: false, redirectURL: "/d" },
    want: ok({ redirect: false, redirectURL: "/d" }),
    fallback: { redirect: false, redirectURL: null },
  },
  {
    name: "signInCredentials with a payload", csrf: true,
    call: (c) => c.signInCredentials({ payload: { username: "ada", password: "pw", code: "1" }, redirect: false }),
    request: expected("POST /signIn/credentials?redirect=false", { csrf: true, body: { username: "ada", password: "pw", code: "1" } }),
    answer: { success: true, redirect: false, redirectURL: null },
    want: ok({ redirect: false, redirectURL: null }),
    fallback: { redirect: false, redirectURL: null },
  },
  {
    name: "signUp", csrf: true,
    call: (c) => c.signUp({ payload: { email: "ada@example.com" }, redirectTo: "/welcome", redirect: false }),
    request: expected("POST /signUp?redirectTo=%2Fwelcome&redirect=false", { csrf: true, body: { email: "ada@example.com" } }),
    answer: { success: true, redirect: false, redirectURL: "/welcome" },
    want: ok({ redirect: false, redirectURL: "/welcome" }),
    fallback: { redirect: false, redirectURL: null },
  },
  {
    name: "updateSession", csrf: true,
    call: (c) => c.updateSession({ session: { user: { name: "Ada" }, expires: new Date(session.expires) }, redirectTo: "/d", redirect: false }),
    request: expected("PATCH /session?redirectTo=%2Fd&redirect=false", { csrf: true, body: { user: { name: "Ada" }, expires: session.expires } }),
    answer: { success: true, session, redirect: false, redirectURL: "/d" },
    want: ok({ session, redirect: false, redirectURL: "/d" }),
    fallback: { session: null, redirect: false, redirectURL: null },
  },
  {
    name: "updateSession of the user alone", csrf: true, call: (c) => c.updateSession({ session: { user: { name: "Ada" } } }),
    request: expected("PATCH /session?redirect=false", { csrf: true, body: { user: { name: "Ada" } } }),
    answer: { success: true, session, redirect: false, redirectURL: null },
    want: ok({ session, redirect: false, redirectURL: null }),
    fallback: { session: null, redirect: false, redirectURL: null },
  },
  {
    name: "getProviderTokens", csrf: true, call: (c) => c.getProviderTokens("github"),
    request: expected("GET /providers/github/tokens", { csrf: true }),
    answer: { success: true, tokens }, want: ok({ tokens }), fallback: { tokens: null },
  },
  {
    name: "getAccessToken", csrf: true, call: (c) => c.getAccessToken("github"),
    request: expected("GET /providers/github/tokens", { csrf: true }),
    answer: { success: true, tokens }, want: "at-1", failure: null,
  },
  {
    name: "refreshUserInfo", csrf: true, call: (c) => c.refreshUserInfo("github"),
    request: expected("POST /providers/github/user/refresh", { csrf: true }),
    answer: { success: true, session }, want: session, failure: null,
  },
  {
    name: "revokeToken", csrf: true, call: (c) => c.revokeToken("github"),
    request: expected("POST /providers/github/tokens/revoke", { csrf: true }),
    answer: { success: true }, want: true, failure: false,
  },
  {
    name: "disconnectProvider", csrf: true, call: (c) => c.disconnectProvider("github"),
    request: expected("DELETE /providers/github", { csrf: true }),
    answer: { success: true }, want: true, failure: false,
  },
  {
    name: "isProviderConnected", call: (c) => c.isProviderConnected("github"),
    request: expected("GET /providers/github"),
    answer: { success: true, connected: true }, want: true, failure: false,
  },
  {
    name: "signOut", csrf: true, call: (c) => c.signOut({ redirectTo: "/bye", redirect: false }),
    request: expected("POST /signOut?redirectTo=%2Fbye&redirect=false&token_type_hint=session_token", { csrf: true }),
    answer: { success: true, redirect: false, redirectURL: "/bye" },
    want: ok({ redirect: false, redirectURL: "/bye" }),
    fallback: { redirect: false, redirectURL: "/" },
  },
  {
    name: "getCSRFToken", call: (c) => c.getCSRFToken(),
    request: expected("GET /csrfToken"),
    answer: { csrfToken: "csrf-1" }, want: "csrf-1", failure: null,
  },
];

const token = [200, { csrfToken: "csrf-1" }];
const refusal = { code: "CSRF_TOKEN_MISMATCH", message: "No.", id: "abc" };

/** The value of a failure: the row's own fields and why. */
const failed = (row, status, error, fields = row.fallback) =>
  row.fallback ? { ...fields, success: false, ok: false, status, error } : row.failure;

/** Compares, taking the cause of a network failure as given. */
function same(got, want) {
  if (got?.error?.cause) delete got.error.cause;
  assert.deepEqual(got, want);
}

for (const row of rows) {
  const csrf = row.csrf ? [expected("GET /csrfToken")] : [];
  const first = () => (row.csrf ? [token] : []);

  test(`${row.name}: the requests and the value of a success`, async () => {
    const { client, requests, answers } = server([...first(), [200, row.answer]]);
    same(await row.call(client), row.want);
    assert.deepEqual(requests, [...csrf, row.request]);
    assert.equal(answers.length, 0);
  });

  test(`${row.name}: a refusal of the server keeps its fields and its reason`, async () => {
    const body = { success: false, ...row.fallback, details: { name: "bad" }, error: refusal };
    const { client } = server([...first(), [403, body]]);
    same(await row.call(client), failed(row, 403, refusal, { ...row.fallback, details: { name: "bad" } }));
  });

  for (const [what, answer, error, status] of [
    ["no network", new TypeError("fetch failed"), "NETWORK_REQUEST_FAILED", 0],
    ["a page instead of JSON", "<!doctype html>", "NETWORK_REQUEST_FAILED", 200],
    ["JSON that says nothing", [200, null], "SERVER_ERROR", 200],
    ["a failure without a reason", [502, { success: true }], "SERVER_ERROR", 502],
    ["a 200 that is no success", [200, { success: false, error: "Too Many Requests" }], "SERVER_ERROR", 200],
  ]) {
    test(`${row.name}: ${what}`, async () => {
      const { client, requests } = server([...first(), answer]);
      const got = await row.call(client);
      assert.deepEqual(requests, [...csrf, row.request], "it does not try again");
      const message = got?.error?.message;
      assert.ok(!row.fallback || message, "an error says what is the matter");
      same(got, failed(row, status, { code: error, message, id: "" }));
    });

    if (row.csrf) {
      test(`${row.name}: ${what}, for the CSRF token`, async () => {
        const { client, requests } = server([answer]);
        const got = await row.call(client);
        assert.deepEqual(requests, csrf, "without a token nothing is asked");
        same(got, failed(row, status, { code: error, message: got?.error?.message, id: "" }));
      });
    }
  }
}

test("a CSRF token is fetched before every call", async () => {
  const { client, requests } = server([token, [200, { success: true }], [200, { csrfToken: "csrf-2" }], [200, { success: true }]]);
  assert.deepEqual([await client.revokeToken("a"), await client.revokeToken("b")], [true, true]);
  assert.deepEqual(requests.map((r) => r.headers["x-csrf-token"]), [undefined, "csrf-1", undefined, "csrf-2"]);
});

test("being limited says for how long", async () => {
  const error = { code: "RATE_LIMIT_EXCEEDED", message: "Slow down.", id: "x", retryAfter: 1500, resetAt: 99 };
  const { client } = server([token, [429, { success: false, error }]]);
  assert.deepEqual((await client.signInCredentials({ username: "a", password: "b", redirect: false })).error, error);
});

test("connected is what the server says", async () => {
  const { client } = server([[200, { success: true, connected: false }]]);
  assert.equal(await client.isProviderConnected("github"), false);
});

test("an id that is none goes nowhere", async () => {
  for (const id of ["", "..", "a/b", "a?b", "a b", "%2e%2e", undefined]) {
    const { client, requests } = server([]);
    const { ok, status, error } = await client.signIn(id);
    assert.deepEqual([ok, status, error.code], [false, 0, "PROVIDER_NOT_FOUND"], String(id));
    assert.equal(await client.revokeToken(id), false);
    assert.equal(requests.length, 0);
  }
});

test("options reach every request; our headers win", async () => {
  const headers = async () => ({ "X-Tenant": "t1", "x-csrf-token": "forged", Accept: "text/html" });
  const { client, requests } = server([token, [200, { success: true }]], { headers, credentials: "same-origin", cache: "reload", mode: "cors" });
  await client.revokeToken("github");
  for (const { credentials, cache, mode, headers } of requests) {
    assert.deepEqual([credentials, cache, mode, headers["x-tenant"], headers.accept], ["same-origin", "reload", "cors", "t1", "application/json"]);
  }
  assert.equal(requests[1].headers["x-csrf-token"], "csrf-1");
});

test("a failing headers function is a failed call", async () => {
  const { client } = server([], { headers: () => { throw new Error("no tenant"); } });
  const { error } = await client.getSession();
  assert.deepEqual([error.code, error.cause.message], ["NETWORK_REQUEST_FAILED", "no tenant"]);
});

test("the endpoints are where the options say", async () => {
  for (const [baseURL, basePath, want] of [
    ["https://app.example", "/auth", "https://app.example/auth/session"],
    ["https://app.example/", "auth/", "https://app.example/auth/session"],
    ["https://app.example/prefix/", "/api/auth", "https://app.example/prefix/api/auth/session"],
    ["https://app.example/api/auth?x#y", undefined, "https://app.example/api/auth/session"],
  ]) {
    const { client, requests } = server([[401, {}]], { baseURL, basePath });
    await client.getSession();
    assert.equal(requests[0].request, `GET ${want}`);
  }
});

test("outside a page the base URL is required", () => {
  for (const options of [undefined, {}, { basePath: "/auth" }, { baseURL: "/auth" }]) {
    assert.throws(() => createAuthClient(options), { code: "CLIENT_BASE_URL_MISSING" });
  }
});

test("the module's own functions are those of a client, with the endpoints beside it", async (t) => {
  const { createAuthClient: _, wire: __, ...functions } = served;
  assert.deepEqual(Object.keys(functions).sort(), Object.keys(server([]).client).sort());
  const fetch = t.mock.method(globalThis, "fetch", async () => Response.json({ success: true, session }));
  assert.deepEqual(await served.getSession(), ok({ authenticated: true, session }));
  assert.equal(fetch.mock.calls[0].arguments[0], new URL("session", import.meta.url).href);
});
