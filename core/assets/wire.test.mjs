// What the module does to a page: a document just large enough to be wired.
// Run with: node --test core/assets/

import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { pathToFileURL } from "node:url";

const session = { user: { sub: "7", name: "Ada <b>", image: "https://pictures.example/7.png" }, expires: "2030-01-01T00:00:00.000Z" };
const signedIn = () => Response.json({ success: true, authenticated: true, session });
const signedOut = () => Response.json({ success: false, session: null, error: { code: "SESSION_NOT_FOUND" } }, { status: 401 });

class Element {
  constructor(localName, attributes = {}, parent = null) {
    Object.assign(this, { localName, parent, attributes: new Map(Object.entries(attributes)), textContent: "as served" });
  }
  getAttribute(name) { return this.attributes.get(name) ?? null; }
  setAttribute(name, value) { this.attributes.set(name, String(value)); }
  removeAttribute(name) { this.attributes.delete(name); }
  toggleAttribute(name, on) { on ? this.attributes.set(name, "") : this.attributes.delete(name); }
  matches(selector) { return selector.split(", ").some((one) => this.attributes.has(one.slice(1, -1))); }
  closest(selector) { return this.matches(selector) ? this : (this.parent?.closest(selector) ?? null); }
  get hidden() { return this.attributes.has("hidden"); }
}

class Channel {
  static open = new Set();
  constructor(name) { this.name = name; Channel.open.add(this); }
  postMessage(data) {
    for (const other of Channel.open) if (other !== this && other.name === this.name) other.onmessage?.({ data });
  }
  close() { Channel.open.delete(this); }
}

let page; // what the test sees: elements, requests, events, navigations, submitted forms
let fresh = 0;

beforeEach(() => {
  Channel.open.clear();
  page = { elements: [], requests: [], answers: {}, events: [], went: [], submitted: [], windowListeners: {} };
  globalThis.document = Object.assign(new EventTarget(), {
    readyState: "interactive",
    querySelectorAll: (selector) => page.elements.filter((element) => element.matches(selector)),
  });
  for (const type of ["aura:session", "aura:error"]) {
    document.addEventListener(type, ({ detail }) => page.events.push([type, detail.authenticated ?? detail.error.code]));
  }
  globalThis.location = { href: "https://app.example/here", origin: "https://app.example", assign: (url) => page.went.push(url) };
  globalThis.addEventListener = (type, listener) => { page.windowListeners[type] = listener; };
  globalThis.BroadcastChannel = Channel;
  globalThis.HTMLFormElement = class { submit() { page.submitted.push(this); } };
  globalThis.FormData = class { constructor(form) { return Object.entries(form.fields ?? {}); } };
  globalThis.fetch = async (url, { method }) => {
    const path = url.slice(new URL(".", import.meta.url).href.length);
    page.requests.push(`${method} ${path}`);
    const answer = page.answers[`${method} ${path.split("?")[0]}`];
    if (!answer) throw new TypeError("no network");
    return answer();
  };
});

/** Lets everything that waits for a stub go on; reading a Response takes a few turns. */
async function settled() {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

/** Loads the module as a page with these elements does. */
async function open(elements = [], answers = {}) {
  page.elements = elements;
  page.answers = { "GET session": signedOut, "GET csrfToken": () => Response.json({ csrfToken: "c" }), ...answers };
  delete document[Symbol.for("aura-auth.wired")]; // a page of its own
  const module = await import(`./client.js?page=${fresh++}`);
  await settled();
  return module;
}

/** A user's click or submission; returns whether the browser goes on with its own action. */
async function user(type, target, init = {}) {
  const event = Object.assign(new Event(type, { cancelable: true }), type === "click" ? { button: 0 } : {}, init);
  Object.defineProperty(event, "target", { value: target });
  document.dispatchEvent(event);
  const goesOn = !event.defaultPrevented;
  await settled();
  return goesOn;
}

const bar = () => ({
  inside: new Element("div", { "data-aura-session": "signed-in", hidden: "" }),
  outside: new Element("a", { "data-aura-session": "signed-out" }),
  name: new Element("span", { "data-aura-user": "name" }),
  mail: new Element("span", { "data-aura-user": "email" }),
  odd: new Element("span", { "data-aura-user": "constructor" }),
  image: new Element("img", { "data-aura-user": "image", hidden: "" }),
});

test("a page is shown as its session is, after one request", async () => {
  const b = bar();
  await open(Object.values(b), { "GET session": signedIn });
  assert.deepEqual(page.requests, ["GET session"]);
  assert.deepEqual([b.inside.hidden, b.outside.hidden], [false, true]);
  assert.deepEqual([b.name.textContent, b.mail.textContent, b.odd.textContent], ["Ada <b>", "", ""]);
  assert.deepEqual([b.image.getAttribute("src"), b.image.hidden], ["https://pictures.example/7.png", false]);
  assert.deepEqual(page.events, [["aura:session", true]]);
});

test("nobody signed in is a state, not an error", async () => {
  const b = bar();
  b.image.setAttribute("src", "https://pictures.example/old.png");
  await open(Object.values(b));
  assert.deepEqual([b.inside.hidden, b.outside.hidden, b.name.textContent], [true, false, ""]);
  assert.deepEqual([b.image.getAttribute("src"), b.image.hidden], [null, true]);
  assert.deepEqual(page.events, [["aura:session", false]]);
});

for (const [what, answer, code] of [
  ["no network", undefined, "NETWORK_REQUEST_FAILED"],
  ["a store that is down", () => Response.json({ error: { code: "SESSION_STORE_UNAVAILABLE" } }, { status: 503 }), "SESSION_STORE_UNAVAILABLE"],
  ["a 401 of somebody else", () => new Response("Authorization Required", { status: 401 }), null],
]) {
  test(`${what} leaves the page as it came`, async () => {
    const b = bar();
    await open(Object.values(b), { "GET session": answer });
    assert.deepEqual([b.inside.hidden, b.outside.hidden, b.name.textContent], [true, false, "as served"]);
    assert.deepEqual(page.events, code ? [["aura:error", code]] : []);
  });
}

test("a second module on one page does not wire again", async () => {
  const b = bar();
  await open(Object.values(b), {});
  const before = page.requests.length;
  await import(`./client.js?page=${fresh++}`);
  await settled();
  assert.equal(page.requests.length, before);
});

test("a picture is fetched from http and https alone", async () => {
  for (const [image, src] of [
    ["/me.png", "https://app.example/me.png"], [7, "https://app.example/7"],
    ["javascript:alert(1)", null], ["data:image/svg+xml,x", null], ["http://[", null],
  ]) {
    const { image: element } = bar();
    await open([element], { "GET session": () => Response.json({ success: true, session: { user: { sub: "7", image } } }) });
    assert.deepEqual([element.getAttribute("src"), element.hidden], [src, src === null], String(image));
  }
});

test("a page that is still being parsed is wired when it is there", async () => {
  document.readyState = "loading";
  await open();
  assert.deepEqual(page.requests, []);
  document.dispatchEvent(new Event("DOMContentLoaded"));
  await settled();
  assert.deepEqual(page.requests, ["GET session"]);
});

test("a page that comes back from the cache is asked for again", async () => {
  await open();
  page.windowListeners.pageshow({ persisted: false });
  page.windowListeners.pageshow({ persisted: true });
  await settled();
  assert.deepEqual(page.requests, ["GET session", "GET session"]);
});

const out = { "POST signOut": () => Response.json({ success: true, redirect: false, redirectURL: "/bye" }, { status: 202 }) };
const SIGN_OUT = "POST signOut?redirectTo=%2Fbye&redirect=false&token_type_hint=session_token";

test("a sign-out button signs out, tells the page and goes on", async () => {
  const b = bar();
  const button = new Element("button", { "data-aura-sign-out": "", "data-aura-redirect-to": "/bye" });
  await open(Object.values(b), { "GET session": signedIn, ...out });
  assert.equal(await user("click", new Element("svg", {}, button)), false);
  assert.deepEqual(page.requests, ["GET session", "GET csrfToken", SIGN_OUT]);
  assert.deepEqual(page.went, ["https://app.example/bye"]);
  assert.deepEqual([b.inside.hidden, b.outside.hidden], [true, false]);
  assert.deepEqual(page.events, [["aura:session", true], ["aura:session", false]]);
  assert.equal(button.getAttribute("aria-busy"), null);
});

test("a second click while the first is under way does nothing", async () => {
  const button = new Element("button", { "data-aura-sign-out": "", "data-aura-redirect-to": "/bye" });
  await open([], out);
  const [first, second] = [user("click", button), user("click", button)];
  assert.deepEqual([await first, await second], [false, false]);
  assert.deepEqual(page.requests, ["GET session", "GET csrfToken", SIGN_OUT]);
});

test("a button whose sign-out fails stays, and the page asks who is signed in", async () => {
  const button = new Element("button", { "data-aura-sign-out": "" });
  await open([], { "POST signOut": signedOut });
  await user("click", button);
  assert.deepEqual(page.requests.slice(2), ["POST signOut?redirect=false&token_type_hint=session_token", "GET session"]);
  assert.deepEqual(page.events, [["aura:session", false], ["aura:error", "SESSION_NOT_FOUND"], ["aura:session", false]]);
  assert.deepEqual(page.went, []);
});

test("a form acts when it is submitted, with its own fields", async () => {
  const form = new Element("form", { "data-aura-sign-out": "" });
  form.fields = { csrfToken: "old", redirectTo: "/bye" };
  await open([], out);
  assert.equal(await user("click", new Element("button", {}, form)), true, "the click goes on to submit");
  assert.deepEqual(page.requests, ["GET session"]);
  assert.equal(await user("submit", form), false);
  assert.deepEqual(page.requests.slice(1), ["GET csrfToken", SIGN_OUT]);
  assert.deepEqual([page.went, page.submitted], [["https://app.example/bye"], []]);
});

test("a form whose request fails is submitted without the script", async () => {
  const form = new Element("form", { "data-aura-sign-out": "" });
  await open();
  await user("submit", form);
  assert.deepEqual([page.submitted, page.went], [[form], []]);
});

test("a sign-in form goes to the provider with its parameters", async () => {
  const form = new Element("form", { "data-aura-sign-in": "github" });
  form.fields = { redirectTo: "/d", login_hint: "ada", csrfToken: "secret" };
  const signInURL = "https://app.example/api/auth/signIn/github?redirectTo=%2Fd";
  await open([], { "GET signIn/github": () => Response.json({ success: true, redirect: false, signInURL }) });
  assert.equal(await user("submit", form), false);
  assert.deepEqual(page.requests.slice(1), ["GET signIn/github?login_hint=ada&redirectTo=%2Fd&redirect=false"]);
  assert.deepEqual(page.went, [signInURL]);
});

test("what is not ours is left to the browser", async () => {
  const link = new Element("a", { "data-aura-sign-in": "github" });
  await open([], out);
  for (const [type, target, init] of [
    ["submit", new Element("form")],
    ["submit", new Element("form", { "data-aura-sign-in": "credentials" })],
    ["click", new Element("a")],
    ["click", link, { ctrlKey: true }], ["click", link, { metaKey: true }], ["click", link, { shiftKey: true }],
    ["click", link, { altKey: true }], ["click", link, { button: 1 }],
  ]) {
    assert.equal(await user(type, target, init), true, `${type} ${target.localName} ${JSON.stringify(init)}`);
  }
  const refused = new Event("click", { cancelable: true });
  refused.preventDefault(); // the application's own listener asked "sure?"
  Object.defineProperty(refused, "target", { value: link });
  document.dispatchEvent(refused);
  await settled();
  assert.deepEqual(page.requests, ["GET session"]);
});

test("a page never goes to a script, whatever the server says", async () => {
  for (const redirectURL of ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "blob:https://app.example/x", "http://["]) {
    const { signOut } = await open([], { "POST signOut": () => Response.json({ success: true, redirectURL }) });
    const { ok, error } = await signOut();
    assert.deepEqual([ok, error.code, page.went], [false, "POTENTIAL_OPEN_REDIRECT_ATTACK_DETECTED", []], redirectURL);
  }
});

test("where a call goes afterwards", async () => {
  const answer = (redirectURL) => () => Response.json({ success: true, session, redirectURL });
  for (const [call, options, redirectURL, went] of [
    ["signOut", {}, null, ["https://app.example/"]],
    ["signOut", { redirect: true }, "https://other.example/x", ["https://other.example/x"]],
    ["signOut", { redirect: false }, "/d", []],
    ["signInCredentials", { username: "a", password: "b" }, null, ["https://app.example/"]],
    ["signInCredentials", { username: "a", password: "b", redirectTo: "/d" }, "/d", ["https://app.example/d"]],
    ["signUp", { payload: {}, redirectTo: "/d" }, "/d", ["https://app.example/d"]],
    ["updateSession", { session: {} }, null, []],
    ["updateSession", { session: {}, redirectTo: "/d" }, "/d", ["https://app.example/d"]],
    ["updateSession", { session: {}, redirectTo: "/d", redirect: false }, "/d", []],
  ]) {
    page.went = [];
    const all = ["POST signOut", "POST signIn/credentials", "POST signUp", "PATCH session"].map((name) => [name, answer(redirectURL)]);
    const module = await open([], Object.fromEntries(all));
    assert.equal((await module[call](options)).ok, true);
    assert.deepEqual(page.went, went, `${call} ${JSON.stringify(options)}`);
  }
});

test("tabs tell each other, in the words of the React package", async () => {
  const renamed = { ...session, user: { ...session.user, name: "Grace" } };
  const module = await open([], {
    ...out, "PATCH session": () => Response.json({ success: true, session: renamed }),
    "POST providers/github/user/refresh": () => Response.json({ success: true, session }),
    "POST signIn/credentials": () => Response.json({ success: true }), "POST signUp": () => Response.json({ success: true }),
  });
  const heard = [];
  new Channel("aura-auth").onmessage = ({ data }) => heard.push(data);
  await module.updateSession({ session: { user: { name: "Grace" } } });
  await module.refreshUserInfo("github");
  await module.signInCredentials({ username: "a", password: "b", redirect: false });
  await module.signUp({ payload: {}, redirect: false });
  await module.signOut({ redirect: false });
  await module.revokeToken("github");
  const sync = { type: "session:sync" };
  const update = (payload) => ({ type: "session:update", payload });
  assert.deepEqual(heard, [update(renamed), update(session), sync, sync, { type: "session:clear" }]);
});

test("what another tab says is shown, and is newer than an answer still on its way", async () => {
  const b = bar();
  let arrive;
  await open(Object.values(b), { "GET session": () => new Promise((resolve) => { arrive = () => resolve(signedIn()); }) });
  const other = new Channel("aura-auth");
  other.postMessage({ type: "session:clear" });
  arrive();
  await settled();
  assert.deepEqual(page.events, [["aura:session", false]]);
  other.postMessage({ type: "session:update", payload: session });
  assert.deepEqual([b.inside.hidden, b.name.textContent], [false, "Ada <b>"]);
  page.answers["GET session"] = signedOut;
  other.postMessage({ type: "session:sync" });
  await settled();
  assert.equal(b.inside.hidden, true);
  for (const noise of [null, "x", { type: "other" }]) other.postMessage(noise);
  assert.equal(page.events.length, 3);
});

test("a page without channels works alone", async () => {
  globalThis.BroadcastChannel = class { constructor() { throw new Error("storage is blocked"); } };
  const { signOut } = await open([], { "GET session": signedIn, ...out });
  assert.deepEqual(page.events, [["aura:session", true]]);
  assert.equal((await signOut({ redirect: false })).ok, true);
});

test("a bundle wires nothing by itself, and works with a client of its own", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "aura-client-"));
  t.after(() => rm(folder, { recursive: true }));
  const bundle = join(folder, "bundle.mjs");
  await copyFile(new URL("client.js", import.meta.url), bundle);
  const inline = `data:text/javascript;base64,${await readFile(bundle, "base64")}`;
  for (const address of [pathToFileURL(bundle).href, inline]) {
    Object.assign(page, { requests: [], events: [] });
    const { createAuthClient, wire } = await import(address);
    await settled();
    assert.deepEqual(page.requests, []);
    wire(createAuthClient({ fetch: async (url) => (page.requests.push(url), signedIn()), basePath: "/auth" }));
    await settled();
    assert.deepEqual(page.requests, ["https://app.example/auth/session"]);
    assert.deepEqual(page.events, [["aura:session", true]]);
  }
});
